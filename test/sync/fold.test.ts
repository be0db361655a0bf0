/**
 * The invariant of the fold, for every collation that a server has (Unicode's only once) and the characters
 * of the living scripts.
 */
import { describe, expect, it } from 'vitest';
import { foldOfCollation, hashValue } from '../../src/sync/lanes/fold.js';
import { available, startDatabase, type DatabaseKind } from '../servers/availability.js';
import type { DatabaseServer } from '../servers/database.js';

function texts(): string[] {
  const found: string[] = [];
  const add = (from: number, to: number, step = 1) => {
    for (let code = from; code <= to; code += step) found.push(String.fromCodePoint(code));
  };
  add(1, 0x33ff);
  add(0x4e00, 0x9fff);
  add(0xac00, 0xd7a3, 7);
  add(0xf900, 0xffef);
  add(0x1d400, 0x1d7ff);
  add(0x1f100, 0x1f1ff);
  const ascii = [...'abcdefghijklmnopqrstuvwxyz0123456789'];
  for (const a of ascii) for (const b of ascii) found.push(a + b);
  return found;
}

async function fill(server: DatabaseServer, all: readonly string[]): Promise<void> {
  await server.execute(
    'CREATE DATABASE f; CREATE TABLE f.s (i INT PRIMARY KEY, t VARCHAR(4) CHARSET utf8mb4)',
  );
  for (let at = 0; at < all.length; at += 2000) {
    const rows = all
      .slice(at, at + 2000)
      .map((t, i) => `(${at + i},CONVERT(X'${Buffer.from(t).toString('hex')}' USING utf8mb4))`);
    await server.query(`INSERT INTO f.s VALUES ${rows.join(',')}`);
  }
}

/** Texts that the collation takes for equal and the fold does not. */
async function violations(
  server: DatabaseServer,
  all: readonly string[],
  collation: string,
  charset: string,
) {
  const rows = await server.query(
    `SELECT i, HEX(WEIGHT_STRING(CONVERT(t USING ${charset}) COLLATE ${collation})) AS w FROM f.s
     WHERE CAST(CONVERT(CONVERT(t USING ${charset}) USING utf8mb4) AS BINARY)=CAST(t AS BINARY)`,
  );
  const fold = foldOfCollation(collation);
  const first = new Map<string, number>();
  const found: string[] = [];
  for (const row of rows) {
    const [i, weight] = [Number(row['i']), String(row['w'])];
    const before = first.get(weight);
    if (before === undefined) first.set(weight, i);
    else if (hashValue(7, fold, all[before]!, 0) !== hashValue(7, fold, all[i]!, 0)) {
      found.push(`${all[before]!}=${all[i]!}`);
    }
  }
  return found;
}

describe.each(['mariadb-10.11', 'mysql-9.7'] as DatabaseKind[])('the fold, on %s', (kind) => {
  it('gives equal hashes to whatever any collation takes for equal', async (context) => {
    const state = await available(kind);
    if (!state.ok) return context.skip(`missing: ${state.missing}`);
    await using server = await startDatabase(kind);
    const all = texts();
    await fill(server, all);
    const collations = await server.query(
      `SELECT collation_name AS name, character_set_name AS charset FROM information_schema.collations
       WHERE collation_name NOT LIKE '%\\_bin' AND collation_name <> 'binary' AND (character_set_name IS NULL
         OR character_set_name NOT IN ('ucs2', 'utf16', 'utf16le', 'utf32', 'utf8mb3'))`,
    );
    const bad: Record<string, string[]> = {};
    for (const row of collations) {
      // MariaDB's newer ones belong to several character sets.
      const charset = row['charset'] === null ? 'utf8mb4' : String(row['charset']);
      const name = row['charset'] === null ? `utf8mb4_${String(row['name'])}` : String(row['name']);
      const found = await violations(server, all, name, charset);
      if (found.length > 0) bad[name] = found.slice(0, 10);
    }
    expect(collations.length).toBeGreaterThan(50);
    expect(bad).toEqual({});
  }, 300_000);
});
