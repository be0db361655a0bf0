/** Which columns of a source table are copied: those that the target's table has and does not compute. */
import { isGenerated, type SourceColumn, type SourceTable } from '../dump/source-tables.js';
import { quoteName, tableKey } from '../model/table-name.js';
import type { Session } from '../mysql/session.js';
import { quoteString } from '../mysql/text.js';
import { columnsMissing } from '../schema/missing-columns.js';

/** Names in one query. */
const BATCH = 500;

interface TargetColumn {
  /** The target computes it. */
  readonly computed: boolean;
  /** It takes bytes of UTF-8 as they are. */
  readonly takesBytes: boolean;
  /** Lower-case data type. */
  readonly type: string;
}

/** By lower-case name. */
type TargetColumns = ReadonlyMap<string, TargetColumn>;

/** What holds no text, or is written and read in ASCII. Others (JSON, UUID, ENUM) want text of a character set. */
const WITHOUT_TEXT =
  /^(tinyint|smallint|mediumint|int|bigint|decimal|float|double|year|date|time|datetime|timestamp|bit|(var)?binary|(tiny|medium|long)?blob)$/;
const TEXT = /^((var)?char|(tiny|medium|long)?text)$/;

/**
 * The tables, by the key of their source, with the columns that are to be copied. Throws DmError 60104 for
 * one whose target lacks a column, SqlError.
 */
export async function fitColumns(
  target: Session,
  tables: readonly SourceTable[],
): Promise<Map<string, SourceTable>> {
  const columns = await readColumns(target, tables);
  const mayTakeBytes = !/tidb/i.test(target.serverVersion);
  return new Map(
    tables.map((table) => {
      const key = tableKey(table.target);
      // The target may keep names in lower case.
      const there = columns.get(key) ?? columns.get(key.toLowerCase()) ?? new Map<string, TargetColumn>();
      return [tableKey(table.source), fit(table, there, mayTakeBytes)];
    }),
  );
}

function fit(table: SourceTable, there: TargetColumns, mayTakeBytes: boolean): SourceTable {
  const computed = ({ name }: SourceColumn) => there.get(name.toLowerCase())?.computed;
  const missing = table.columns.filter((column) => computed(column) === undefined);
  if (missing.length > 0) {
    const wanted = missing.map(({ name }) => ({ name, definition: definitionOf(table, name) }));
    throw columnsMissing(table.source, table.target, wanted);
  }
  const plain = (column: SourceColumn) => computed(column) === false;
  const columns = [...table.columns.filter(plain), ...table.generated.filter(plain)];
  const takesBytes = mayTakeBytes && columns.every(({ name }) => there.get(name.toLowerCase())?.takesBytes);
  const written = new Map(
    columns.map(({ name }) => [name.toLowerCase(), there.get(name.toLowerCase())?.type ?? '']),
  );
  return { ...table, columns, takesBytes, written };
}

/** SHOW CREATE TABLE gives each column a line of its own. */
function definitionOf(table: SourceTable, name: string): string {
  const line = table.createSql.split('\n').find((text) => text.startsWith(`  ${quoteName(name)} `));
  return line?.trim().replace(/,$/, '') ?? quoteName(name);
}

async function readColumns(
  target: Session,
  tables: readonly SourceTable[],
): Promise<Map<string, Map<string, TargetColumn>>> {
  const bySchema = new Map<string, Set<string>>();
  for (const { target: name } of tables) {
    const names = bySchema.get(name.schema) ?? new Set();
    bySchema.set(name.schema, names.add(name.table));
  }
  const found = new Map<string, Map<string, TargetColumn>>();
  for (const [schema, names] of bySchema) {
    const all = [...names];
    for (let i = 0; i < all.length; i += BATCH) {
      const list = all
        .slice(i, i + BATCH)
        .map(quoteString)
        .join(',');
      for (const { t, c, x, d, s } of await target.query(
        `SELECT table_name AS t, column_name AS c, extra AS x, data_type AS d, character_set_name AS s
         FROM information_schema.columns
         WHERE table_schema = ${quoteString(schema)} AND table_name IN (${list})`,
      )) {
        const key = tableKey({ schema, table: t ?? '' });
        const columns = found.get(key) ?? new Map<string, TargetColumn>();
        const type = (d ?? '').toLowerCase();
        const takesBytes = WITHOUT_TEXT.test(type) || (TEXT.test(type) && s?.toLowerCase() === 'utf8mb4');
        found.set(key, columns.set((c ?? '').toLowerCase(), { computed: isGenerated(x), takesBytes, type }));
      }
    }
  }
  return found;
}
