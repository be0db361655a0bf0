/** Killed workers: what an operator has decided is with whoever has the source next, and is done exactly once. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { ErrorSetup, positionsOf } from './support.js';

let setup: ErrorSetup;
beforeAll(async () => {
  setup = await ErrorSetup.start({ workers: 4 });
});
afterEach(() => setup.stopTasks());
afterAll(() => setup?.stop());

const TABLES = [
  'CREATE TABLE t (a INT PRIMARY KEY, b INT)',
  'CREATE TABLE n (a INT)',
  'INSERT INTO t VALUES (1,1)',
  'INSERT INTO n VALUES (1),(1)',
];

/** Kills the worker of source `one` and starts another one under a new name. */
async function killWorker(): Promise<void> {
  const { one } = await setup.nats.placements();
  await setup.cluster.worker(one!).signal('SIGKILL');
  await waitFor(async () => ![one, ''].includes((await setup.nats.placements())['one']), {
    what: 'another worker to have the source',
  });
}

it('between the decision and the statement', async () => {
  await setup.replicating('inbetween', { one: TABLES });
  await setup.runOnTarget('inbetween', 'ALTER TABLE t ADD KEY k1 (b), ADD KEY k2 (b)');
  await setup.run(
    'one',
    'inbetween',
    'ALTER TABLE t ADD KEY k1 (b)',
    'ALTER TABLE t ADD KEY k2 (b)',
    'INSERT INTO n VALUES (1)',
  );
  await setup.pausedBy('inbetween', /'k1'/);
  const [k2] = await positionsOf(setup.sources.one, /inbetween.*ADD KEY k2/);
  await setup.decided('replace', 'inbetween', {
    binlogPos: k2,
    sqls: 'ALTER TABLE t DROP KEY k2; ALTER TABLE t ADD KEY k2 (b, a)',
  });
  await killWorker();
  await setup.pausedBy('inbetween', /'k1'/);
  expect(await setup.listed('inbetween')).toMatchObject([{ op: 2, task: 'inbetween' }]);
  await setup.decided('skip', 'inbetween');
  await setup.equal('inbetween.n');
  const keys = await setup.target.query("SHOW INDEX FROM inbetween.t WHERE Key_name='k2'");
  expect(keys.map((key) => key['Column_name'])).toEqual(['b', 'a']);
});

it('in the midst of the statements that replace one', async () => {
  await setup.replicating('midst', { one: TABLES });
  await setup.runOnTarget('midst', 'ALTER TABLE t ADD KEY uq (b)');
  await setup.run(
    'one',
    'midst',
    'ALTER TABLE t ADD COLUMN c INT, ADD UNIQUE KEY uq (c)',
    'INSERT INTO t VALUES (2,2,2)',
    'INSERT INTO n VALUES (1)',
  );
  await setup.pausedBy('midst', /'uq'/);
  // The second statement waits for the end of this transaction.
  const blocker = await setup.target.connect({ database: 'midst' });
  await blocker.query('BEGIN');
  await blocker.query('SELECT * FROM n');
  const waits = async (): Promise<boolean> => {
    const sql =
      "SELECT 1 FROM information_schema.processlist WHERE state LIKE 'Waiting for table metadata lock%'";
    return (await setup.target.query(sql)).length > 0;
  };
  await setup.decided('replace', 'midst', {
    sqls: 'ALTER TABLE t ADD COLUMN c INT; ALTER TABLE n ADD COLUMN x INT DEFAULT 7; ALTER TABLE t ADD UNIQUE u2 (c)',
  });
  await waitFor(waits, { what: 'the second statement to wait' });
  await killWorker();
  await blocker.query('COMMIT');
  await blocker.end();
  await setup.equal('midst.t');
  await waitFor(async () => (await setup.target.query('SELECT a, x FROM midst.n')).length === 3, {
    what: 'the rows of n',
  });
  expect(await setup.target.query('SELECT a, x FROM midst.n')).toEqual([1, 1, 1].map((a) => ({ a, x: 7 })));
  expect(await setup.target.query("SHOW INDEX FROM midst.t WHERE Key_name='u2'")).toHaveLength(1);
  expect(await setup.listed('midst')).toEqual([]);
});
