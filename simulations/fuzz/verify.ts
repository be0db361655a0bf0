/** Compares both sides of a round: data by checksum, and the definitions. */
import type { FuzzTarget } from './target.js';
import { compareTables } from '../../test/support/compare-tables.js';
import type { Done } from './writers.js';

export interface Finding {
  readonly table: string;
  readonly text: string;
}

async function tablesOf(
  server: FuzzTarget,
  schema: string,
  leavesOut: (table: string) => boolean,
): Promise<string[]> {
  const rows = await server.query(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema=? AND table_type='BASE TABLE' ORDER BY 1",
    [schema],
  );
  return rows.map((row) => String(row['name'])).filter((name) => !leavesOut(name));
}

async function definition(server: FuzzTarget, table: string): Promise<string> {
  const [row] = await server.query(`SHOW CREATE TABLE ${table}`);
  // A table that is renamed while it is copied meets its own check under the old name: docs/ddl.md.
  return (
    String(row?.['Create Table'])
      .replace(/ AUTO_INCREMENT=\d+/, '')
      .replace(/^( {2}CONSTRAINT `\w+?)__\d+(` CHECK)/gm, '$1$2')
      // Two names of one rule, of which MariaDB writes the other after a TRUNCATE.
      .replace(/ ON (DELETE|UPDATE) (NO ACTION|RESTRICT)/g, '')
  );
}

/** What two flavours can be asked to agree on: names, order, nullability and keys. */
async function outline(server: FuzzTarget, schema: string, table: string): Promise<string> {
  const columns = await server.query(
    `SELECT column_name AS n, is_nullable AS o, data_type AS t FROM information_schema.columns
     WHERE table_schema=? AND table_name=? ORDER BY ordinal_position`,
    [schema, table],
  );
  const indexes = await server.query(
    `SELECT index_name AS i, seq_in_index AS s, column_name AS n, sub_part AS p, non_unique AS u
     FROM information_schema.statistics WHERE table_schema=? AND table_name=? ORDER BY 1, 2`,
    [schema, table],
  );
  const type = (t: unknown) => String(t).replace(/^json$/, 'longtext');
  return [
    ...columns.map((c) => `${String(c['n'])} ${type(c['t'])} ${String(c['o'])}`),
    ...indexes.map((i) => ['i', 's', 'n', 'p', 'u'].map((key) => String(i[key])).join(' ')),
  ].join('\n');
}

/** All tables but those that `leavesOut` names. */
export async function compareSchemas(
  source: FuzzTarget,
  target: FuzzTarget,
  from: string,
  to: string,
  leavesOut: (table: string) => boolean,
): Promise<Finding[]> {
  const [a, b] = await Promise.all([tablesOf(source, from, leavesOut), tablesOf(target, to, leavesOut)]);
  const findings: Finding[] = [];
  for (const table of a) if (!b.includes(table)) findings.push({ table, text: 'is missing in the target' });
  for (const table of b) if (!a.includes(table)) findings.push({ table, text: 'is in the target only' });
  const both = a.filter((table) => b.includes(table));
  for (const table of both) {
    const same = source.kind === target.kind;
    const [x, y] = same
      ? await Promise.all([
          definition(source, `\`${from}\`.\`${table}\``),
          definition(target, `\`${to}\`.\`${table}\``),
        ])
      : await Promise.all([outline(source, from, table), outline(target, to, table)]);
    if (x !== y) findings.push({ table, text: `the definitions differ\n--- source\n${x}\n--- target\n${y}` });
  }
  const pairs = both.map((table) => ({ a: `${from}.${table}`, b: `${to}.${table}` }));
  for (const [i, result] of (await compareTables(source, target, pairs)).entries()) {
    if (result.equal) continue;
    const text = `${result.rowsA} rows in the source, ${result.rowsB} in the target\n  ${result.differences.join('\n  ')}`;
    findings.push({ table: both[i] ?? result.table, text });
  }
  return findings;
}

/** The last statements that touched a table, under the names it has had. */
export function historyOf(done: readonly Done[], table: string, count: number): string[] {
  const names = new Set([table]);
  const found: string[] = [];
  for (let i = done.length - 1; i >= 0 && found.length < count; i--) {
    const { sql, writer, errno, kind } = done[i]!;
    if (![...names].some((name) => sql.includes(`\`${name}\``))) continue;
    const rename =
      kind === 'ddl'
        ? /^(?:RENAME|ALTER) TABLE (?:`\w+`\.)?`(\w+)`(?: RENAME)?(?: TO| AS)? (?:`\w+`\.)?`(\w+)`$/.exec(sql)
        : null;
    if (rename && errno === 0 && names.has(rename[2]!)) names.add(rename[1]!);
    found.push(`#${i} writer ${writer}${errno === 0 ? '' : ` (error ${errno})`}: ${sql.slice(0, 160)}`);
  }
  return found.reverse();
}
