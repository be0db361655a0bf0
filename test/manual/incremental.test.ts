/** 2.4.4 (incremental) and 2.4.5 (more columns downstream): task file, commands and answers, over real processes. */
import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BareClient, sourceYaml, untilEqual, type Answer } from '../lifecycle/support.js';
import { describeWith, startDatabase, startMariaDb } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { assertTablesEqual } from '../support/compare-tables.js';
import { startCluster, type TestCluster } from '../support/cluster.js';
import { waitFor } from '../support/wait-for.js';
import { taskFile } from './support.js';

const MESSAGES = `CREATE TABLE \`messages\` (
  \`id\` int(11) NOT NULL,
  \`message\` varchar(255) DEFAULT NULL,
  PRIMARY KEY (\`id\`)
)`;

await describeWith('mysql-9.7', 'incremental replication from a MySQL source', () => {
  let source: DatabaseServer;
  let target: DatabaseServer;
  let cluster: TestCluster;
  let nats: BareClient;
  beforeAll(async () => {
    [source, target, cluster] = await Promise.all([
      startDatabase('mysql-9.7'),
      startMariaDb({ binlog: 'off' }),
      startCluster({ workers: 1 }),
    ]);
    nats = await BareClient.connect(cluster);
    const file = await cluster.file('mysql-01.yaml', sourceYaml('mysql-01', source, { gtid: true }));
    await cluster.must(['operate-source', 'create', file]);
    await source.execute(
      'CREATE DATABASE user; CREATE TABLE user.information (id INT PRIMARY KEY); CREATE DATABASE store; CREATE TABLE store.store_bj (id INT PRIMARY KEY)',
    );
    await source.execute(
      `CREATE DATABASE log; USE log; ${MESSAGES}; INSERT INTO messages VALUES (1, 'msg1'), (2, 'msg2'), (3, 'msg3')`,
    );
  });
  afterAll(async () => {
    await nats?.[Symbol.asyncDispose]();
    await cluster?.stop();
    await Promise.all([source?.stop(), target?.stop()]);
  });

  /** 2.4.4.3.1: where SHOW MASTER STATUS (now SHOW BINARY LOG STATUS) stands. */
  async function place(): Promise<Record<'binlog-name' | 'binlog-pos' | 'binlog-gtid', unknown>> {
    const [row] = await source.query('SHOW BINARY LOG STATUS');
    return {
      'binlog-name': row['File'],
      'binlog-pos': row['Position'],
      'binlog-gtid': String(row['Executed_Gtid_Set']).replaceAll('\n', ''),
    };
  }

  /** The printed task file with this server's place. */
  async function taskYaml(meta: Awaited<ReturnType<typeof place>>): Promise<string> {
    const example = await readFile(
      new URL('../config/manual/2.4.4-incremental.yaml', import.meta.url),
      'utf8',
    );
    const file = parseDocument(taskFile(example, target));
    for (const [key, value] of Object.entries(meta)) file.setIn(['mysql-instances', 0, 'meta', key], value);
    return cluster.file('task.yaml', file.toString());
  }

  async function synced(): Promise<void> {
    await nats.untilSubtask('task-test', 'to be synced', (s: Answer) => s.sync?.synced === true);
  }

  it('2.4.4: only what comes after the place arrives', async () => {
    const start = await place();
    // 2.4.4.3.2: the table is made by hand.
    await target.execute(`CREATE DATABASE log; USE log; ${MESSAGES}`);
    const { json: started } = await cluster.must(['start-task', await taskYaml(start)]);
    expect(started).toEqual({
      result: true,
      msg: '',
      sources: [{ result: true, msg: '', source: 'mysql-01', worker: 'worker1' }],
    });

    await synced();
    const { json: status } = await cluster.must(['query-status', 'task-test']);
    const at = `(${start['binlog-name']}, ${start['binlog-pos']})`;
    expect(status).toMatchObject({
      result: true,
      msg: '',
      sources: [
        {
          result: true,
          msg: '',
          sourceStatus: { source: 'mysql-01', worker: 'worker1', result: null, relayStatus: null },
          subTaskStatus: [
            {
              name: 'task-test',
              stage: 'Running',
              unit: 'Sync',
              result: null,
              unresolvedDDLLockID: '',
              sync: {
                totalEvents: '0',
                totalTps: '0',
                recentTps: '0',
                masterBinlog: at,
                masterBinlogGtid: start['binlog-gtid'],
                syncerBinlog: at,
                blockingDDLs: [],
                unresolvedGroups: [],
                synced: true,
                binlogType: 'remote',
              },
            },
          ],
        },
      ],
    });

    // 2.4.4.4
    await source.execute("USE log; INSERT INTO messages VALUES (4, 'msg4'), (5, 'msg5')");
    await waitFor(async () => (await target.query('SELECT id FROM log.messages')).length === 2, {
      what: 'the two rows',
    });
    expect(await target.query('SELECT * FROM log.messages ORDER BY id')).toEqual([
      { id: 4, message: 'msg4' },
      { id: 5, message: 'msg5' },
    ]);
    await source.execute('INSERT INTO user.information VALUES (1); INSERT INTO store.store_bj VALUES (1)');
    await synced();
    const schemas = await target.query('SHOW DATABASES');
    expect(schemas.map((row) => Object.values(row)[0])).not.toContain('user');
    await nats.must('stop-task', { task: 'task-test' });
  });

  it('2.4.5: more columns downstream, without any ado where the source has still the structure of its rows', async () => {
    await target.execute(
      `DROP DATABASE dm_meta; DROP TABLE log.messages; USE log; ${MESSAGES.replace('PRIMARY', "region varchar(9) DEFAULT 'here', PRIMARY")}`,
    );
    const start = await place();
    await source.execute("INSERT INTO log.messages VALUES (6, 'msg6')");
    await cluster.must(['start-task', await taskYaml(start)]);
    await synced();
    expect(await target.query('SELECT * FROM log.messages')).toEqual([
      { id: 6, message: 'msg6', region: 'here' },
    ]);
    // A column that is added while the task runs.
    await target.execute('ALTER TABLE log.messages ADD COLUMN seen INT FIRST');
    await source.execute(
      "INSERT INTO log.messages VALUES (7, 'msg7'); UPDATE log.messages SET message = 'm' WHERE id = 6",
    );
    // The two changes are transactions of their own, in lanes of their own.
    const both = "SELECT id FROM log.messages WHERE id = 7 OR message = 'm'";
    await waitFor(async () => (await target.query(both)).length === 2, {
      what: 'row 7 and the change of row 6',
    });
    expect(await target.query('SELECT id, message, region, seen FROM log.messages ORDER BY id')).toEqual([
      { id: 6, message: 'm', region: 'here', seen: null },
      { id: 7, message: 'msg7', region: 'here', seen: null },
    ]);
    await nats.must('stop-task', { task: 'task-test' });
  });

  it('2.4.5.3: where no server has that structure any more, operate-schema gives it', async () => {
    await target.execute(
      `DROP DATABASE dm_meta; DROP TABLE log.messages; USE log; ${MESSAGES.replace('PRIMARY', "region varchar(9) DEFAULT 'here', PRIMARY")}`,
    );
    const start = await place();
    await source.execute(
      "INSERT INTO log.messages VALUES (8, 'msg8'); ALTER TABLE log.messages ADD COLUMN later INT",
    );
    await source.execute("INSERT INTO log.messages VALUES (9, 'msg9', 9)");
    await cluster.must(['start-task', await taskYaml(start)]);
    const paused = await nats.untilSubtask('task-test', 'to be paused', (s: Answer) => s.stage === 'Paused');
    expect(paused.result.errors).toEqual([
      {
        ErrCode: 36027,
        ErrClass: 'sync-unit',
        ErrScope: 'internal',
        ErrLevel: 'high',
        Message: expect.stringMatching(
          /^startLocation: \[position: \(\S+, \d+\), gtid-set: [^\]]+\], endLocation: \[position: \(\S+, \d+\), gtid-set: [^\]]+\]: gen insert sqls failed, schema: log, table: messages: Column count doesn't match value count: 3 \(columns\) vs 2 \(values\)/,
        ),
        RawCause: '',
        Workaround: expect.stringContaining('operate-schema'),
      },
    ]);

    const file = await cluster.file('log.messages.sql', `${MESSAGES}\n`);
    await cluster.must([
      'operate-schema',
      'set',
      '-s',
      'mysql-01',
      'task-test',
      '-d',
      'log',
      '-t',
      'messages',
      file,
    ]);
    await cluster.must(['resume-task', 'task-test']);
    await waitFor(async () => (await target.query('SELECT id FROM log.messages')).length === 2, {
      what: 'row 9',
    });
    expect(await target.query('SELECT id, message, region, later FROM log.messages ORDER BY id')).toEqual([
      { id: 8, message: 'msg8', region: 'here', later: null },
      { id: 9, message: 'msg9', region: 'here', later: 9 },
    ]);
    await synced();
    expect(await nats.subtask('task-test')).toMatchObject({ stage: 'Running', result: null });
    await nats.must('stop-task', { task: 'task-test' });
  });

  it('2.4.5.3: with a full copy nothing has to be done', async () => {
    await target.execute(
      `DROP DATABASE dm_meta; DROP TABLE log.messages; USE log; ${MESSAGES.replace('PRIMARY', "later INT, region varchar(9) DEFAULT 'here', PRIMARY")}`,
    );
    const task = parseDocument(await readFile(await taskYaml(await place()), 'utf8'));
    task.set('task-mode', 'all');
    task.deleteIn(['mysql-instances', 0, 'meta']);
    await cluster.must(['start-task', await cluster.file('all.yaml', task.toString())]);
    await synced();
    await source.execute("INSERT INTO log.messages VALUES (10, 'msg10', 10)");
    await waitFor(async () => (await target.query('SELECT 1 FROM log.messages WHERE id = 10')).length === 1, {
      what: 'row 10',
    });
    await target.execute('ALTER TABLE log.messages DROP COLUMN region');
    await assertTablesEqual(source, target, ['log.messages']);
    await untilEqual(source, target, 'log.messages');
  });
});
