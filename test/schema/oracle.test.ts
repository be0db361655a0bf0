/**
 * Two other parsers as oracles: where one of them understands a statement, it names the same tables and,
 * for CREATE TABLE, the same columns as ours. Neither is used in the product (they know too little DDL).
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import nodeSqlParser from 'node-sql-parser';
import { expect, it } from 'vitest';
import { parseDdl } from '../../src/schema/ddl.js';
import type { ParsedStatement } from '../../src/schema/ddl-types.js';
import { SEQUENCES } from './ddl-list.js';
import { randomDdl } from './random-ddl.js';

interface Skeleton {
  readonly tables: string[];
  readonly columns: string[] | undefined;
}

function unquote(name: string): string {
  return name
    .split(/\.(?=(?:[^`]*`[^`]*`)*[^`]*$)/)
    .map((part) =>
      part
        .trim()
        .replace(/^`(.*)`$/s, '$1')
        .replaceAll('``', '`'),
    )
    .join('.');
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}

function ours(statement: ParsedStatement): Skeleton {
  const tables = statement.tables.map(({ name, implicit }) =>
    implicit ? name.table : `${name.schema}.${name.table}`,
  );
  const columns =
    statement.kind === 'create-table' && statement.columns.length > 0
      ? distinct(statement.columns.map((column) => column.name))
      : undefined;
  return { tables: distinct(tables), columns };
}

/** Every statement without executable comments, which neither oracle reads. */
const STATEMENTS = [...Object.values(SEQUENCES).flat(), ...randomDdl(7, 3).flat()].filter(
  (sql) => !/\/\*[!MT]/.test(sql) && !/DATABASE/.test(sql),
);

interface Entity {
  readonly text: string;
  readonly entityContextType: string;
  readonly columns?: readonly { readonly text: string }[] | null;
}

interface DtParser {
  validate(sql: string): readonly unknown[];
  getAllEntities(sql: string): readonly Entity[] | null;
}

/** dt-sql-parser's files import without extensions, so Node cannot load them as they are. */
async function loadDtParser(): Promise<DtParser> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dt-sql-parser-'));
  try {
    const result = await build({
      stdin: {
        contents: "export { MySQL } from 'dt-sql-parser/dist/parser/mysql/index.js'",
        resolveDir: process.cwd(),
      },
      bundle: true,
      format: 'esm',
      platform: 'node',
      write: false,
      logLevel: 'error',
    });
    const file = path.join(folder, 'parser.mjs');
    await writeFile(file, result.outputFiles[0].contents);
    const module = (await import(pathToFileURL(file).href)) as { MySQL: new () => DtParser };
    return new module.MySQL();
  } finally {
    await rm(folder, { recursive: true });
  }
}

it('agrees with dt-sql-parser', async () => {
  const parser = await loadDtParser();
  const differences: object[] = [];
  let compared = 0;
  for (const sql of STATEMENTS) {
    if (parser.validate(sql).length > 0) continue;
    const entities = (parser.getAllEntities(sql) ?? []).filter((entity) =>
      entity.entityContextType.startsWith('table'),
    );
    const own = ours(parseDdl(sql, { flavor: 'mysql' }));
    const theirs: Skeleton = {
      tables: distinct(entities.map((entity) => unquote(entity.text))),
      columns: own.columns && distinct((entities[0]?.columns ?? []).map((column) => unquote(column.text))),
    };
    compared++;
    if (JSON.stringify(own) !== JSON.stringify(theirs)) differences.push({ sql, own, theirs });
  }
  expect(differences).toEqual([]);
  expect(compared).toBeGreaterThan(150);
});

interface NodeAst {
  readonly type: string;
  readonly create_definitions?: readonly { resource: string; column?: { column: string } }[];
}

it('agrees with node-sql-parser', () => {
  const parser = new nodeSqlParser.Parser();
  const differences: object[] = [];
  let compared = 0;
  for (const sql of STATEMENTS) {
    let parsed: { tableList: string[]; ast: NodeAst | NodeAst[] };
    try {
      parsed = parser.parse(sql, { database: 'mysql' }) as never;
    } catch {
      continue;
    }
    const own = ours(parseDdl(sql, { flavor: 'mysql' }));
    const ast = Array.isArray(parsed.ast) ? parsed.ast[0] : parsed.ast;
    const columns = (ast.create_definitions ?? [])
      .filter((definition) => definition.resource === 'column')
      .map((definition) => definition.column?.column ?? '');
    const listed = parsed.tableList.map((entry) => entry.split('::'));
    // It leaves doubled backticks as they are.
    const tables = listed.map(([, schema, table]) =>
      (schema === 'null' ? table : `${schema}.${table}`).replaceAll('``', '`'),
    );
    compared++;
    // It lists only part of the tables (not those of LIKE, REFERENCES and INDEX ... ON).
    const unknown = tables.filter((table) => !own.tables.includes(table));
    const sameColumns = !own.columns || JSON.stringify(own.columns) === JSON.stringify(distinct(columns));
    if (unknown.length > 0 || !sameColumns) differences.push({ sql, own, tables, columns });
  }
  expect(differences).toEqual([]);
  expect(compared).toBeGreaterThan(100);
});
