import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMariaDb } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { compareTables } from './compare-tables.js';
import { createWriterTables, RandomWriter, writerTables } from './random-writer.js';
import { waitFor } from './wait-for.js';

describe('test support', () => {
  let a: DatabaseServer;
  let b: DatabaseServer;
  beforeAll(async () => {
    [a, b] = await Promise.all([startMariaDb(), startMariaDb({ binlog: 'off' })]);
  });
  afterAll(async () => {
    await Promise.all([a.stop(), b.stop()]);
  });

  it('compares tables by content, also without keys, and names the rows that differ', async () => {
    for (const server of [a, b]) {
      await server.execute(
        `CREATE DATABASE c; CREATE TABLE c.t (x INT, s VARCHAR(20), f DOUBLE, d BLOB);
         INSERT INTO c.t VALUES (1, 'ä', 0.1, x'00FF'), (1, 'ä', 0.1, x'00FF'), (NULL, '', -1e300, NULL)`,
      );
    }
    expect(await compareTables(a, b, ['c.t'])).toMatchObject([{ equal: true, rowsA: 3, rowsB: 3 }]);
    await b.query("DELETE FROM c.t WHERE s = 'ä' LIMIT 1");
    expect(await compareTables(a, b, ['c.t'])).toMatchObject([
      { equal: false, rowsA: 3, rowsB: 2, differences: [expect.stringContaining('2x in A, 1x in B: 1 | ä')] },
    ]);
    expect(await compareTables(a, b, [{ a: 'c.t', b: 'c.missing' }])).toMatchObject([{ equal: false }]);
  });

  it('writes random changes and outlives its server', async () => {
    await createWriterTables(a, 'w');
    const writer = new RandomWriter({ server: a, schema: 'w', seed: 7 }).start();
    const enough = (count: number): Promise<true> =>
      waitFor(() => writer.stats.transactions >= count, { what: `${count} transactions` });
    await enough(20);
    await a.signal('SIGKILL');
    await a.restart();
    const before = writer.stats.transactions;
    await enough(before + 20);
    await writer.stop();
    expect(writer.stats.rows).toBeGreaterThan(20);
    expect(await compareTables(a, a, writerTables('w'))).toMatchObject(Array(4).fill({ equal: true }));
  });
});
