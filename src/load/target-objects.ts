/** Creates the databases and tables of the copy on the target, and drops what must be copied again. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { Router } from '../filter/router.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteTable } from '../model/table-name.js';
import { SqlError, type Session } from '../mysql/session.js';
import { schemaCreateFile, tableSchemaFile } from '../dump/file-names.js';
import { readDatabaseDefinition, type SourceTable } from '../dump/source-tables.js';
import { translateCreateDatabase, translateCreateTable, type TargetDialect } from './target-ddl.js';

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

export interface TargetObjectsOptions {
  readonly config: SubtaskConfig;
  readonly source: Session;
  readonly target: Session;
  readonly folder: string;
}

export class TargetObjects {
  readonly #options: TargetObjectsOptions;
  readonly #router: Router;
  readonly #databases = new Set<string>();
  readonly #schemaFiles = new Set<string>();
  #dialect: TargetDialect | null = null;

  constructor(options: TargetObjectsOptions) {
    this.#options = options;
    const { caseSensitive } = options.config;
    this.#router = new Router(options.config.routes, { caseSensitive });
  }

  /** CREATE ... IF NOT EXISTS. Throws DmError 60101. */
  async create(table: SourceTable): Promise<void> {
    const { source, target, folder } = this.#options;
    this.#dialect ??= await readDialect(target);
    const translation = {
      source: table.source,
      target: table.target,
      route: (name: SourceTable['source']) => this.#router.route(name),
      fromMariaDb: source.isMariaDb,
      to: this.#dialect,
    };
    const database = await this.#databaseDefinition(table.source.schema);
    if (!this.#databases.has(table.target.schema)) {
      await this.#run(translateCreateDatabase(database, table.target.schema, translation));
      this.#databases.add(table.target.schema);
    }
    await writeFile(path.join(folder, tableSchemaFile(table.source)), `${table.createSql};\n`);
    await this.#run(translateCreateTable(table.createSql, translation));
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

  async #run(sql: string): Promise<void> {
    try {
      await this.#options.target.execute(sql);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      throw new DmError(CODES.loadTargetTable, `the target refused: ${sql}`, { cause: error });
    }
  }
}
