/**
 * Where a table with a text or binary key is cut into chunks, found by looking into its index here and there,
 * never by reading through it.
 *
 * From the first character in which the smallest and the largest key differ, each possible next one is looked
 * for: the first key from there on is a bound. Where that gives too few, the same is done behind the
 * characters that were found. Which order collations give them plays no part: bounds are keys that are there,
 * sorted by the server, and the ranges between them hold all keys, whatever comes.
 */
import { quoteName, quoteTable, type TableName } from '../model/table-name.js';
import type { Session } from '../mysql/session.js';

const TEXT_TYPES = new Set(['char', 'varchar']);
const BYTE_TYPES = new Set(['binary', 'varbinary']);
const CHARACTERS = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'];
const BYTES = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
const LEVELS = 16;
/** Of a level: together they bound the looks into the index. */
const MOST_PREFIXES = 16;
const STATEMENTS = 128;

export function isTextKey(type: string): boolean {
  return TEXT_TYPES.has(type) || BYTE_TYPES.has(type);
}

export interface TextKey {
  readonly table: TableName;
  readonly column: string;
  /** Of information_schema. */
  readonly type: string;
}

/** At most `count - 1` literals, ascending as the server compares them with the column. */
export async function textBounds(session: Session, key: TextKey, count: number): Promise<string[]> {
  const look = new Look(session, key);
  const ends = await look.ends();
  if (ends === null || count < 2) return [];
  let prefixes = [commonPrefix(...ends)];
  const found = new Set<string>();
  for (let level = 0; level < LEVELS && found.size < count; level++) {
    const next = new Set<string>();
    for (const prefix of prefixes) {
      // The ends may go on with characters that are not looked for.
      for (const value of [...(await look.from(prefix)), ...ends]) {
        found.add(value);
        const longer = characters(value, prefix.length + 1);
        if (longer.length > prefix.length && longer.startsWith(prefix)) next.add(longer);
      }
    }
    prefixes = evenly([...next], MOST_PREFIXES);
  }
  // Below the smallest key there is nothing.
  found.delete(ends[0]);
  return look.sorted(evenly([...found].sort(), count - 1));
}

/** Text keys as strings, binary ones as strings of bytes. */
class Look {
  readonly #session: Session;
  readonly #table: string;
  readonly #column: string;
  readonly #bytes: boolean;

  constructor(session: Session, { table, column, type }: TextKey) {
    this.#session = session;
    this.#table = `${quoteTable(table)} FORCE INDEX (PRIMARY)`;
    this.#column = quoteName(column);
    this.#bytes = BYTE_TYPES.has(type);
  }

  async ends(): Promise<[low: string, high: string] | null> {
    const [{ rows }] = await this.#session.execute(
      `SELECT ${this.#hex(`MIN(${this.#column})`)}, ${this.#hex(`MAX(${this.#column})`)} FROM ${this.#table}`,
    );
    const [low, high] = rows[0];
    return low === null || high === null ? null : [this.#decode(low), this.#decode(high)];
  }

  /** The first key from each continuation of the prefix on. */
  async from(prefix: string): Promise<string[]> {
    const found = new Set<string>();
    const all = this.#bytes ? BYTES : CHARACTERS;
    for (let i = 0; i < all.length; i += STATEMENTS) {
      const sql = all.slice(i, i + STATEMENTS).map(
        (next) => `SELECT ${this.#hex(this.#column)} FROM ${this.#table}
            WHERE ${this.#column} >= ${this.#literal(prefix + next)} ORDER BY ${this.#column} LIMIT 1`,
      );
      for (const { rows } of await this.#session.execute(sql.join(';'))) {
        const hex = rows[0]?.[0];
        if (hex != null) found.add(this.#decode(hex));
      }
    }
    return [...found];
  }

  async sorted(values: readonly string[]): Promise<string[]> {
    if (values.length === 0) return [];
    const [{ rows }] = await this.#session.execute(
      `SELECT ${this.#hex(`MIN(${this.#column})`)} FROM ${this.#table}
       WHERE ${this.#column} IN (${values.map((value) => this.#literal(value)).join(',')})
       GROUP BY ${this.#column} ORDER BY ${this.#column}`,
    );
    return rows.map(([hex]) => this.#literal(this.#decode(hex ?? '')));
  }

  #hex(value: string): string {
    return this.#bytes ? `HEX(${value})` : `HEX(CONVERT(${value} USING utf8mb4))`;
  }

  #decode(hex: string): string {
    return Buffer.from(hex, 'hex').toString(this.#bytes ? 'latin1' : 'utf8');
  }

  /** A text literal takes the column's collation when it is compared with it. */
  #literal(value: string): string {
    const hex = Buffer.from(value, this.#bytes ? 'latin1' : 'utf8').toString('hex');
    return this.#bytes ? `x'${hex}'` : `_utf8mb4 x'${hex}'`;
  }
}

function commonPrefix(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return characters(a, length);
}

/** The first `length` units, and no half of a surrogate pair. */
function characters(text: string, length: number): string {
  const cut = text.slice(0, length);
  return /[\ud800-\udbff]$/.test(cut) ? text.slice(0, length + 1) : cut;
}

function evenly<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) => items[Math.floor(((i + 0.5) * items.length) / most)]);
}
