/**
 * Block and allow lists (manual 1.3.1.2): which of the source's schemas and tables are migrated.
 *
 * A schema passes when it matches `do-dbs`, or where that is empty when it does not match `ignore-dbs`.
 * A table of such a schema passes when it matches `do-tables`; else it fails when it matches
 * `ignore-tables` or when `do-tables` is not empty. System schemas and the meta schema never pass.
 */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { BlockAllowRules, TablePattern } from '../model/subtask-config.js';
import type { TableName } from '../model/table-name.js';
import { isSystemSchema } from './system-schemas.js';
import { compilePattern, type NamePattern, PatternError } from './wildcard.js';

export interface BlockAllowOptions {
  readonly caseSensitive: boolean;
  /** The task's own meta schema, filtered like a system schema. */
  readonly metaSchema?: string;
}

interface TableRule {
  readonly schema: NamePattern;
  readonly table: NamePattern;
}

export class BlockAllowList {
  readonly #doDbs: readonly NamePattern[];
  readonly #ignoreDbs: readonly NamePattern[];
  readonly #doTables: readonly TableRule[];
  readonly #ignoreTables: readonly TableRule[];
  readonly #metaSchema: string | undefined;
  readonly #caseSensitive: boolean;
  readonly #schemas = new Map<string, boolean>();
  /** schema -> table -> verdict */
  readonly #tables = new Map<string, Map<string, boolean>>();

  /** Throws DmError 20044 for a bad pattern. */
  constructor(rules: BlockAllowRules, options: BlockAllowOptions) {
    const { caseSensitive } = options;
    this.#caseSensitive = caseSensitive;
    this.#metaSchema = caseSensitive ? options.metaSchema : options.metaSchema?.toLowerCase();
    const tableRule = (rule: TablePattern): TableRule => ({
      schema: compilePattern(rule.dbName, caseSensitive),
      table: compilePattern(rule.tblName, caseSensitive),
    });
    try {
      this.#doDbs = rules.doDbs.map((pattern) => compilePattern(pattern, caseSensitive));
      this.#ignoreDbs = rules.ignoreDbs.map((pattern) => compilePattern(pattern, caseSensitive));
      this.#doTables = rules.doTables.map(tableRule);
      this.#ignoreTables = rules.ignoreTables.map(tableRule);
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      throw new DmError(
        CODES.configGenBlockAllowList,
        `generate block allow list error: pattern "${error.pattern}" ${error.message}`,
        { cause: error },
      );
    }
  }

  /** Whether the schema's own statements (CREATE DATABASE ...) are migrated, and its tables looked at. */
  allowsSchema(schema: string): boolean {
    let allowed = this.#schemas.get(schema);
    if (allowed === undefined) {
      allowed = this.#decideSchema(schema);
      this.#schemas.set(schema, allowed);
    }
    return allowed;
  }

  /** Whether the table, or for an empty `table` the schema, is migrated. Cached per name. */
  allows(name: TableName): boolean {
    if (name.table === '') return this.allowsSchema(name.schema);
    let tables = this.#tables.get(name.schema);
    if (tables === undefined) {
      tables = new Map();
      this.#tables.set(name.schema, tables);
    }
    let allowed = tables.get(name.table);
    if (allowed === undefined) {
      allowed = this.allowsSchema(name.schema) && this.#decideTable(name);
      tables.set(name.table, allowed);
    }
    return allowed;
  }

  #decideSchema(schema: string): boolean {
    if (isSystemSchema(schema)) return false;
    if (this.#metaSchema !== undefined) {
      if ((this.#caseSensitive ? schema : schema.toLowerCase()) === this.#metaSchema) return false;
    }
    if (this.#doDbs.length > 0) return this.#doDbs.some((pattern) => pattern.matches(schema));
    return !this.#ignoreDbs.some((pattern) => pattern.matches(schema));
  }

  #decideTable(name: TableName): boolean {
    const hit = (rule: TableRule): boolean =>
      rule.schema.matches(name.schema) && rule.table.matches(name.table);
    if (this.#doTables.some(hit)) return true;
    if (this.#ignoreTables.some(hit)) return false;
    return this.#doTables.length === 0;
  }
}
