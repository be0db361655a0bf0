/** Real events, and what becomes of them when their bytes are broken. */
import path from 'node:path';
import { compileRowCodec } from '../../src/binlog/codec.js';
import { BinlogDecoder } from '../../src/binlog/decoder.js';
import { EVENT, HEADER_LENGTH } from '../../src/binlog/event-types.js';
import type { BinlogEvent, TableMap } from '../../src/binlog/events.js';
import { readRawEvents } from '../../src/binlog/file.js';
import { newRowIndex } from '../../src/binlog/row-indexer.js';
import type { RowCodec } from '../../src/binlog/rows.js';
import { DmError } from '../../src/errors/dm-error.js';
import { ByteWriter } from '../../src/mysql/byte-writer.js';
import type { DatabaseServer, Flavor } from '../servers/database.js';
import { binlogEnd } from './harness.js';
import { TYPE_GROUPS, type ServerKind } from './type-groups.js';

/** The raw events of the file that the server writes to, each in a buffer of its own. */
async function currentFile(server: DatabaseServer): Promise<Buffer[]> {
  const { name } = await binlogEnd(server);
  const [base] = await server.query("SHOW VARIABLES LIKE 'log_bin_basename'");
  const events: Buffer[] = [];
  for await (const raw of readRawEvents(path.join(path.dirname(String(base['Value'])), name))) {
    events.push(Buffer.from(raw.buf.subarray(raw.start, raw.end)));
  }
  return events;
}

/** A file with a few rows of every type, inserted, updated and deleted, and what else the server writes. */
export async function everyEvent(
  server: DatabaseServer,
  kind: ServerKind,
  settings: readonly string[],
): Promise<Buffer[]> {
  await server.execute('DROP DATABASE IF EXISTS br; CREATE DATABASE br; FLUSH BINARY LOGS');
  const session = ["SET SESSION sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'", ...settings];
  const groups = TYPE_GROUPS.filter((group) => group.servers.includes(kind));
  for (const [g, group] of groups.entries()) {
    const table = `br.t${g}`;
    const columns = group.columns.map((column, i) => `c${i} ${column.ddl}`).join(', ');
    const rows = [0, 1, 2].map((r) => {
      const values = group.columns.map((column) => {
        const value = column.values[r] ?? 'NULL';
        // Long texts only make the search for the interesting bytes longer.
        return /REPEAT/.test(value) ? "'short'" : value;
      });
      return `(${[r, ...values].join(', ')})`;
    });
    await server.execute(
      [
        ...session,
        `CREATE TABLE ${table} (id INT PRIMARY KEY, ${columns}) ENGINE=InnoDB`,
        `INSERT INTO ${table} VALUES ${rows.join(', ')}`,
        `UPDATE ${table} SET id = 10 WHERE id = 0`,
        `DELETE FROM ${table} WHERE id = 10`,
      ].join('; '),
    );
  }
  if (kind === 'mysql-9.7') {
    await server.execute(
      [
        ...session,
        'CREATE TABLE br.j (id INT PRIMARY KEY, j JSON) ENGINE=InnoDB',
        `INSERT INTO br.j VALUES (1, '{"a": [1, 2, {"b": "some text"}], "c d": 1.5, "e": null}')`,
        `UPDATE br.j SET j = JSON_REMOVE(JSON_SET(j, '$.a[0]', 77, '$."c d"', 'new'), '$.e')`,
      ].join('; '),
    );
  }
  return currentFile(server);
}

/** The same file as a server with binlog_checksum=NONE writes it. */
export function withoutChecksums(events: readonly Buffer[]): Buffer[] {
  return events.map((event) => {
    if (event[4] === EVENT.FORMAT_DESCRIPTION) {
      const copy = Buffer.from(event);
      copy[copy.length - 5] = 0;
      // As in a stream from the middle of a file: the checksum is of another form of the event.
      copy.writeUInt32LE(0x01020304, copy.length - 4);
      return copy;
    }
    const copy = Buffer.from(event.subarray(0, -4));
    copy.writeUInt32LE(copy.length, 9);
    return copy;
  });
}

/** A broken event whose header says the size that it has, so that what is behind the header gets read. */
export function withSize(event: Buffer): Buffer {
  if (event.length >= HEADER_LENGTH) event.writeUInt32LE(event.length, 9);
  return event;
}

function shown(event: BinlogEvent): string {
  if (event.type === 'rows') return `${event.kind} ${event.map.table}`;
  return JSON.stringify(event, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

/**
 * Decodes the events and all their values, up to the first DmError; the result is a text of everything
 * that was seen. Any other exception is thrown. `around` puts bytes of others around every event: what is read must not depend on them.
 */
export function walk(
  flavor: Flavor,
  events: readonly Buffer[],
  around = 0,
): { text: string; failed: boolean } {
  const decoder = new BinlogDecoder({ flavor, file: 'f.000001' });
  const codecs = new Map<TableMap, RowCodec>();
  const index = newRowIndex();
  const out = new ByteWriter(64);
  const lines: string[] = [];
  const take = (event: BinlogEvent | null): void => {
    if (!event) return;
    lines.push(shown(event));
    if (event.type !== 'rows') return;
    let codec = codecs.get(event.map);
    if (!codec) codecs.set(event.map, (codec = compileRowCodec(event.map, null)));
    codec.index(event, index);
    for (let slot = 0; slot < index.images * index.columnCount; slot++) {
      const start = index.starts[slot];
      if (start < 0) continue;
      const column = codec.columns[slot % index.columnCount];
      const value = column.value(index.buf, start, index.lengths[slot]);
      out.reset();
      column.literal(index.buf, start, index.lengths[slot], out);
      lines.push(
        Buffer.isBuffer(value) ? value.toString('hex') : String(value),
        out.copy().toString('latin1'),
      );
    }
  };
  try {
    for (const event of events) {
      const buf = Buffer.alloc(event.length + 2 * around, 0xa7);
      event.copy(buf, around);
      take(decoder.decode(buf, around, around + event.length));
      for (let inner = decoder.pending(); inner; inner = decoder.pending()) take(inner);
    }
  } catch (error) {
    if (!(error instanceof DmError)) throw error;
    return { text: `${lines.join('\n')}\n${error.message} ${error.rawCause ?? ''}`, failed: true };
  }
  return { text: lines.join('\n'), failed: false };
}
