/**
 * Defaults of BINARY and VARBINARY columns. MariaDB and MySQL 5 print them as text, in which bytes that are
 * no UTF-8 become question marks; the server tells them when it is asked for the value.
 */
import { quoteName, quoteTable, type TableName } from '../model/table-name.js';
import type { Session } from '../mysql/session.js';

const DEFAULTS = /^(\s*`((?:[^`]|``)+)` (?:var)?binary\(\d+\)[^\n]*? DEFAULT )'((?:[^'\\]|''|\\.)*)'/gim;
const DOUBTFUL = /[?\ufffd]/;

/** The output of SHOW CREATE TABLE with such defaults as hexadecimal literals. */
export async function withExactDefaults(
  session: Pick<Session, 'query'>,
  table: TableName,
  createSql: string,
): Promise<string> {
  const columns = [...createSql.matchAll(DEFAULTS)]
    .filter(([, , , text]) => DOUBTFUL.test(text))
    .map(([, , name]) => name.replaceAll('``', '`'));
  if (columns.length === 0) return createSql;
  const list = columns.map((name, i) => `HEX(DEFAULT(t.${quoteName(name)})) AS d${i}`).join(', ');
  const t = quoteTable(table);
  const [found] = await session.query(`SELECT ${list} FROM ${t} AS t LIMIT 1`);
  // Of an empty table only the columns that may be NULL tell it.
  const row =
    found ??
    (await session.query(`SELECT ${list} FROM (SELECT 1 AS one) AS o LEFT JOIN ${t} AS t ON FALSE`))[0];
  return createSql.replace(DEFAULTS, (whole, head: string, name: string) => {
    const hex = row?.[`d${columns.indexOf(name.replaceAll('``', '`'))}`];
    return hex == null ? whole : `${head}X'${hex}'`;
  });
}
