/**
 * `operate-schema` and `binlog-schema`: shows and mends the structures by which rows of the source are
 * decoded. While the subtask rests they are what the checkpoint holds; a unit that starts reads them there.
 */
import { loadCheckpoint } from '../checkpoint/points.js';
import { createMetaTables, metaTables, type MetaTables } from '../checkpoint/tables.js';
import { deleteTableInfo, saveTableInfo } from '../checkpoint/table-points.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { BlockAllowList } from '../filter/block-allow.js';
import { Router } from '../filter/router.js';
import type { OperationAnswer, OperationContext, SchemaOperation } from '../model/operation.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteName, quoteTable, type TableName } from '../model/table-name.js';
import { connectSession } from '../mysql/connect.js';
import { toDmError } from '../mysql/db-error.js';
import type { Session } from '../mysql/session.js';
import { SchemaTracker } from '../schema/apply.js';
import { WIDTHS } from '../schema/column-type.js';
import { renderCreateTable } from '../schema/create-sql.js';
import { parseDdl } from '../schema/ddl.js';
import { dialectOf, fetchSchemaDefaults, fetchTableSchema, fetchTrackerOptions } from '../schema/fetch.js';
import type { TableSchema } from '../schema/table.js';

export interface SchemaOperationDeps {
  readonly config: SubtaskConfig;
  /** The structures of the unit that runs; null while nothing runs. */
  readonly tracker: SchemaTracker | null;
}

/** Rejects with DmError. */
export async function operateSchema(
  operation: SchemaOperation,
  context: OperationContext,
  deps: SchemaOperationDeps,
): Promise<OperationAnswer> {
  const { op, database, table } = operation;
  const changes = op === 'set' || op === 'remove';
  if (changes && context.stage !== 'Paused') {
    throw new DmError(
      CODES.workerNotPaused,
      `current stage is ${context.stage} but not paused, invalid: the structure of ${quoteTable({ schema: database, table })} may be in use`,
      { workaround: `Please run \`pause-task ${deps.config.task}\` first.` },
    );
  }
  const work = new SchemaWork(deps);
  switch (op) {
    case 'list':
      return { result: true, msg: JSON.stringify((await work.names()).sort()) };
    case 'get':
      return { result: true, msg: oneLine(await work.get(operation)) };
    case 'set':
      await work.set(operation);
      return { result: true, msg: '' };
    case 'remove':
      await work.remove(operation);
      return { result: true, msg: '' };
  }
}

class SchemaWork {
  readonly #deps: SchemaOperationDeps;
  readonly #tables: MetaTables;

  constructor(deps: SchemaOperationDeps) {
    this.#deps = deps;
    this.#tables = metaTables(deps.config);
  }

  async names(): Promise<string[]> {
    return (await this.#known()).map((table) => quoteTable(table));
  }

  async get(operation: SchemaOperation): Promise<TableSchema> {
    const name = this.#nameOf(operation);
    if (operation.from !== '') return this.#fetch(operation, name);
    const { tracker } = this.#deps;
    const known =
      tracker === null
        ? (await this.#known()).find((one) => one.schema === name.schema && one.table === name.table)
        : tracker.get(name);
    if (known !== undefined) return known;
    throw new DmError(
      CODES.schemaTrackerCannotGetTable,
      `cannot get table info for ${quoteTable(name)} from schema tracker: nothing is kept of it yet`,
      {
        workaround:
          'Its structure is looked for at its next rows or DDL: that of the source where it fits, else that of the target. `--from-source` and `--from-target` show them; `list` shows the tables that are kept.',
      },
    );
  }

  async set(operation: SchemaOperation): Promise<void> {
    const name = this.#nameOf(operation);
    if (operation.from === '' && operation.schema.trim() === '') {
      throw new DmError(
        CODES.schemaTrackerInvalidCreateTable,
        `a \`CREATE TABLE\` statement is needed for the structure of ${quoteTable(name)}`,
      );
    }
    const table =
      operation.from === '' ? await this.#build(operation.schema, name) : await this.#fetch(operation, name);
    const { config } = this.#deps;
    const saved = await this.#inTarget((target) =>
      saveTableInfo(target, this.#tables, config.sourceId, { ...table, ...name }),
    );
    if (saved) return;
    throw new DmError(
      CODES.schemaTrackerCannotExecDdl,
      `the structure of ${quoteTable(name)} cannot be kept: there is no checkpoint of the task yet`,
      {
        workaround: `Please run \`resume-task ${config.task}\`, and set it when the task replicates or has stopped at the table.`,
      },
    );
  }

  async remove(operation: SchemaOperation): Promise<void> {
    const name = this.#nameOf(operation);
    const { sourceId } = this.#deps.config;
    const removed = await this.#inTarget((target) => deleteTableInfo(target, this.#tables, sourceId, name));
    if (removed) return;
    throw new DmError(
      CODES.schemaTrackerCannotDropTable,
      `failed to drop table for ${quoteTable(name)} in schema tracker: nothing is kept of it`,
    );
  }

  /** The table as the task knows it; refuses one that the task leaves out. */
  #nameOf({ database, table }: SchemaOperation): TableName {
    const { config } = this.#deps;
    const name = { schema: database, table };
    const { blockAllow, caseSensitive, metaSchema } = config;
    if (new BlockAllowList(blockAllow, { caseSensitive, metaSchema }).allows(name)) return name;
    throw new DmError(
      CODES.schemaTrackerCannotGetTable,
      `the task ${config.task} does not migrate ${quoteTable(name)}: its block-allow-list leaves it out`,
      { workaround: 'Please give the name of the table in the source, as it is written there.' },
    );
  }

  async #known(): Promise<readonly TableSchema[]> {
    const { config, tracker } = this.#deps;
    if (tracker !== null) return tracker.tables();
    const saved = await this.#inTarget((target) => loadCheckpoint(target, this.#tables, config.sourceId));
    return saved?.tables ?? [];
  }

  async #build(sql: string, name: TableName): Promise<TableSchema> {
    return this.#in('upstream', async (source) => {
      const statement = parseDdl(sql, { ...dialectOf(source), defaultSchema: name.schema });
      if (statement.kind !== 'create-table' || statement.like !== undefined || statement.select) {
        throw new DmError(
          CODES.schemaTrackerInvalidCreateTable,
          `not a valid \`CREATE TABLE\` statement: ${sql.trim().slice(0, 200)}`,
        );
      }
      const tracker = new SchemaTracker(await fetchTrackerOptions(source));
      const written = statement.table.name;
      for (const [schema, pair] of await fetchSchemaDefaults(source, [name.schema])) {
        tracker.setSchema(schema, pair);
        // The file may name the table otherwise, as in a dump of another server.
        tracker.setSchema(written.schema, pair);
      }
      tracker.apply(statement);
      const built = tracker.get(written);
      if (built === undefined) throw new Error('invariant broken: a created table is not tracked');
      return built;
    });
  }

  async #fetch({ from }: SchemaOperation, name: TableName): Promise<TableSchema> {
    const { config } = this.#deps;
    const scope = from === 'target' ? 'downstream' : 'upstream';
    const { caseSensitive } = config;
    const named = from === 'target' ? new Router(config.routes, { caseSensitive }).route(name) : name;
    const found = await this.#in(scope, (session) => fetchTableSchema(session, named, { scope }));
    if (found !== undefined) return { ...found, ...name };
    throw new DmError(
      CODES.schemaTrackerCannotFetchTable,
      `cannot fetch ${scope} table schema of ${quoteTable(named)}: the table does not exist`,
      { scope },
    );
  }

  #inTarget<T>(work: (target: Session) => Promise<T>): Promise<T> {
    return this.#in('downstream', async (target) => {
      await createMetaTables(target, this.#tables);
      return work(target);
    });
  }

  async #in<T>(scope: 'upstream' | 'downstream', work: (session: Session) => Promise<T>): Promise<T> {
    const { config } = this.#deps;
    const upstream = scope === 'upstream';
    try {
      const session = await connectSession({
        db: upstream ? config.from : config.to,
        role: upstream ? 'source' : 'target',
      });
      try {
        return await work(session);
      } finally {
        await session.close();
      }
    } catch (error) {
      throw toDmError(error, scope);
    }
  }
}

/** As DM prints it: in one line, without the name of the database, integers with the widths of old servers. */
function oneLine(table: TableSchema): string {
  const columns = table.columns.map((column) => {
    const widths = WIDTHS[column.type.base];
    if (widths === undefined || column.type.length !== undefined) return column;
    return { ...column, type: { ...column.type, length: widths[column.type.unsigned ? 1 : 0] } };
  });
  const sql = renderCreateTable({ ...table, columns });
  const name = `CREATE TABLE ${quoteName(table.table)}`;
  return `${name}${sql.slice(`CREATE TABLE ${quoteTable(table)}`.length)}`
    .replace(/\n {2}/g, ' ')
    .replace(/\n\) (?=DEFAULT CHARSET=)/, ') ENGINE=InnoDB ')
    .replaceAll('\n', ' ');
}
