/** Which tables of the source are migrated: the block-allow list, less the tables of tools for online DDL. */
import { BlockAllowList } from '../filter/block-allow.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import type { TableName } from '../model/table-name.js';
import type { NameFilter } from '../schema/fetch.js';
import { OnlineDdlRules } from './rules.js';

type FilterConfig = Pick<
  SubtaskConfig,
  'blockAllow' | 'caseSensitive' | 'metaSchema' | 'onlineDdl' | 'shadowTableRules' | 'trashTableRules'
>;

export class MigratedTables implements NameFilter {
  readonly #list: BlockAllowList;
  /** null: tables of tools are tables like all others. */
  readonly rules: OnlineDdlRules | null;

  /** Throws DmError 20044 and 20048 for bad patterns. */
  constructor(config: FilterConfig) {
    const { caseSensitive, metaSchema } = config;
    this.#list = new BlockAllowList(config.blockAllow, { caseSensitive, metaSchema });
    this.rules = config.onlineDdl ? new OnlineDdlRules(config) : null;
  }

  /** Whether rows and statements of the table are migrated; never those of ghost and trash tables. */
  allows(name: TableName): boolean {
    if (this.rules !== null && this.rules.classify(name).kind !== 'real') return false;
    return this.#list.allows(name);
  }

  allowsSchema(schema: string): boolean {
    return this.#list.allowsSchema(schema);
  }

  /** A ghost or trash table of a real one that is migrated: lists name the real table. */
  follows(name: TableName): boolean {
    if (this.rules === null) return false;
    const { kind, real } = this.rules.classify(name);
    return kind !== 'real' && this.#list.allows(real);
  }
}
