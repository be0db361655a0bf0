/** Small tables are copied many at once; what is unusual about one of them must not show. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FullCopy } from '../../src/load/full-copy.js';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import type { DatabaseServer } from '../servers/database.js';
import { startMariaDb } from '../servers/mariadb.js';
import { compareTables } from '../support/compare-tables.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { silentLog, subtaskConfig } from './support.js';

let source: DatabaseServer;
let target: DatabaseServer;
let folder: string;

beforeAll(async () => {
  [source, target] = await Promise.all([startMariaDb(), startMariaDb()]);
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-small-'));
});

afterAll(async () => {
  await Promise.all([source, target].map((server) => server[Symbol.asyncDispose]()));
  await rm(folder, { recursive: true, force: true });
});

function copyOf(schema: string, extra: Partial<SubtaskConfig> = {}): FullCopy {
  const config = subtaskConfig(source, target, {
    task: schema,
    blockAllow: { doDbs: [schema], doTables: [], ignoreDbs: [], ignoreTables: [] },
    ...extra,
  });
  return new FullCopy({
    config,
    epoch: 1,
    dataDir: folder,
    ports: { clock: new RealClock(), log: silentLog },
    onUnit: () => undefined,
    signal: new AbortController().signal,
  });
}

describe('a copy of many small tables', () => {
  it('has all rows, also of those that are odd', async () => {
    const names = Array.from({ length: 120 }, (_, i) => `t${i}`);
    await source.execute('CREATE DATABASE many');
    await source.execute(
      names
        .map(
          (
            name,
            i,
          ) => `CREATE TABLE many.${name} (id INT PRIMARY KEY AUTO_INCREMENT, v VARBINARY(20), d DATE, f FLOAT);
          INSERT INTO many.${name} VALUES (${i + 1}, UNHEX('00FF5C27'), NULL, 0.1), (${i + 500}, '', '2024-02-29', -0)`,
        )
        .join(';'),
    );
    await source.execute(`
      CREATE TABLE many.nothing (id INT PRIMARY KEY);
      CREATE TABLE many.no_key (v TEXT); INSERT INTO many.no_key VALUES ('a;b''c\\\\'), ('a;b''c\\\\'), (NULL);
      CREATE TABLE many.zero (id INT PRIMARY KEY AUTO_INCREMENT);
      SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; INSERT INTO many.zero VALUES (0), (7);
      CREATE TABLE many.wrong_enum (id INT PRIMARY KEY, e ENUM('a'));
      SET SESSION sql_mode = ''; INSERT INTO many.wrong_enum VALUES (1, 'a'), (2, 'no');
      CREATE TABLE many.locked (id INT PRIMARY KEY) ENGINE=MyISAM; INSERT INTO many.locked VALUES (1)`);
    const copy = copyOf('many');
    expect(await copy.run()).toEqual({ outcome: 'finished' });
    const odd = ['nothing', 'no_key', 'zero', 'wrong_enum', 'locked'];
    const compared = await compareTables(
      source,
      target,
      [...names, ...odd].map((name) => `many.${name}`),
    );
    expect(compared.filter(({ equal }) => !equal)).toEqual([]);
    expect(copy.status().dump).toMatchObject({ totalTables: '125', completedTables: 125, finishedRows: 248 });
    expect(copy.status().load.progress).toBe('100.00 %');
  });

  it('has all rows of tables that are larger than the server says', async () => {
    // Statistics that are not kept up to date say that there is nothing.
    await source.execute(`CREATE DATABASE grown; USE grown;
      CREATE TABLE grown.few (id INT PRIMARY KEY); INSERT INTO grown.few VALUES (1);
      CREATE TABLE grown.rows_ (id INT PRIMARY KEY) STATS_PERSISTENT=1 STATS_AUTO_RECALC=0;
      CREATE TABLE grown.bytes_ (id INT PRIMARY KEY, v LONGTEXT) STATS_PERSISTENT=1 STATS_AUTO_RECALC=0;
      ANALYZE TABLE grown.rows_, grown.bytes_;
      INSERT INTO grown.rows_ SELECT seq FROM seq_1_to_2500;
      INSERT INTO grown.bytes_ SELECT seq, REPEAT('x', 200000) FROM seq_1_to_4`);
    expect(await copyOf('grown').run()).toEqual({ outcome: 'finished' });
    const compared = await compareTables(source, target, ['grown.few', 'grown.rows_', 'grown.bytes_']);
    expect(compared.filter(({ equal }) => !equal)).toEqual([]);
  });

  it('says which one does not fit', async () => {
    await source.execute(`CREATE DATABASE tight;
      CREATE TABLE tight.good (id INT PRIMARY KEY); INSERT INTO tight.good VALUES (1);
      CREATE TABLE tight.bad (id INT PRIMARY KEY, v VARCHAR(20)); INSERT INTO tight.bad VALUES (1, 'too long for it')`);
    await target.execute('CREATE DATABASE tight; CREATE TABLE tight.bad (id INT PRIMARY KEY, v VARCHAR(5))');
    await expect(copyOf('tight').run()).rejects.toMatchObject({
      code: 60102,
      message: expect.stringContaining('`tight`.`bad`') as string,
    });
    expect(await target.query('SELECT * FROM tight.bad')).toEqual([]);
  });
});
