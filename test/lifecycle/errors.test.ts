/** Trouble while replicating: what passes is survived, what does not pauses the task and says why. */
import { afterEach, describe, expect, it } from 'vitest';
import type { DatabaseServer } from '../servers/database.js';
import type { TestCluster } from '../support/cluster.js';
import type { BareClient } from './support.js';
import { address, taskYaml, untilEqual, type Answer } from './support.js';
import { useOneCluster } from './one-cluster.js';

let upstream: DatabaseServer;
let target: DatabaseServer;
let cluster: TestCluster;
let nats: BareClient;

useOneCluster(
  { workers: 2, keepaliveTtl: 3, source: 'one' },
  (all) => ({ upstream, target, cluster, nats } = all),
);
afterEach(async () => {
  for (const task of await nats.taskNames()) await nats.ask('stop-task', { task });
});

const details = () => cluster.describe();
const LOCATION = String.raw`\[position: \(mysql-bin\.\d{6}, \d+\), gtid-set: [\d-]+\]`;

/** A task of its own for the schema, replicating a table with a key and one without. */
async function replicating(schema: string): Promise<void> {
  await upstream.execute(`
    CREATE DATABASE ${schema};
    CREATE TABLE ${schema}.keyed (id INT PRIMARY KEY, v VARCHAR(20));
    CREATE TABLE ${schema}.plain (id INT, v VARCHAR(20));
    INSERT INTO ${schema}.keyed VALUES (1,'a'); INSERT INTO ${schema}.plain VALUES (1,'a'),(1,'a')`);
  await nats.must('start-task', {
    task: taskYaml({ name: schema, target: address(target), sources: ['one'] }),
  });
  await nats.untilSync(schema);
  await equal(schema);
}

async function equal(schema: string): Promise<void> {
  for (const table of ['keyed', 'plain'])
    await untilEqual(upstream, target, `${schema}.${table}`, { details });
}

/** The task is paused by an error, which query-status tells in DM's fields. */
async function pausedBy(task: string): Promise<Answer> {
  const status = await nats.untilSubtask(task, 'to be paused', (s: Answer) => s.stage === 'Paused');
  expect(status).toMatchObject({ unit: 'Sync', result: { isCanceled: false, detail: null } });
  const { tasks } = await nats.must('query-status');
  expect(tasks[0].taskStatus).toBe(
    `Error - Some error occurred in subtask. Please run \`query-status ${task}\` to get more details.`,
  );
  expect(status.result.errors).toHaveLength(1);
  const [error] = status.result.errors;
  expect(Object.keys(error as object)).toEqual([
    'ErrCode',
    'ErrClass',
    'ErrScope',
    'ErrLevel',
    'Message',
    'RawCause',
    'Workaround',
  ]);
  return error;
}

/** A change that the target refuses stays refused until somebody mends it, and is not tried on and on. */
async function staysPaused(task: string): Promise<void> {
  const refused = await nats.ask('resume-task', { task });
  if (refused.result === true) await pausedBy(task);
  const { result } = await nats.untilSubtask(task, 'to be paused', (s: Answer) => s.stage === 'Paused');
  expect(result.errors).toHaveLength(1);
}

describe('trouble with the target', () => {
  it('that is down for a while is survived, with the reader going on', async () => {
    await replicating('away');
    await target.signal('SIGKILL');
    await upstream.execute(
      "INSERT INTO away.keyed VALUES (2,'b'); INSERT INTO away.plain VALUES (2,'b'),(2,'b')",
    );
    // The unit has met the trouble once it says so; it goes on trying by itself.
    await nats.untilSubtask(
      'away',
      'to be read',
      (s: Answer) => s.sync?.synced === false || s.stage === 'Paused',
    );
    await target.restart();
    await upstream.execute("INSERT INTO away.plain VALUES (3,'c'),(3,'c')");
    await equal('away');
    await nats.untilSync('away');
  });

  it('that is down when another worker takes over pauses with the reason and goes on by itself', async () => {
    await replicating('moved');
    const holder = cluster.worker((await nats.placements())['one']!);
    await target.signal('SIGKILL');
    await holder.signal('SIGKILL');
    const error = await nats
      .untilSubtask(
        'moved',
        'to be paused',
        (s: Answer) => s.stage === 'Paused' && s.result.errors.length > 0,
      )
      .then((status: Answer) => status.result.errors[0]);
    expect(error).toMatchObject({ ErrCode: 10001, ErrScope: 'downstream' });
    expect(error.RawCause).toContain('ECONNREFUSED');
    expect(error.Workaround).toContain('database connection');
    await upstream.execute("INSERT INTO moved.plain VALUES (2,'b'),(2,'b')");
    await target.restart();
    await equal('moved');
    await nats.untilSync('moved');
    await holder.restart();
    await cluster.ready();
  });

  it('a value that is too long pauses the task; with a wider column and resume-task it goes on', async () => {
    await replicating('wide');
    await target.query('ALTER TABLE wide.keyed MODIFY v VARCHAR(3)');
    await nats.must('pause-task', { task: 'wide' });
    await nats.must('resume-task', { task: 'wide' });
    await nats.untilSync('wide');
    await upstream.execute(
      "INSERT INTO wide.plain VALUES (2,'b'); INSERT INTO wide.keyed VALUES (2,'too long')",
    );
    const error = await pausedBy('wide');
    expect(error).toMatchObject({
      ErrCode: 10006,
      ErrClass: 'database',
      ErrScope: 'downstream',
      ErrLevel: 'high',
    });
    expect(error.Message).toMatch(
      new RegExp(
        `^startLocation: ${LOCATION}, endLocation: ${LOCATION}: execute statement failed: INSERT INTO .*too long`,
      ),
    );
    expect(error.RawCause).toMatch(/1406.*Data too long for column 'v'/);
    await staysPaused('wide');
    await target.query('ALTER TABLE wide.keyed MODIFY v VARCHAR(20)');
    await nats.must('resume-task', { task: 'wide' });
    await equal('wide');
    expect(await nats.untilSync('wide')).toMatchObject({ result: null });
  });

  it('a row that is there already pauses the task; without it and with resume-task it goes on', async () => {
    await replicating('dup');
    await target.query("INSERT INTO dup.keyed VALUES (2,'by hand')");
    await upstream.execute("INSERT INTO dup.plain VALUES (2,'b'); INSERT INTO dup.keyed VALUES (2,'b')");
    const error = await pausedBy('dup');
    expect(error).toMatchObject({ ErrCode: 10006, ErrScope: 'downstream' });
    expect(error.Message).toMatch(new RegExp(`^startLocation: ${LOCATION}, endLocation: ${LOCATION}: `));
    expect(error.RawCause).toMatch(/1062.*Duplicate entry '2' for key 'PRIMARY'/);
    await staysPaused('dup');
    await upstream.execute("INSERT INTO dup.plain VALUES (3,'c'),(3,'c')");
    await target.query('DELETE FROM dup.keyed WHERE id = 2');
    await nats.must('resume-task', { task: 'dup' });
    await equal('dup');
  });

  it('a DDL that the target refuses pauses the task and names the statement', async () => {
    await replicating('ddl');
    await target.query("INSERT INTO ddl.keyed VALUES (9,'by hand')");
    await upstream.execute(
      "UPDATE ddl.keyed SET v='7'; ALTER TABLE ddl.keyed MODIFY v INT; INSERT INTO ddl.keyed VALUES (2,2)",
    );
    const error = await pausedBy('ddl');
    expect(error).toMatchObject({ ErrCode: 10006, ErrScope: 'downstream' });
    expect(error.Message).toMatch(
      new RegExp(
        `^startLocation: ${LOCATION}, endLocation: ${LOCATION}, origin SQL: \\[ALTER TABLE ddl\\.keyed MODIFY v INT\\]: `,
      ),
    );
    expect(error.RawCause).toMatch(/^Error 1292 /);
    await staysPaused('ddl');
    await target.query('DELETE FROM ddl.keyed WHERE id = 9');
    await nats.must('resume-task', { task: 'ddl' });
    await equal('ddl');
  });

  it('a table that is not on the target pauses the task at its place', async () => {
    await replicating('gone');
    await target.query('DROP TABLE gone.plain');
    await nats.must('pause-task', { task: 'gone' });
    await nats.must('resume-task', { task: 'gone' });
    await upstream.execute("INSERT INTO gone.plain VALUES (2,'b')");
    const error = await pausedBy('gone');
    expect(error.Message).toMatch(
      new RegExp(`^startLocation: ${LOCATION}, endLocation: ${LOCATION}: .*gone.*plain`),
    );
    await target.execute(
      "CREATE TABLE gone.plain (id INT, v VARCHAR(20)); INSERT INTO gone.plain VALUES (1,'a'),(1,'a')",
    );
    await nats.ask('resume-task', { task: 'gone' });
    await equal('gone');
  });
});
