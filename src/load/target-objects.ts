/** Creates the databases and tables of the copy on the target, and drops what must be copied again. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { BlockAllowList } from '../filter/block-allow.js';
import { Router } from '../filter/router.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteTable } from '../model/table-name.js';
import { SqlError, type Session } from '../mysql/session.js';
import { chooseCollations } from '../schema/collation-clauses.js';
import type { Dialect } from '../schema/dialect.js';
import { fetchCollationDefaults, type CollationDefaults } from '../schema/fetch-collations.js';
import { dialectOf, listSchemas } from '../schema/fetch.js';
import { schemaCreateFile, tableSchemaFile } from '../dump/file-names.js';
import { readDatabaseDefinition, type SourceTable } from '../dump/source-tables.js';
import type { Log } from '../runtime/ports.js';
import { runWithCheckNames } from './check-names.js';
import { withoutIndexes } from './deferred-indexes.js';
import {
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

/** ER_DBACCESS_DENIED_ERROR. */
const ACCESS_DENIED = 1044;

export interface TargetObjectsOptions {
  readonly config: SubtaskConfig;
  readonly source: Session;
  readonly target: Session;
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
   * alone), their schemas come with them.
   */
  async createSchemas(): Promise<void> {
    const { config, source, target } = this.#options;
    const { doDbs, doTables } = config.blockAllow;
    if (doTables.length > 0 && doDbs.length === 0) return;
    const { caseSensitive, metaSchema } = config;
    this.#dialect ??= await readDialect(target);
    for (const schema of await listSchemas(
      source,
      new BlockAllowList(config.blockAllow, { caseSensitive, metaSchema }),
    )) {
      const name = { schema, table: '' };
      const routed = this.#router.route(name);
      const translation = {
        source: name,
        target: routed,
        route: (other: SourceTable['source']) => this.#router.route(other),
        fromMariaDb: source.isMariaDb,
        to: this.#dialect,
      };
      // Who may not make it may well have no need of it: what a table or a statement needs is told when it does.
      await this.#createDatabase(schema, routed.schema, translation).catch((error: unknown) => {
        const cause = error instanceof DmError ? error.cause : error;
        if (!(cause instanceof SqlError) || cause.errno !== ACCESS_DENIED) throw error;
      });
    }
  }

  /** CREATE ... IF NOT EXISTS, over a connection to the target, without some indexes. Throws DmError 60101. */
  async create(table: SourceTable, session: Session, without: readonly string[]): Promise<void> {
    const { source, target, folder, config } = this.#options;
    this.#dialect ??= await readDialect(target);
    const translation = {
      source: table.source,
      target: table.target,
      route: (name: SourceTable['source']) => this.#router.route(name),
      fromMariaDb: source.isMariaDb,
      to: this.#dialect,
    };
    await this.#createDatabase(table.source.schema, table.target.schema, translation);
    if (!config.cleanDumpFile) {
      await writeFile(path.join(folder, tableSchemaFile(table.source)), `${table.createSql};\n`);
    }
    const createSql = withoutIndexes(table.createSql, without);
    await this.#run(translateCreateTable(await this.#explicit(createSql), translation), session);
  }

  async #createDatabase(schema: string, routed: string, translation: Translation): Promise<void> {
    const definition = await this.#databaseDefinition(schema);
    if (this.#databases.has(routed)) return;
    await this.#run(translateCreateDatabase(await this.#explicit(definition), routed, translation));
    this.#databases.add(routed);
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
    const run = async (one: string) => void (await session.execute(one));
    try {
      await runWithCheckNames({ sql, session, log, run });
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      throw new DmError(CODES.loadTargetTable, `the target refused: ${sql}`, { cause: error });
    }
  }
}
