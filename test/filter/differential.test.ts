/** Each expression evaluated by us and by the servers over the same rows. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DmError } from '../../src/errors/dm-error.js';
import { compileExpression } from '../../src/filter/expression/expression.js';
import type { ColumnValue } from '../../src/filter/expression/node.js';
import type { TableSchema } from '../../src/schema/table.js';
import { fetchTableSchema } from '../../src/schema/fetch.js';
import { connectSession } from '../../src/mysql/connect.js';
import { subtaskConfig } from '../copy/support.js';
import type { DatabaseServer } from '../servers/database.js';
import { describeWith, startDatabase } from '../servers/index.js';
import { COLUMNS, EXPRESSIONS } from './expressions.js';

const NAMES = Object.keys(COLUMNS);
const ROWS = 6;

/** The value of a column as the row codec gives it. */
function valueOf(base: string, given: unknown): ColumnValue {
  if (given === null) return null;
  const text = String(given);
  switch (base) {
    case 'bigint': {
      const value = BigInt(text);
      return value > 9007199254740991n || value < -9007199254740991n ? value : Number(value);
    }
    case 'int':
    case 'year':
    case 'float':
    case 'double':
      return base === 'float' ? Math.fround(Number(text)) : Number(text);
    case 'bit':
      return BigInt(text);
    default:
      return text;
  }
}

function cases(kind: 'mariadb-10.11' | 'mysql-9.7'): void {
  let server: DatabaseServer;
  let table: TableSchema;
  let rows: ColumnValue[][];

  beforeAll(async () => {
    server = await startDatabase(kind);
    await server.execute('CREATE DATABASE x');
    const columns = NAMES.map((name) => `\`${name}\` ${COLUMNS[name].type}`);
    await server.execute(`CREATE TABLE x.t (id INT PRIMARY KEY, ${columns.join(', ')})`);
    for (let row = 0; row < ROWS; row++) {
      const values = NAMES.map((name) => COLUMNS[name].values[row]);
      await server.execute(`INSERT INTO x.t VALUES (${row}, ${values.join(', ')})`);
    }
    const session = await connectSession({ db: subtaskConfig(server, server).from });
    const found = await fetchTableSchema(session, { schema: 'x', table: 't' });
    await session.close();
    if (found === undefined) throw new Error('the table is not there');
    table = found;
    const selected = NAMES.map((name) => {
      const base = table.columns.find((column) => column.name === name)?.type.base ?? '';
      if (base === 'bit') return `CAST(\`${name}\` + 0 AS CHAR) AS \`${name}\``;
      return `CAST(${base === 'float' ? `\`${name}\` + 0e0` : `\`${name}\``} AS CHAR) AS \`${name}\``;
    });
    const texts = await server.query(`SELECT ${selected.join(', ')} FROM x.t ORDER BY id`);
    rows = texts.map((text, id) => [
      id,
      ...NAMES.map((name, i) => valueOf(table.columns[i + 1].type.base, text[name])),
    ]);
  });
  afterAll(async () => {
    await server?.stop();
  });

  /** What a server says of many expressions over all rows: 1, 0, null, or 'error'. */
  async function ofServer(expressions: readonly string[]): Promise<(number | null | 'error')[][]> {
    await server.execute("SET time_zone = '+00:00'");
    await server.execute("SET SESSION sql_mode = ''");
    await server.execute('SET NAMES utf8mb4 COLLATE utf8mb4_bin');
    const answers: (number | null | 'error')[][] = [];
    for (const expression of expressions) {
      try {
        const result = await server.query(
          `SELECT (${expression}) IS TRUE AS a, (${expression}) IS NULL AS n FROM x.t ORDER BY id`,
        );
        answers.push(result.map(({ a, n }) => (Number(n) === 1 ? null : Number(a))));
      } catch {
        answers.push(['error']);
      }
    }
    return answers;
  }

  function ours(expression: string): (number | null | 'error')[] | 'refused' {
    let run;
    try {
      run = compileExpression(expression, { table, wall: () => Date.now() });
    } catch (error) {
      if (error instanceof DmError && error.code === 60403) return 'refused';
      throw error;
    }
    try {
      return rows.map((row) => {
        const truth = run({ column: (ordinal) => row[ordinal] });
        return truth === null ? null : truth ? 1 : 0;
      });
    } catch (error) {
      if (error instanceof DmError && error.code === 60404) return ['error'];
      throw error;
    }
  }

  it('agrees on expressions written by hand, and refuses none', async () => {
    const answers = await ofServer(EXPRESSIONS);
    const wrong: string[] = [];
    EXPRESSIONS.forEach((expression, i) => {
      const mine = ours(expression);
      if (mine === 'refused' || JSON.stringify(mine) !== JSON.stringify(answers[i])) {
        wrong.push(`${expression}: we say ${JSON.stringify(mine)}, the server ${JSON.stringify(answers[i])}`);
      }
    });
    expect(wrong).toEqual([]);
  });

  it('agrees on random expressions', async () => {
    const leaf = fc.oneof(
      fc.constantFrom('i', 'u', 'b', 'd', 'f', 's', 't', 'v', 'dt', 'da', 'y', 'bi'),
      fc.integer({ min: -20, max: 20 }).map(String),
      fc.constantFrom('NULL', '1.5', '-0.25', '1e0', '9007199254740993', "'abc'", "'10'", "'2021-01-01'"),
    );
    const { tree } = fc.letrec<{ tree: string }>((tie) => {
      const sub = tie('tree');
      const binary = fc
        .tuple(
          sub,
          fc.constantFrom(
            '+',
            '-',
            '*',
            '/',
            '%',
            'DIV',
            '=',
            '<',
            '>=',
            '<>',
            '<=>',
            'AND',
            'OR',
            'XOR',
            '&',
            '|',
          ),
          sub,
        )
        .map(([a, op, b]) => `(${a} ${op} ${b})`);
      return {
        tree: fc.oneof(
          { maxDepth: 3, depthIdentifier: 'expression' },
          leaf,
          binary,
          binary,
          sub.map((a) => `(NOT ${a})`),
          sub.map((a) => `(${a} IS NULL)`),
          fc.tuple(sub, sub, sub).map(([a, b, c]) => `IF(${a}, ${b}, ${c})`),
          fc.tuple(sub, sub, sub).map(([a, b, c]) => `(${a} IN (${b}, ${c}))`),
          fc.tuple(sub, sub).map(([a, b]) => `IFNULL(${a}, ${b})`),
        ),
      };
    });
    const expressions = [...new Set(fc.sample(tree, { numRuns: 1500, seed: 20 }))];
    const tried = expressions.filter((expression) => ours(expression) !== 'refused');
    const answers = await ofServer(tried);
    const wrong: string[] = [];
    let errors = 0;
    tried.forEach((expression, i) => {
      const mine = ours(expression);
      // An error is a way out for us at any time, but not an answer where the server has an error.
      if (mine[0] === 'error') errors++;
      else if (JSON.stringify(mine) !== JSON.stringify(answers[i])) {
        wrong.push(`${expression}: we say ${JSON.stringify(mine)}, the server ${JSON.stringify(answers[i])}`);
      }
    });
    expect(wrong).toEqual([]);
    expect(tried.length - errors).toBeGreaterThan(300);
  });
}

describe('expressions against a server', () => {
  describe('mariadb-10.11', () => cases('mariadb-10.11'));
});

await describeWith('mysql-9.7', 'expressions against a server', () => cases('mysql-9.7'));
