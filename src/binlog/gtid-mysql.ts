/** MySQL GTID sets: intervals of transaction numbers by source UUID and tag. */
import { GtidSyntaxError, readNumber } from './gtid-syntax.js';

const UUID = /[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}/y;
const TAG = /[a-zA-Z_][a-zA-Z0-9_]{0,31}/y;

function canonicalUuid(text: string): string {
  const hex = text.replaceAll('-', '').toLowerCase();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/**
 * A set of MySQL GTIDs. Sources are `uuid` or `uuid:tag`, in lower case. The intervals of a source are one
 * flat ascending list `[from, to, from, to ...]`, half open, never touching each other.
 */
export class MysqlGtidSet {
  readonly flavor = 'mysql';
  readonly #sources = new Map<string, number[]>();

  /** Throws GtidSyntaxError. White space (also the server's line breaks) is allowed between the parts. */
  static parse(text: string): MysqlGtidSet {
    const set = new MysqlGtidSet();
    let at = 0;
    const blank = (): void => {
      while (at < text.length && ' \t\r\n'.includes(text[at])) at++;
    };
    const match = (pattern: RegExp): string | null => {
      pattern.lastIndex = at;
      const found = pattern.exec(text);
      if (!found) return null;
      at += found[0].length;
      return found[0];
    };
    for (;;) {
      blank();
      // The server tolerates empty elements between commas.
      if (text[at] === ',') {
        at++;
        continue;
      }
      if (at >= text.length) return set;
      const uuid = match(UUID);
      if (uuid === null) throw new GtidSyntaxError(text, at, 'a UUID');
      const base = canonicalUuid(uuid);
      let source = base;
      blank();
      if (text[at] !== ':') throw new GtidSyntaxError(text, at, "':' and an interval");
      while (text[at] === ':') {
        at++;
        blank();
        const tag = match(TAG);
        if (tag !== null) {
          source = `${base}:${tag.toLowerCase()}`;
          blank();
          if (text[at] !== ':') throw new GtidSyntaxError(text, at, "':' and an interval");
          continue;
        }
        const from = readNumber(text, at);
        if (from.value < 1) throw new GtidSyntaxError(text, at, 'a transaction number from 1');
        at = from.next;
        blank();
        let to = from.value;
        if (text[at] === '-') {
          at++;
          blank();
          const end = readNumber(text, at);
          at = end.next;
          to = end.value;
          blank();
        }
        if (to >= from.value) set.addInterval(source, from.value, to + 1);
      }
      if (at < text.length && text[at] !== ',') throw new GtidSyntaxError(text, at, "',' or the end");
    }
  }

  clone(): MysqlGtidSet {
    const copy = new MysqlGtidSet();
    for (const [source, intervals] of this.#sources) copy.#sources.set(source, intervals.slice());
    return copy;
  }

  get isEmpty(): boolean {
    return this.#sources.size === 0;
  }

  /** Adds one GTID, `uuid:n` or `uuid:tag:n`. */
  add(gtid: string): void {
    const colon = gtid.lastIndexOf(':');
    const gno = Number(gtid.slice(colon + 1));
    if (colon < 36 || !Number.isSafeInteger(gno) || gno < 1) throw new GtidSyntaxError(gtid, 0, 'a GTID');
    this.addInterval(gtid.slice(0, colon).toLowerCase(), gno, gno + 1);
  }

  /** Adds `from <= n < to`. The common case, the next number of the last interval, costs no search. */
  addInterval(source: string, from: number, to: number): void {
    const list = this.#sources.get(source);
    if (!list) {
      this.#sources.set(source, [from, to]);
      return;
    }
    const last = list.length - 1;
    if (from === list[last]) {
      list[last] = to;
      return;
    }
    if (from > list[last]) {
      list.push(from, to);
      return;
    }
    // First interval that ends at or after `from`, and the first that begins after `to`.
    let i = 0;
    while (list[i + 1] < from) i += 2;
    let k = i;
    let low = from;
    let high = to;
    while (k < list.length && list[k] <= to) {
      if (list[k] < low) low = list[k];
      if (list[k + 1] > high) high = list[k + 1];
      k += 2;
    }
    list.splice(i, k - i, low, high);
  }

  union(other: MysqlGtidSet): void {
    for (const [source, list] of other.#sources) {
      for (let i = 0; i < list.length; i += 2) this.addInterval(source, list[i], list[i + 1]);
    }
  }

  subtract(other: MysqlGtidSet): void {
    for (const [source, cut] of other.#sources) {
      const list = this.#sources.get(source);
      if (!list) continue;
      const rest: number[] = [];
      let k = 0;
      for (let i = 0; i < list.length; i += 2) {
        let from = list[i];
        const to = list[i + 1];
        while (k < cut.length && cut[k + 1] <= from) k += 2;
        for (let j = k; j < cut.length && cut[j] < to; j += 2) {
          if (cut[j] > from) rest.push(from, cut[j]);
          from = Math.max(from, cut[j + 1]);
        }
        if (from < to) rest.push(from, to);
      }
      if (rest.length === 0) this.#sources.delete(source);
      else this.#sources.set(source, rest);
    }
  }

  contains(other: MysqlGtidSet): boolean {
    const rest = other.clone();
    rest.subtract(this);
    return rest.isEmpty;
  }

  has(gtid: string): boolean {
    const colon = gtid.lastIndexOf(':');
    const gno = Number(gtid.slice(colon + 1));
    const list = this.#sources.get(gtid.slice(0, colon).toLowerCase());
    if (!list) return false;
    for (let i = list.length - 2; i >= 0; i -= 2) if (list[i] <= gno) return gno < list[i + 1];
    return false;
  }

  equals(other: MysqlGtidSet): boolean {
    return this.toString() === other.toString();
  }

  #sorted(): [uuid: string, tag: string, list: number[]][] {
    return [...this.#sources]
      .map(([source, list]): [string, string, number[]] => [source.slice(0, 36), source.slice(37), list])
      .sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0));
  }

  /** The server's form, without its line breaks: `uuid:1-5:7,uuid:1:tag:3-4`. */
  toString(): string {
    let text = '';
    let previous = '';
    for (const [uuid, tag, list] of this.#sorted()) {
      if (uuid !== previous) text += (text === '' ? '' : ',') + uuid;
      previous = uuid;
      if (tag !== '') text += `:${tag}`;
      for (let i = 0; i < list.length; i += 2) {
        text += `:${list[i]}`;
        if (list[i + 1] - list[i] > 1) text += `-${list[i + 1] - 1}`;
      }
    }
    return text;
  }

  /** The binary form of COM_BINLOG_DUMP_GTID; with tags where the set has any. */
  encode(): Buffer {
    const sources = this.#sorted();
    const tagged = sources.some((source) => source[1] !== '');
    const parts: Buffer[] = [];
    const head = Buffer.alloc(8);
    const count = BigInt(sources.length);
    head.writeBigUInt64LE(tagged ? (1n << 56n) | (count << 8n) | 1n : count);
    parts.push(head);
    for (const [uuid, tag, list] of sources) {
      parts.push(Buffer.from(uuid.replaceAll('-', ''), 'hex'));
      // A tag is at most 32 bytes, so its length in MySQL's serialisation is one byte, shifted by one.
      if (tagged) parts.push(Buffer.from([tag.length << 1]), Buffer.from(tag, 'latin1'));
      const numbers = Buffer.alloc(8 + list.length * 8);
      numbers.writeBigUInt64LE(BigInt(list.length / 2));
      list.forEach((value, i) => numbers.writeBigUInt64LE(BigInt(value), 8 + i * 8));
      parts.push(numbers);
    }
    return Buffer.concat(parts);
  }
}
