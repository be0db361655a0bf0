/**
 * What has been changed in each ghost table so far, kept in `{task}_onlineddl` as DM keeps it (a tool's run
 * may begin under DM and end here). Changes are held in memory until the checkpoint that has passed them is
 * written, and go into its transaction: so a restart neither loses a statement nor sees one twice.
 */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { quoteTable, tableKey, type TableName } from '../model/table-name.js';
import type { Session } from '../mysql/session.js';
import { quoteString } from '../mysql/text.js';

export interface GhostRecord {
  readonly ghost: TableName;
  readonly real: TableName;
  /** The statements that changed the ghost table, by its own name; '' stands for one that was filtered. */
  readonly ddls: readonly string[];
  /** sql_mode of each of `ddls`, where it is known. */
  readonly modes: readonly (bigint | null)[];
  /** Time zone of each of `ddls`, where it mattered to it. */
  readonly zones: readonly (string | null)[];
  /** The real table has been dropped, for the ghost table to take its place. */
  readonly dropped: boolean;
}

export interface StoreOptions {
  /** Quoted name of the table. */
  readonly table: string;
  readonly sourceId: string;
  /** A name as the source's server keeps it. */
  readonly fold: (name: TableName) => TableName;
}

export class OnlineDdlStore {
  readonly #options: StoreOptions;
  readonly #records = new Map<string, GhostRecord>();
  /** Names whose rows in the table are behind. */
  #changed = new Map<string, TableName>();

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  /** Reads what earlier runs have left. Throws DmError 36039. */
  async load(session: Session): Promise<void> {
    const { table, sourceId } = this.#options;
    const rows = await session.query(
      `SELECT ghost_schema, ghost_table, CAST(ddls AS CHAR) AS ddls FROM ${table} WHERE id=${quoteString(sourceId)}`,
    );
    for (const row of rows) {
      const ghost = { schema: row.ghost_schema ?? '', table: row.ghost_table ?? '' };
      this.#records.set(this.#key(ghost), decode(ghost, row.ddls ?? '', table));
    }
  }

  get(ghost: TableName): GhostRecord | undefined {
    return this.#records.get(this.#key(ghost));
  }

  all(): readonly GhostRecord[] {
    return [...this.#records.values()];
  }

  /** Takes the place of what is known of the ghost table; null forgets it. */
  set(ghost: TableName, record: GhostRecord | null): void {
    const key = this.#key(ghost);
    if (record === null) {
      if (!this.#records.delete(key)) return;
    } else this.#records.set(key, record);
    this.#changed.set(key, this.#options.fold(ghost));
  }

  /** Statements for the transaction of a checkpoint, and what to call when it is committed. */
  unsaved(): { statements: string[]; saved: () => void } {
    const changed = this.#changed;
    const records = new Map(this.#records);
    const statements = [...changed].map(([key, name]) => this.#statement(name, records.get(key)));
    const saved = () => {
      for (const [key] of changed) if (this.#records.get(key) === records.get(key)) this.#changed.delete(key);
    };
    return { statements, saved };
  }

  #key(name: TableName): string {
    return tableKey(this.#options.fold(name));
  }

  #statement(ghost: TableName, record: GhostRecord | undefined): string {
    const { table, sourceId } = this.#options;
    const id = quoteString(sourceId);
    const [schema, name] = [quoteString(ghost.schema), quoteString(ghost.table)];
    if (record === undefined) {
      return `DELETE FROM ${table} WHERE id=${id} AND ghost_schema=${schema} AND ghost_table=${name}`;
    }
    const ddls = quoteString(encode(record));
    return `REPLACE INTO ${table} (id, ghost_schema, ghost_table, ddls) VALUES (${id}, ${schema}, ${name}, ${ddls})`;
  }
}

/** DM's three fields; what is behind them is ours, and DM passes over it. */
function encode({ real, ddls, modes, zones, dropped }: GhostRecord): string {
  return JSON.stringify({
    schema: real.schema,
    table: real.table,
    ddls,
    sql_modes: modes.map((mode) => (mode === null ? null : String(mode))),
    ...(zones.some((zone) => zone !== null) ? { time_zones: zones } : {}),
    ...(dropped ? { dropped } : {}),
  });
}

function decode(ghost: TableName, text: string, table: string): GhostRecord {
  const wrong = (detail: string, cause?: unknown) =>
    new DmError(
      CODES.syncOnlineDdlInvalidMeta,
      `${table} has ${JSON.stringify(text)} for the ghost table ${quoteTable(ghost)}; expected {"schema": "..", "table": "..", "ddls": ["..", ..]}: ${detail}`,
      { cause },
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrong('it is no JSON', error);
  }
  if (typeof value !== 'object' || value === null) throw wrong('it is no object');
  const {
    schema,
    table: real,
    ddls,
    sql_modes: modes,
    time_zones: zones,
    dropped,
  } = value as Record<string, unknown>;
  if (typeof schema !== 'string' || typeof real !== 'string') throw wrong('schema or table is missing');
  // Go writes an empty list as null.
  const list: unknown[] = Array.isArray(ddls) ? ddls : [];
  if (!list.every((ddl) => typeof ddl === 'string')) throw wrong('ddls is no list of statements');
  return {
    ghost,
    real: { schema, table: real },
    ddls: list,
    modes: list.map((_, i) => {
      const mode: unknown = Array.isArray(modes) ? modes[i] : null;
      return typeof mode === 'string' && /^\d{1,20}$/.test(mode) ? BigInt(mode) : null;
    }),
    zones: list.map((_, i) => {
      const zone: unknown = Array.isArray(zones) ? zones[i] : null;
      return typeof zone === 'string' && zone !== '' ? zone : null;
    }),
    dropped: dropped === true,
  };
}
