/** Finds the values of all row images of an event: one loop over the bytes, nothing allocated per row. */
import { binlogError } from './binlog-error.js';
import { TYPE } from './event-types.js';
import type { RowsEvent, TableMap } from './events.js';
import { applyJsonDiff } from './json-diff.js';
import { parseJsonBinary, TEXT_FOLLOWS } from './json-binary.js';
import { ABSENT, NULL_VALUE, type RowIndex } from './rows.js';

export interface Layout {
  /** Bytes of the length in front of the value; 0 = fixed `size`. */
  readonly prefix: 0 | 1 | 2 | 3 | 4;
  readonly size: number;
}

export class RowIndexer {
  readonly #map: TableMap;
  readonly #prefixes: Uint8Array;
  readonly #sizes: Int32Array;
  /** Position among the JSON columns, -1 for others. */
  readonly #jsonOrdinals: Int32Array;
  readonly #jsonCount: number;

  constructor(map: TableMap, layouts: readonly Layout[]) {
    this.#map = map;
    this.#prefixes = Uint8Array.from(layouts, (layout) => layout.prefix);
    this.#sizes = Int32Array.from(layouts, (layout) => layout.size);
    let json = 0;
    this.#jsonOrdinals = Int32Array.from(map.types, (type) => (type === TYPE.JSON ? json++ : -1));
    this.#jsonCount = json;
  }

  index(event: RowsEvent, into: RowIndex): void {
    const columns = this.#map.types.length;
    into.images = 0;
    into.columnCount = columns;
    into.buf = event.buf;
    if (event.partialJson) {
      this.#indexPartial(event, into);
      return;
    }
    const { buf, end, columnsBefore: before, columnsAfter: after } = event;
    const allBefore = before !== null && countShown(before, columns) === columns;
    const allAfter = after !== null && countShown(after, columns) === columns;
    let at = event.start;
    while (at < end) {
      const from = at;
      if (before) at = this.#image(buf, at, end, allBefore ? null : before, into);
      if (after) at = this.#image(buf, at, end, allAfter ? null : after, into);
      // Images without any column would take no bytes. MySQL refuses to write them, MariaDB writes all columns.
      if (at === from) throw this.#mismatch();
    }
    if (at !== end) throw this.#mismatch();
  }

  #mismatch(): Error {
    return binlogError(
      `the rows of \`${this.#map.schema}\`.\`${this.#map.table}\` do not fit their table map`,
    );
  }

  #grow(into: RowIndex): void {
    const need = (into.images + 1) * into.columnCount;
    if (need <= into.starts.length) return;
    const size = Math.max(need, into.starts.length * 2, 1024);
    const starts = new Int32Array(size);
    const lengths = new Int32Array(size);
    starts.set(into.starts);
    lengths.set(into.lengths);
    into.starts = starts;
    into.lengths = lengths;
  }

  /** `present` is null when all columns are there. */
  #image(buf: Buffer, from: number, end: number, present: Buffer | null, into: RowIndex): number {
    this.#grow(into);
    const prefixes = this.#prefixes;
    const sizes = this.#sizes;
    const { starts, lengths, columnCount } = into;
    const slot = into.images * columnCount;
    const shown = present ? countShown(present, columnCount) : columnCount;
    let at = from + ((shown + 7) >> 3);
    if (at > end) throw this.#mismatch();
    let bit = 0;
    for (let i = 0; i < columnCount; i++) {
      if (present && (present[i >> 3] & (1 << (i & 7))) === 0) {
        starts[slot + i] = ABSENT;
        lengths[slot + i] = 0;
        continue;
      }
      const isNull = (buf[from + (bit >> 3)] & (1 << (bit & 7))) !== 0;
      bit++;
      if (isNull) {
        starts[slot + i] = NULL_VALUE;
        lengths[slot + i] = 0;
        continue;
      }
      let length: number;
      switch (prefixes[i]) {
        case 0:
          length = sizes[i];
          break;
        case 1:
          length = buf[at];
          at += 1;
          break;
        case 2:
          length = buf[at] | (buf[at + 1] << 8);
          at += 2;
          break;
        case 3:
          length = buf[at] | (buf[at + 1] << 8) | (buf[at + 2] << 16);
          at += 3;
          break;
        default:
          length = (buf[at] | (buf[at + 1] << 8) | (buf[at + 2] << 16) | (buf[at + 3] << 24)) >>> 0;
          at += 4;
      }
      starts[slot + i] = at;
      lengths[slot + i] = length;
      at += length;
      // Also stops a broken length before it wraps the 32-bit positions, and (as !) a length from behind the buffer.
      if (!(at <= end)) throw this.#mismatch();
    }
    into.images++;
    return at;
  }

  /**
   * After images of partial updates begin with options and, where JSON diffs are used, a bitmap over the
   * JSON columns that says which of them are diffs. Those are applied to the before image, the result is
   * put behind a copy of the event's bytes, and the positions lead there.
   */
  #indexPartial(event: RowsEvent, into: RowIndex): void {
    const before = event.columnsBefore;
    const after = event.columnsAfter;
    if (!before || !after) throw this.#mismatch();
    const patches: Buffer[] = [];
    let patched = event.buf.length;
    let at = event.start;
    while (at < event.end) {
      const beforeSlot = into.images * into.columnCount;
      at = this.#image(event.buf, at, event.end, before, into);
      if (at >= event.end) throw this.#mismatch();
      const options = event.buf[at++];
      let bits: Buffer | null = null;
      if ((options & 1) !== 0) {
        const bytes = (this.#jsonCount + 7) >> 3;
        bits = event.buf.subarray(at, at + bytes);
        at += bytes;
        if (at > event.end) throw this.#mismatch();
      }
      const slot = into.images * into.columnCount;
      at = this.#image(event.buf, at, event.end, after, into);
      if (!bits) continue;
      for (let i = 0; i < into.columnCount; i++) {
        const ordinal = this.#jsonOrdinals[i];
        if (ordinal < 0 || (bits[ordinal >> 3] & (1 << (ordinal & 7))) === 0) continue;
        if (into.starts[slot + i] < 0) continue;
        const old = into.starts[beforeSlot + i];
        if (old < 0) {
          throw binlogError('a partial JSON update has no before image; set binlog_row_image to FULL');
        }
        const tree = parseJsonBinary(event.buf, old, into.lengths[beforeSlot + i]);
        const result = applyJsonDiff(tree, event.buf, into.starts[slot + i], into.lengths[slot + i]);
        const bytes = Buffer.concat([Buffer.from([TEXT_FOLLOWS]), Buffer.from(result, 'utf8')]);
        patches.push(bytes);
        into.starts[slot + i] = patched;
        into.lengths[slot + i] = bytes.length;
        patched += bytes.length;
      }
    }
    if (at !== event.end) throw this.#mismatch();
    if (patches.length > 0) into.buf = Buffer.concat([event.buf, ...patches]);
  }
}

function countShown(present: Buffer, columns: number): number {
  let shown = 0;
  for (let i = 0; i < columns; i++) if ((present[i >> 3] & (1 << (i & 7))) !== 0) shown++;
  return shown;
}

/** An empty index to be filled, and reused, by `RowCodec.index`. */
export function newRowIndex(): RowIndex {
  return {
    images: 0,
    columnCount: 0,
    starts: new Int32Array(0),
    lengths: new Int32Array(0),
    buf: Buffer.alloc(0),
  };
}
