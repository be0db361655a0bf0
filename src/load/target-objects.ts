/** Creates the databases and tables of the copy on the target, and drops what must be copied again. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { BlockAllowList } from '../filter/block-allow.js';
import { Router } from '../filter/router.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteName, quoteTable, type TableName } from '../model/table-name.js';
import { SqlError, type Session } from '../mysql/session.js';
import { chooseCollations } from '../schema/collation-clauses.js';
import type { Dialect } from '../schema/dialect.js';
import { fetchCollationDefaults, type CollationDefaults } from '../schema/fetch-collations.js';
import { dialectOf, listSchemas } from '../schema/fetch.js';
import { schemaCreateFile, tableSchemaFile } from '../dump/file-names.js';
import { readDatabaseDefinition, type SourceTable } from '../dump/source-tables.js';
import type { Log } from '../runtime/ports.js';
import { quoteString } from '../mysql/text.js';
import { runWithCheckNames } from './check-names.js';
import type { CopyMeta, DatabaseRow } from './copy-meta.js';
import { withoutIndexes } from './deferred-indexes.js';
import { runWithPartitionColumns } from './partition-columns.js';
import {
  translateAlterDatabase,
  translateCreateDatabase,
  translateCreateTable,
  type TargetDialect,
  type Translation,
} from './target-ddl.js';

export async function readDialect(target: Session): Promise<TargetDialect> {
  const [{ rows }] = await target.execute('SHOW COLLATION');
  const collations = new Set(rows.map((row) => (row[0] ?? '').toLowerCase()));
  if (target.isMariaDb) {
    // SHOW COLLATION names the newer ones without their charset.
    const [{ rows: full }] = await target
      .execute('SELECT full_collation_name FROM information_schema.collation_character_set_applicability')
      .catch(() => [{ rows: [] }]);
    for (const [name] of full) if (name !== null) collations.add(name.toLowerCase());
  }
  return { isMariaDb: target.isMariaDb, collations, serverVersion: target.serverVersion };
}

function showCreateDialect(source: Session): Dialect {
  const { flavor, serverVersion } = dialectOf(source);
  return { flavor, serverVersion: serverVersion ?? '', ansiQuotes: false, noBackslashEscapes: false };
}

async function exists(target: Session, schema: string): Promise<boolean> {
  const found = await target.query(
    `SELECT 1 AS one FROM information_schema.schemata WHERE schema_name = ${quoteString(schema)}`,
  );
  return found.length > 0;
}

/** ER_DBACCESS_DENIED_ERROR. */
const ACCESS_DENIED = 1044;

export interface TargetObjectsOptions {
  readonly config: SubtaskConfig;
  readonly source: Session;
  readonly target: Session;
  readonly meta: CopyMeta;
  readonly epoch: number;
  /** Of the plan; kept up. */
  readonly databases: Map<string, DatabaseRow>;
  /** Something is loaded: the place where sync begins is settled. */
  readonly begun: boolean;
  readonly folder: string;
  readonly log: Log;
}

export class TargetObjects {
  readonly #options: TargetObjectsOptions;
  readonly #router: Router;
  readonly #databases = new Set<string>();
  readonly #schemaFiles = new Set<string>();
  #dialect: TargetDialect | null = null;
  #defaults: CollationDefaults | null = null;

  constructor(options: TargetObjectsOptions) {
    this.#options = options;
    const { caseSensitive } = options.config;
    this.#router = new Router(options.config.routes, { caseSensitive });
  }

  /**
   * The schemas of the source that are migrated, also where no table of them is (yet), or all are routed into
   * other schemas: statements on them follow in the binlog. Where only single tables are wanted (`do-tables`
   * alone), only the schemas of the planned ones. Their defaults are to be those of the place where sync begins:
   * while that is not settled, a schema that the copy has made follows the source.
   */
  async createSchemas(planned: readonly SourceTable[]): Promise<void> {
    const { config, source, begun } = this.#options;
    if (begun) return;
    const { doDbs, doTables } = config.blockAllow;
    const single = doTables.length > 0 && doDbs.length === 0;
    if (single) return this.createDatabases(planned);
    for (const schema of await listSchemas(source, this.#allowed)) {
      // Who may not make it may well have no need of it: what a table or a statement needs is told when it does.
      await this.#createDatabase(schema, this.#routeSchema(schema)).catch((error: unknown) => {
        const cause = error instanceof DmError ? error.cause : error;
        if (!(cause instanceof SqlError) || cause.errno !== ACCESS_DENIED) throw error;
      });
    }
  }

  #routeSchema(schema: string): string {
    return this.#router.route({ schema, table: '' }).schema;
  }

  /** The defaults of the schemas of the source as text: two readings of it with a place of the binlog between them
   * tell whether createSchemas has made them as they were there. */
  async defaults(): Promise<string> {
    const rows = await this.#options.source.query(
      `SELECT schema_name AS s, default_character_set_name AS cs, default_collation_name AS co
       FROM information_schema.schemata ORDER BY schema_name`,
    );
    const allowed = this.#allowed;
    return rows
      .filter(({ s }) => allowed.allowsSchema(s ?? ''))
      .map(({ s, cs, co }) => `${s} ${cs} ${co}`)
      .join('\n');
  }

  get #allowed(): BlockAllowList {
    const { blockAllow, caseSensitive, metaSchema } = this.#options.config;
    return new BlockAllowList(blockAllow, { caseSensitive, metaSchema });
  }

  /**
   * Databases that the copy has made and that the source has dropped before the place where sync begins: as long
   * as they are empty they go, since a statement may make them again.
   */
  async dropGone(): Promise<void> {
    const { source, target, meta, epoch, databases, begun, log } = this.#options;
    if (begun) return;
    const schemas = new Set(await listSchemas(source, this.#allowed));
    const wanted = new Set([...schemas].map((schema) => this.#routeSchema(schema)));
    for (const row of [...databases.values()]) {
      if (schemas.has(row.source) || !row.made || wanted.has(row.target)) continue;
      if (await meta.isDatabaseShared(target, row)) continue;
      const where = `table_schema = ${quoteString(row.target)} LIMIT 1`;
      const held = await target.query(`SELECT 1 AS one FROM information_schema.tables WHERE ${where}`);
      if (held.length > 0) continue;
      await meta.checkEpoch(target, epoch);
      log.warn('dropping a database that the source has dropped', { database: row.target });
      await this.#run(`DROP DATABASE IF EXISTS ${quoteName(row.target)}`);
      await meta.forgetDatabase(target, epoch, row.source);
      databases.delete(row.source);
    }
  }

  /** The databases of the tables, one after the other. Throws DmError 60101. */
  async createDatabases(tables: readonly SourceTable[]): Promise<void> {
    for (const { source, target } of tables) await this.#createDatabase(source.schema, target.schema);
  }

  /**
   * CREATE ... IF NOT EXISTS, over a connection to the target, without some indexes; its database is there.
   * Throws DmError 60101.
   */
  async create(table: SourceTable, session: Session, without: readonly string[]): Promise<void> {
    const { target, folder, config } = this.#options;
    this.#dialect ??= await readDialect(target);
    const translation = this.#translation(table.source, table.target, this.#dialect);
    if (!config.cleanDumpFile) {
      await writeFile(path.join(folder, tableSchemaFile(table.source)), `${table.createSql};\n`);
    }
    const createSql = withoutIndexes(table.createSql, without);
    await this.#run(translateCreateTable(await this.#explicit(createSql), translation), session);
  }

  #translation(source: TableName, target: TableName, to: TargetDialect): Translation {
    const route = (name: TableName) => this.#router.route(name);
    return { source, target, route, fromMariaDb: this.#options.source.isMariaDb, to };
  }

  async #createDatabase(schema: string, routed: string): Promise<void> {
    const { target } = this.#options;
    const definition = await this.#databaseDefinition(schema);
    // Of several that are merged the first gives the defaults.
    if (this.#databases.has(routed)) return;
    this.#dialect ??= await readDialect(target);
    const names = [schema, routed].map((name) => ({ schema: name, table: '' }));
    const translation = this.#translation(names[0], names[1], this.#dialect);
    const createSql = await this.#explicit(definition);
    const create = translateCreateDatabase(createSql, routed, translation);
    const alter = translateAlterDatabase(createSql, routed, translation);
    // Statements on the source's database go nowhere else.
    if (routed === this.#routeSchema(schema)) {
      await this.#follow({ source: schema, target: routed, definition }, create, alter);
    } else await this.#run(create);
    this.#databases.add(routed);
  }

  /** Creates the database, or alters it where the copy has made it and the source has changed it since. */
  async #follow(database: Omit<DatabaseRow, 'made'>, create: string, alter: string): Promise<void> {
    const { target, meta, epoch, databases, begun } = this.#options;
    const known = databases.get(database.source);
    // Before it is made: nobody could tell afterwards whose it is.
    const made = known?.made ?? !(await exists(target, database.target));
    const row = { ...database, made };
    if (known === undefined) await meta.putDatabase(target, epoch, row);
    await this.#run(create);
    if (known !== undefined && known.definition !== row.definition && !begun) {
      if (made) {
        await meta.checkEpoch(target, epoch);
        await this.#run(alter);
      }
      await meta.putDatabase(target, epoch, row);
    }
    if (known === undefined || !begun) databases.set(row.source, row);
  }

  /** With `collation_compatible: strict` the source's default collations, where SHOW CREATE leaves them out. */
  async #explicit(createSql: string): Promise<string> {
    const { config, source } = this.#options;
    if (config.collationCompatible !== 'strict') return createSql;
    this.#defaults ??= await fetchCollationDefaults(source);
    const { ofCharset } = this.#defaults;
    const same = (name: string) => name;
    return chooseCollations(createSql, showCreateDialect(source), {
      collation: same,
      charset: same,
      explicit: {
        ofCharset: (name) => ofCharset.get(name.toLowerCase()),
        database: undefined,
        table: undefined,
      },
    });
  }

  async drop(table: SourceTable['target']): Promise<void> {
    await this.#run(`DROP TABLE IF EXISTS ${quoteTable(table)}`);
  }

  readonly #definitions = new Map<string, string>();

  async #databaseDefinition(schema: string): Promise<string> {
    let text = this.#definitions.get(schema);
    if (text === undefined) {
      text = await readDatabaseDefinition(this.#options.source, schema);
      this.#definitions.set(schema, text);
    }
    if (!this.#schemaFiles.has(schema)) {
      this.#schemaFiles.add(schema);
      await writeFile(path.join(this.#options.folder, schemaCreateFile(schema)), `${text};\n`);
    }
    return text;
  }

  async #run(sql: string, session = this.#options.target): Promise<void> {
    const { log } = this.#options;
    const execute = async (one: string) => void (await session.execute(one));
    const run = (one: string) => runWithPartitionColumns(one, log, execute);
    try {
      await runWithCheckNames({ sql, session, log, run });
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      throw new DmError(CODES.loadTargetTable, `the target refused: ${sql}`, { cause: error });
    }
  }
}
