/** operate-schema and binlog-schema as typed: what they answer, and that rows decode by what they set. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { DatabaseServer } from '../servers/database.js';
import { projectRoot, type TestCluster } from '../support/cluster.js';
import type { BareClient } from '../lifecycle/support.js';
import { address, expectRefusal, taskYaml, untilEqual, type Answer } from '../lifecycle/support.js';
import { useOneCluster } from '../lifecycle/one-cluster.js';

let upstream: DatabaseServer;
let target: DatabaseServer;
let cluster: TestCluster;
let nats: BareClient;

useOneCluster(
  { workers: 1, keepaliveTtl: 5, source: 'one' },
  (all) => ({ upstream, target, cluster, nats } = all),
);
afterEach(async () => {
  for (const task of await nats.taskNames()) await nats.ask('stop-task', { task });
});

const details = () => cluster.describe();

async function replicating(schema: string): Promise<void> {
  await upstream.execute(
    `CREATE DATABASE ${schema} CHARACTER SET latin1; CREATE TABLE ${schema}.t1 (c1 INT(11) NOT NULL, c2 INT(11) DEFAULT NULL, PRIMARY KEY (c1)) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_bin;
    INSERT INTO ${schema}.t1 VALUES (1, 1)`,
  );
  await nats.must('start-task', {
    task: taskYaml({ name: schema, target: address(target), sources: ['one'] }),
  });
  // The checkpoint holds the structures from then on.
  await nats.untilSubtask(schema, 'to have all', (s: Answer) => s.sync?.synced === true);
}

/** Words of the command, as the manual puts them. */
const operate = (op: string, task: string, ...rest: string[]) =>
  cluster.dmctl(['operate-schema', op, '-s', 'one', task, '-d', task, '-t', 't1', ...rest]);

function answer(msg: string): object {
  return { result: true, msg: '', sources: [{ result: true, msg, source: 'one', worker: 'worker1' }] };
}

/** Of an answer that only the source refuses. */
function expectSourceRefusal(result: Answer, code: number, message: RegExp | string): void {
  expect(result?.result, JSON.stringify(result)).toBe(false);
  expectRefusal(result.sources[0], code, message);
}

const SHOWN =
  'CREATE TABLE `t1` ( `c1` int(11) NOT NULL, `c2` int(11) DEFAULT NULL, PRIMARY KEY (`c1`)) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_bin';

describe('the manual', () => {
  it('gets, sets and removes the schema of a table, 4.6.4', async () => {
    await replicating('db_single');
    expect((await operate('get', 'db_single')).json).toEqual(answer(SHOWN));
    const file = await cluster.file(
      'db_single.t1-schema.sql',
      'CREATE TABLE `t1` (\n  `c1` int(11) NOT NULL,\n  `c2` bigint(11) DEFAULT NULL,\n  PRIMARY KEY (`c1`)\n) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_bin\n',
    );
    expectSourceRefusal(
      (await operate('set', 'db_single', file)).json,
      40051,
      /stage is Running but not paused/,
    );
    expectSourceRefusal(
      (await operate('remove', 'db_single')).json,
      40051,
      /stage is Running but not paused/,
    );
    await nats.must('pause-task', { task: 'db_single' });
    expect((await operate('get', 'db_single')).json).toEqual(answer(SHOWN));
    expect((await operate('set', 'db_single', file, '--flush', '--sync=false')).json).toEqual(answer(''));
    expect((await operate('get', 'db_single')).json).toEqual(
      answer(SHOWN.replace('`c2` int(11)', '`c2` bigint(11)')),
    );
    expect((await operate('remove', 'db_single')).json).toEqual(answer(''));
    expectSourceRefusal((await operate('get', 'db_single')).json, 44005, /nothing is kept of it/);
    expectSourceRefusal((await operate('remove', 'db_single')).json, 44011, /nothing is kept of it/);
    // Looked for anew, it is what the source has.
    await nats.must('resume-task', { task: 'db_single' });
    await upstream.execute('INSERT INTO db_single.t1 VALUES (2, -2)');
    await untilEqual(upstream, target, 'db_single.t1', { details });
    expect((await operate('get', 'db_single')).json).toEqual(answer(SHOWN));
  });

  it('rows of an older structure decode by the one that is set, 2.4 and 4.6', async () => {
    await upstream.execute(
      "CREATE DATABASE log; CREATE TABLE log.messages (id INT NOT NULL, message VARCHAR(255) DEFAULT NULL, PRIMARY KEY (id)); INSERT INTO log.messages VALUES (1, 'hallo')",
    );
    const [status] = await upstream.query('SHOW MASTER STATUS');
    const [gtid] = await upstream.query('SELECT @@gtid_binlog_pos AS g');
    await upstream.execute(`
      INSERT INTO log.messages VALUES (2, 'two'), (3, 'three');
      UPDATE log.messages SET message = 'TWO' WHERE id = 2;
      ALTER TABLE log.messages ADD COLUMN level TINYINT NOT NULL DEFAULT 5 AFTER id;
      INSERT INTO log.messages VALUES (4, 1, 'four')`);
    await target.execute(
      "CREATE DATABASE log; CREATE TABLE log.messages (id INT NOT NULL, level TINYINT NOT NULL DEFAULT 5, message VARCHAR(255) DEFAULT NULL, PRIMARY KEY (id)); INSERT INTO log.messages VALUES (1, 5, 'hallo')",
    );
    const meta = `    meta:\n      binlog-name: ${String(status?.['File'])}\n      binlog-pos: ${String(status?.['Position'])}\n      binlog-gtid: ${String(gtid?.['g'])}\n`;
    await nats.must('start-task', {
      task: taskYaml({
        name: 'task-test',
        target: address(target),
        sources: ['one'],
        mode: 'incremental',
        schemas: ['log'],
        instance: () => meta,
      }),
    });
    const paused = await nats.untilSubtask('task-test', 'to be paused', (s: Answer) => s.stage === 'Paused');
    expect(paused.result.errors[0]).toMatchObject({ ErrCode: 36027 });
    expect(paused.result.errors[0].Workaround).toContain('operate-schema');
    // The page's example, word for word.
    const page = await readFile(path.join(projectRoot(), 'docs/schema.md'), 'utf8');
    const file = await cluster.file('log.messages.sql', /```sql\n([\s\S]*?)```/.exec(page)?.[1] ?? '');
    const lines = /```sh\n([\s\S]*?)```/.exec(page)?.[1]?.trim().split('\n') ?? [];
    expect(lines).toHaveLength(3);
    for (const line of lines) {
      const words = line.replace('mysql-replica-01', 'one').replace('log.messages.sql', file).split(' ');
      await cluster.must(words.slice(1));
    }
    await untilEqual(upstream, target, 'log.messages', { details });
  });
});

describe('binlog-schema', () => {
  it('lists, updates from source and target, and deletes', async () => {
    await replicating('lists');
    await nats.must('pause-task', { task: 'lists' });
    const say = (...words: string[]) => cluster.dmctl(['binlog-schema', ...words]);
    expect((await say('list', 'lists')).json).toEqual(answer('["`lists`.`t1`"]'));
    expect((await say('list', 'lists', 'lists', 't1')).json).toEqual(answer(SHOWN));
    await target.execute('ALTER TABLE lists.t1 ADD COLUMN extra INT DEFAULT 7');
    const from = await say('list', 'lists', 'lists', 't1', '--from-target');
    expect(from.json.sources[0].msg).toContain('`extra` int(11)');
    expect((await say('update', 'lists', '-s', 'one', 'lists', 't1', '--from-target')).json).toEqual(
      answer(''),
    );
    expect((await say('list', 'lists', 'lists', 't1')).json.sources[0].msg).toContain('`extra`');
    expect((await say('update', 'lists', '-s', 'one', 'lists', 't1', '--from-source')).json).toEqual(
      answer(''),
    );
    expect((await say('list', 'lists', 'lists', 't1')).json).toEqual(answer(SHOWN));
    // The column of the target alone keeps its default.
    await nats.must('resume-task', { task: 'lists' });
    await upstream.execute('INSERT INTO lists.t1 VALUES (2, 3)');
    await nats.untilSubtask('lists', 'to have all', (s: Answer) => s.sync?.synced === true);
    await nats.must('pause-task', { task: 'lists' });
    expect(await target.query('SELECT * FROM lists.t1 WHERE c1 = 2')).toEqual([{ c1: 2, c2: 3, extra: 7 }]);
    expect((await say('delete', 'lists', 'lists', 't1')).json).toEqual(answer(''));
    expect((await say('list', 'lists')).json).toEqual(answer('[]'));
  });

  it('refuses what cannot be meant', async () => {
    await replicating('wrong');
    await nats.must('pause-task', { task: 'wrong' });
    const file = await cluster.file('view.sql', 'CREATE VIEW v AS SELECT 1');
    expectSourceRefusal((await operate('set', 'wrong', file)).json, 44009, /not a valid `CREATE TABLE`/);
    const broken = await cluster.file('broken.sql', 'CREATE TABLE t1 (c1 INT,');
    expectSourceRefusal((await operate('set', 'wrong', broken)).json, 11006, /./);
    expectRefusal((await operate('set', 'wrong')).json, 38004, /needs a file/);
    expectRefusal((await operate('set', 'wrong', file, '--from-source')).json, 38004, /only one of/);
    expectRefusal((await operate('gets', 'wrong')).json, 38004, /get, set, remove/);
    const ask = (request: object) => nats.ask('operate-schema', { task: 'wrong', ...request });
    const ofTable = { database: 'wrong', table: 't1' };
    expectRefusal(await ask({ op: 'set', ...ofTable, fromSource: true }), 38004, /needs the sources/);
    expectRefusal(await ask({ op: 'get', database: 'wrong' }), 38004, /needs the database and the table/);
    expectSourceRefusal(await ask({ op: 'get', database: 'other', table: 't1' }), 44005, /does not migrate/);
    expectSourceRefusal(
      await ask({ op: 'set', database: 'wrong', table: 'none', sources: ['one'], fromSource: true }),
      44007,
      /does not exist/,
    );
    expectRefusal(await nats.ask('operate-schema', { task: 'none', op: 'list' }), 46018, /not exist/);
    expectRefusal(await ask({ op: 'list', sources: ['two'] }), 46017, /not exist in the task/);
  });
});
