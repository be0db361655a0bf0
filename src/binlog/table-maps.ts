/**
 * The table maps of a stream. Servers send the map again with every statement; the same bytes give the
 * same TableMap object again, so that whoever compiles something per map (a codec) can key on identity.
 */
import { binlogError } from './binlog-error.js';
import { decodeTableMap } from './decode-table-map.js';
import type { TableMap } from './events.js';
import { readUInt48 } from './bytes.js';

/** Tables in one file are fewer; the bound only guards against a stream that makes new ids for ever. */
const MAX_MAPS = 10_000;

interface Entry {
  readonly bytes: Buffer;
  readonly map: TableMap;
}

export class TableMaps {
  readonly #entries = new Map<number, Entry>();

  get(tableId: number): TableMap | undefined {
    return this.#entries.get(tableId)?.map;
  }

  take(buf: Buffer, start: number, end: number): void {
    if (end - start < 8) throw binlogError('table map event is too short');
    const id = readUInt48(buf, start);
    const known = this.#entries.get(id);
    if (known && buf.compare(known.bytes, 0, known.bytes.length, start, end) === 0) return;
    if (this.#entries.size >= MAX_MAPS) this.#entries.clear();
    const bytes = Buffer.from(buf.subarray(start, end));
    this.#entries.set(id, { bytes, map: decodeTableMap(bytes, 0, bytes.length) });
  }

  clear(): void {
    this.#entries.clear();
  }
}
