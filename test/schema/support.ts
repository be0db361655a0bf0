/** Runs DDL on a real server and on the model, and compares what came of it. */
import { connectSession } from '../../src/mysql/connect.js';
import type { Session } from '../../src/mysql/session.js';
import { SqlError } from '../../src/mysql/session.js';
import { SchemaTracker } from '../../src/schema/apply.js';
import { parseDdl } from '../../src/schema/ddl.js';
import { splitStatement } from '../../src/schema/split.js';
import {
  dialectOf,
  fetchSchemaDefaults,
  fetchTableSchemas,
  fetchTrackerOptions,
  listTables,
} from '../../src/schema/fetch.js';
import type { TableSchema } from '../../src/schema/table.js';
import type { DatabaseServer } from '../servers/database.js';

export function connect(server: DatabaseServer): Promise<Session> {
  return connectSession({
    role: 'source',
    db: {
      host: server.host,
      port: server.port,
      user: server.user,
      password: server.password,
      maxAllowedPacket: 0,
      session: {},
    },
  });
}

/** A second schema that gets every statement taken apart and under another schema name. */
export class Mirror {
  readonly #session: Session;
  readonly schema: string;

  private constructor(session: Session, schema: string) {
    this.#session = session;
    this.schema = schema;
  }

  static async open(session: Session, schema: string): Promise<Mirror> {
    await session.execute(
      `DROP DATABASE IF EXISTS ${schema}; CREATE DATABASE ${schema} CHARACTER SET utf8mb4`,
    );
    return new Mirror(session, schema);
  }

  /** The statements it came to. The session may be anywhere: every name has its schema. */
  async run(sql: string, from: string, before?: TableSchema): Promise<string[]> {
    const statement = parseDdl(sql, { ...dialectOf(this.#session), defaultSchema: from });
    const parts = splitStatement(statement, (name) => ({ schema: this.schema, table: name.table }), before);
    for (const part of parts) {
      try {
        await this.#session.execute(part);
      } catch (cause) {
        throw new Error(`the mirror refuses ${part}: ${String(cause)}`, { cause });
      }
    }
    return parts;
  }
}

/** What must be equal between the tracked model and the server's own definition. */
export function essence(table: TableSchema): object {
  return {
    name: `${table.schema}.${table.table}`,
    charset: `${table.charset} ${table.collation}`,
    columns: table.columns.map(({ name, type, nullable, autoIncrement, generated }) => ({
      name,
      type,
      nullable,
      autoIncrement,
      generated: generated?.stored,
    })),
    indexes: table.indexes.map(({ name, kind, parts }) => ({
      name,
      kind,
      parts: parts.map((part) =>
        part.column === '' ? '(expression)' : `${part.column}/${part.length ?? ''}`,
      ),
    })),
    foreignKeys: table.foreignKeys
      .map(({ name, columns, referencedTable, referencedColumns }) =>
        [name, columns.join(), referencedTable, referencedColumns.join()].join(' '),
      )
      .sort(),
  };
}

/** A fresh schema on the server, and the model of it. */
export class Twin {
  readonly #session: Session;
  readonly tracker: SchemaTracker;
  readonly schema: string;
  accepted = 0;
  refused = 0;

  private constructor(session: Session, tracker: SchemaTracker, schema: string) {
    this.#session = session;
    this.tracker = tracker;
    this.schema = schema;
  }

  static async open(session: Session, schema: string): Promise<Twin> {
    await session.execute(
      `DROP DATABASE IF EXISTS ${schema}; CREATE DATABASE ${schema} CHARACTER SET utf8mb4; USE ${schema}`,
    );
    const tracker = new SchemaTracker(await fetchTrackerOptions(session));
    for (const [name, pair] of await fetchSchemaDefaults(session, [schema])) tracker.setSchema(name, pair);
    return new Twin(session, tracker, schema);
  }

  /** Runs the statement on both sides; false where the server refuses it. */
  async run(sql: string): Promise<boolean> {
    try {
      await this.#session.execute(sql);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      this.refused++;
      return false;
    }
    this.accepted++;
    const statement = parseDdl(sql, { ...dialectOf(this.#session), defaultSchema: this.schema });
    if (statement.kind === 'create-table' && statement.select) {
      // Never logged like this in row format; only tried where the table exists.
      return true;
    }
    this.tracker.apply(statement);
    return true;
  }

  /** Both sides' tables, for an equality check. */
  async compare(): Promise<{ model: object[]; server: object[] }> {
    const server = await tablesOf(this.#session, this.schema);
    const model = this.tracker.tables().sort(byName);
    return { model: model.map(essence), server: server.map(essence) };
  }

  /** The server's INFORMATION_SCHEMA about columns, as one line each: an oracle that is not our parser. */
  async informationSchema(): Promise<string[]> {
    const rows = await this.#session.query(
      `SELECT TABLE_NAME t, COLUMN_NAME c, DATA_TYPE d, COLUMN_TYPE ct, IS_NULLABLE n, CHARACTER_SET_NAME cs,
        COLLATION_NAME co, CHARACTER_MAXIMUM_LENGTH len, NUMERIC_PRECISION np, NUMERIC_SCALE ns, DATETIME_PRECISION dp, EXTRA e
        FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '${this.schema}' ORDER BY TABLE_NAME, ORDINAL_POSITION`,
    );
    return rows.map((row) => describeServerColumn(row));
  }

  describeModel(): string[] {
    return this.tracker
      .tables()
      .sort((a, b) => (a.table.toLowerCase() < b.table.toLowerCase() ? -1 : 1))
      .flatMap((table) => table.columns.map((column) => describeModelColumn(table, column)));
  }
}

const byName = (a: TableSchema, b: TableSchema): number => (a.table < b.table ? -1 : 1);

export async function tablesOf(session: Session, schema: string): Promise<TableSchema[]> {
  const names = await listTables(session, { allowsSchema: (name) => name === schema, allows: () => true });
  return (await fetchTableSchemas(session, names)).sort(byName);
}

function utf8mb3(name: string | null | undefined): string {
  return (name ?? '').replace(/^utf8(?=_|$)/, 'utf8mb3');
}

function describeServerColumn(row: Record<string, string | null>): string {
  const type = (row.d ?? '').replace('geomcollection', 'geometrycollection');
  const unsigned = / unsigned/.test(row.ct ?? '') ? 'unsigned' : '';
  const text = row.cs === null || row.cs === undefined ? '' : `${utf8mb3(row.cs)} ${utf8mb3(row.co)}`;
  const sized = /^(var)?(char|binary)$/.test(type)
    ? row.len
    : type === 'decimal'
      ? `${row.np},${row.ns}`
      : '';
  const auto = /auto_increment/i.test(row.e ?? '') ? 'auto' : '';
  const fraction = Number(row.dp ?? 0) > 0 ? `.${row.dp}` : '';
  const parts = [`${row.t}.${row.c}`, type, sized, fraction, unsigned, text, row.n, auto];
  return parts.filter((part) => part !== '').join(' ');
}

function describeModelColumn(table: TableSchema, column: TableSchema['columns'][number]): string {
  const { type } = column;
  const sized = /^(var)?(char|binary)$/.test(type.base)
    ? String(type.length)
    : type.base === 'decimal'
      ? `${type.length},${type.decimals}`
      : '';
  const text = type.charset === undefined ? '' : `${type.charset} ${type.collation}`;
  const temporal = /^(time|datetime|timestamp)$/.test(type.base) && type.decimals;
  return [
    `${table.table}.${column.name}`,
    type.base,
    sized,
    temporal ? `.${type.decimals}` : '',
    type.unsigned ? 'unsigned' : '',
    text,
    column.nullable ? 'YES' : 'NO',
    column.autoIncrement ? 'auto' : '',
  ]
    .filter((part) => part !== '')
    .join(' ');
}
