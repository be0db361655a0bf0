/** Tables with text and binary keys are cut into chunks, and stay exact when chunks are read at several places. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FullCopy } from '../../src/load/full-copy.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { nextTurn } from '../../src/runtime/real/turn.js';
import { SubtaskRunner } from '../../src/subtask/runner.js';
import type { DatabaseServer, Row } from '../servers/database.js';
import { startMariaDb } from '../servers/mariadb.js';
import { compareTables } from '../support/compare-tables.js';
import { waitFor } from '../support/wait-for.js';
import { silentLog, subtaskConfig } from './support.js';

let source: DatabaseServer;
let target: DatabaseServer;
let folder: string;

const ROWS = 4000;
/** Name -> type of the key, and its value from `seq`. */
const KEYS: Record<string, [type: string, value: string]> = {
  uuid: ['CHAR(36) CHARACTER SET ascii', "INSERT(MD5(seq), 9, 0, '-')"],
  mixed: [
    'VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci',
    "CONCAT(ELT(seq % 7 + 1, 'B', 'a', 'É', 'z', '_', '漢', '😀'), '''\\\\', MD5(seq))",
  ],
  cased: ['VARCHAR(40) CHARACTER SET latin1 COLLATE latin1_bin', "CONCAT(IF(seq % 2, 'Ä', 'ä'), 'key', seq)"],
  bytes: ['BINARY(16)', 'UNHEX(MD5(seq))'],
  one: ['VARCHAR(10)', "LPAD(seq, 10, '0')"],
};
const tables = Object.keys(KEYS).map((name) => `tk.${name}`);

beforeAll(async () => {
  [source, target] = await Promise.all([startMariaDb(), startMariaDb()]);
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-text-keys-'));
  await source.execute('CREATE DATABASE tk; USE tk; SET NAMES utf8mb4');
  for (const [name, [type, value]] of Object.entries(KEYS)) {
    await source.execute(`CREATE TABLE tk.${name} (k ${type}, n INT, u INT UNIQUE, v VARCHAR(300), PRIMARY KEY (k, n));
      INSERT INTO tk.${name} SELECT ${value}, seq % 3, seq, REPEAT('x', 200) FROM seq_1_to_${ROWS};
      ANALYZE TABLE tk.${name}`);
  }
});

afterAll(async () => {
  await Promise.all([source, target].map((server) => server[Symbol.asyncDispose]()));
  await rm(folder, { recursive: true, force: true });
});

function config(maxBytesPerSecond: number) {
  const base = subtaskConfig(source, target, {
    task: 'tk',
    ignoreCheckingItems: ['all'],
    blockAllow: { doDbs: ['tk'], doTables: [], ignoreDbs: [], ignoreTables: [] },
  });
  return { ...base, dump: { ...base.dump, rows: 200, maxBytesPerSecond } };
}

const ports = { clock: new RealClock(), log: silentLog };

/** Rows that come, go, change, change their key and swap unique values, all over the tables. */
async function change(step: number): Promise<void> {
  for (const [name, [, value]] of Object.entries(KEYS)) {
    await source.execute(`USE tk; DELETE FROM ${name} WHERE u % 11 = ${step};
      UPDATE ${name} SET v = CONCAT(v, '${step}') WHERE u % 7 = ${step};
      UPDATE ${name} SET k = ${value.replaceAll('seq', `(u + ${step}00000)`)} WHERE u % 13 = ${step};
      UPDATE ${name} SET u = -u WHERE u IN (${step}01, ${step}02); UPDATE ${name} SET u = ${step}01 + ${step}02 + u WHERE u < 0;
      INSERT IGNORE INTO ${name} SELECT ${value.replaceAll('seq', `(seq + ${step}000000)`)}, 1, seq + ${step}000000, 'new'
      FROM seq_1_to_50`);
  }
}

it('cuts them, goes on after a death, and follows exactly', async () => {
  const first = new AbortController();
  const run = new FullCopy({
    config: config(1_500_000),
    epoch: 1,
    dataDir: folder,
    ports,
    onUnit: () => undefined,
    signal: first.signal,
  }).run();
  const progress = (): Promise<Row[]> =>
    target
      .query(
        'SELECT cp_table AS t, COUNT(*) AS n, SUM(state = "loaded") AS done FROM dm_meta.tk_load_chunk GROUP BY 1 ORDER BY 1',
      )
      .catch(() => []);
  // The last chunk of a table that is not begun yet cannot be marked loaded: so the death finds a table half loaded.
  const blocker = await target.connect();
  const held = await waitFor(
    async () => {
      const notBegun = (await progress()).filter(({ n, done }) => Number(n) > 1 && Number(done) === 0);
      const next = notBegun[1];
      if (next === undefined) return false;
      const which = `cp_table = '${String(next['t'])}' AND chunk = ${Number(next['n']) - 1}`;
      await blocker.query('BEGIN');
      const [rows] = await blocker.query<RowDataPacket[]>(
        `SELECT state FROM dm_meta.tk_load_chunk WHERE id = '${config(0).sourceId}' AND cp_schema = 'tk' AND ${which} FOR UPDATE`,
      );
      if (rows[0]?.['state'] === 'pending') return next['t'];
      await blocker.query('ROLLBACK');
      return false;
    },
    { intervalMs: 20, what: 'a table whose last chunk can be held' },
  );
  const begun = (rows: Row[]): boolean => rows.some(({ t, done }) => t === held && Number(done) > 0);
  await waitFor(async () => begun(await progress()), { intervalMs: 20, what: 'chunks of the held table' });
  first.abort(new Error('the worker dies'));
  expect(await run).toEqual({ outcome: 'ended' });
  const chunks = await progress();
  for (const { t, n } of chunks) expect([t, Number(n) >= 8]).toEqual([t, true]);
  const [half] = chunks.filter(({ t }) => t === held);
  expect(Number(half?.['done'])).toBeGreaterThan(0);
  expect(Number(half?.['done'])).toBeLessThan(Number(half?.['n']));
  await blocker.query('ROLLBACK');
  await blocker.end();
  await change(1);
  const runner = new SubtaskRunner({
    start: {
      config: config(0),
      epoch: 2,
      removeMeta: false,
      workerName: 'w',
      dataDir: folder,
      log: { level: 'error', file: '', format: 'text' },
    },
    ports,
    nextTurn,
    onUnit: (unit) => {
      if (unit === 'Load') void change(2).then(() => change(3));
    },
  });
  const ended = runner.run();
  await waitFor(async () => (await runner.status()).sync !== undefined, { what: 'sync' });
  await change(4);
  await waitFor(async () => (await compareTables(source, target, tables)).every(({ equal }) => equal), {
    intervalMs: 200,
    what: 'both sides to be equal',
  });
  runner.end();
  await ended;
});
