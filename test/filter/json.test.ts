/** JSON values beside numbers, texts and truths: what MySQL says of each pair, and where MariaDB agrees, both. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileExpression } from '../../src/filter/expression/expression.js';
import { connectSession } from '../../src/mysql/connect.js';
import { fetchTableSchema } from '../../src/schema/fetch.js';
import { subtaskConfig } from '../copy/support.js';
import type { DatabaseServer } from '../servers/database.js';
import { describeWith, startDatabase } from '../servers/index.js';

const NUMBERS = [
  '1',
  '1.0',
  '1.5',
  '0.1',
  '1e1',
  '10',
  '-1',
  '0',
  '12345678901234567890',
  '1e-7',
  '100000.25',
];
const TEXTS = ['"1"', '"a"', '"A"', '"b "', '"ä"', '"😀"', '"\\u00e4"', '"2024-01-01"', '""'];
const OTHERS = ['true', 'false', 'null', '{}', '[]', '[1]', '{"a": 1}'];
const OPERATORS = ['=', '<>', '<', '>=', '<=>'];
const WITH_NUMBERS = ['1', '1.50', '1e0', '0.1', '10', '-1', '12345678901234567890', 'n', 'd'];
const WITH_TEXTS = ["'1'", "'a'", "'ä'", "'b'", "''", 't'];

function cases(kind: 'mariadb-10.11' | 'mysql-9.7'): void {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await startDatabase(kind);
    await server.execute(
      'CREATE DATABASE x; CREATE TABLE x.t (id INT PRIMARY KEY, j JSON, n INT, d DOUBLE, t VARCHAR(9) COLLATE utf8mb4_bin) DEFAULT CHARSET utf8mb4',
    );
  });
  afterAll(async () => {
    await server?.stop();
  });

  async function compare(pieces: readonly string[], expressions: readonly string[]): Promise<string[]> {
    await server.execute('DELETE FROM x.t');
    const quoted = pieces.map((piece) => `'${`{"k": ${piece}}`.replaceAll('\\', '\\\\')}'`);
    await server.execute(
      `SET NAMES utf8mb4 COLLATE utf8mb4_bin; INSERT INTO x.t VALUES ${quoted.map((text, i) => `(${i},${text},10,1.5,'a')`).join()}, (99,'{}',1,1,'b')`,
    );
    const session = await connectSession({ db: subtaskConfig(server, server).from });
    const table = await fetchTableSchema(session, { schema: 'x', table: 't' });
    await session.close();
    const rows = await server.query('SELECT id, CAST(j AS CHAR) AS j, n, d, t FROM x.t ORDER BY id');
    const wrong: string[] = [];
    for (const expression of expressions) {
      const run = compileExpression(expression, { table: table!, wall: () => 0 });
      const theirs = await server.query(`SELECT ${expression} AS a FROM x.t ORDER BY id`);
      rows.forEach((row, i) => {
        const values = [Number(row.id), String(row.j), Number(row.n), Number(row.d), String(row.t)];
        const ours = run({ column: (ordinal) => values[ordinal]! });
        const said = theirs[i]!.a === null ? null : Number(theirs[i]!.a) === 1;
        if (ours !== said) wrong.push(`${row.j} : ${expression}: we say ${ours}, the server ${said}`);
      });
    }
    return wrong;
  }

  const all = (operators: readonly string[], others: readonly string[]) =>
    operators.flatMap((op) => others.map((other) => `JSON_EXTRACT(j, '$.k') ${op} ${other}`));

  it('agrees', async () => {
    if (kind === 'mysql-9.7') {
      const mixed = [
        ...all(OPERATORS, [...WITH_NUMBERS, ...WITH_TEXTS, 'true', 'false']),
        "j->'$.k' IN (1, 'a', 10)",
      ];
      expect(await compare([...NUMBERS, ...TEXTS, ...OTHERS], mixed)).toEqual([]);
      return;
    }
    expect(await compare(NUMBERS, all(OPERATORS, WITH_NUMBERS))).toEqual([]);
    // Trailing blanks count in JSON, but not in MariaDB's texts.
    const texts = TEXTS.filter((piece) => piece !== '"b "');
    expect(await compare(texts, all(['=', '<>'], WITH_TEXTS))).toEqual([]);
  });
}

describe('JSON in expressions [mariadb-10.11]', () => cases('mariadb-10.11'));
await describeWith('mysql-9.7', 'JSON in expressions', () => cases('mysql-9.7'));
