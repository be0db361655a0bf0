/**
 * Turns raw text-protocol rows into the bytes of a dump file without making strings.
 *
 * csv: fields end with `,`, rows with a newline, text is enclosed in `"` with a backslash before `"` and
 * `\`, NULL is `\N`, binary values are hexadecimal digits, since a reader that takes the file as utf8mb4
 * would break arbitrary bytes. sql: tuples of an INSERT, text in `'`, binary as x'..'.
 */
import type { ByteWriter } from '../mysql/byte-writer.js';
import { PayloadCursor } from '../mysql/packets.js';
import type { SourceColumn } from './source-tables.js';

export type FileFormat = 'csv' | 'sql';

const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const NEWLINE = 0x0a;
const NULL_MARKER = 0xfb;

export class RowFormat {
  readonly #columns: readonly SourceColumn[];
  readonly #csv: boolean;
  /**
   * Values of ENUM columns that were the empty text or stand for the error value: LOAD DATA warns of each
   * although nothing is lost.
   */
  emptyEnums = 0;

  constructor(columns: readonly SourceColumn[], format: FileFormat) {
    this.#columns = columns;
    this.#csv = format === 'csv';
  }

  /** Appends the row in `packet[start..end)`; for sql without the comma between tuples. */
  write(packet: Buffer, start: number, end: number, out: ByteWriter): void {
    const columns = this.#columns;
    const csv = this.#csv;
    const quote = csv ? DOUBLE_QUOTE : SINGLE_QUOTE;
    let at = start;
    if (!csv) out.byte(0x28);
    for (let i = 0; i < columns.length; i++) {
      if (i > 0) out.byte(COMMA);
      let length = packet[at++];
      if (length === NULL_MARKER) {
        out.ascii(csv ? '\\N' : 'NULL');
        continue;
      }
      if (length > NULL_MARKER) {
        const cursor = new PayloadCursor(packet, at - 1, end);
        length = cursor.lengthEncoded();
        at = cursor.at;
      }
      const stop = at + length;
      switch (columns[i].transfer) {
        case 'number':
        case 'float':
          out.bytes(packet, at, stop);
          break;
        case 'enum':
          if (length === 0 || isText(packet, at, stop, columns[i].errorText)) this.emptyEnums++;
          writeQuoted(packet, at, stop, quote, out);
          break;
        case 'text':
          writeQuoted(packet, at, stop, quote, out);
          break;
        case 'binary':
          if (csv) writeHex(packet, at, stop, out);
          else {
            out.ascii("x'");
            writeHex(packet, at, stop, out);
            out.byte(SINGLE_QUOTE);
          }
          break;
      }
      at = stop;
    }
    out.byte(csv ? NEWLINE : 0x29);
  }
}

/** Whether the bytes are this text of ASCII. */
function isText(buf: Buffer, start: number, end: number, text: string | undefined): boolean {
  return text !== undefined && end - start === text.length && buf.latin1Slice(start, end) === text;
}

/** Looked at and copied at once: a value that is longer needs no room for an escape of every byte of it. */
const PIECE = 1 << 16;
const ONES = 0x01010101;
const HIGHS = 0x80808080 | 0;
const BACKSLASHES = 0x5c5c5c5c;

/** Most bytes need no escape: four at a time, and byte by byte where a word has one that does. */
function writeQuoted(packet: Buffer, start: number, end: number, quote: number, out: ByteWriter): void {
  const quotes = quote * ONES;
  const source = out.wordsFrom(packet);
  out.byte(quote);
  for (let i = start; i < end;) {
    const stop = Math.min(end, i + PIECE);
    out.ensure(2 * (stop - i) + 1);
    const target = out.buffer;
    const words = out.words;
    let to = out.length;
    while (i < stop) {
      for (; i <= stop - 4; i += 4, to += 4) {
        const w = source.getInt32(i, true);
        const q = w ^ quotes;
        const b = w ^ BACKSLASHES;
        if (((((q - ONES) & ~q) | ((b - ONES) & ~b)) & HIGHS) !== 0) break;
        words.setInt32(to, w, true);
      }
      for (const next = Math.min(i + 4, stop); i < next; i++) {
        const byte = packet[i];
        if (byte === BACKSLASH || byte === quote) target[to++] = BACKSLASH;
        target[to++] = byte;
      }
    }
    out.length = to;
  }
  out.byte(quote);
}

const HEX = Buffer.from('0123456789abcdef', 'latin1');
const HEX_PIECE = 1 << 20;

function writeHex(packet: Buffer, start: number, end: number, out: ByteWriter): void {
  if (end - start > 64) {
    for (let at = start; at < end; at += HEX_PIECE) {
      out.ascii(packet.toString('hex', at, Math.min(end, at + HEX_PIECE)));
    }
    return;
  }
  out.ensure(2 * (end - start));
  const target = out.buffer;
  let to = out.length;
  for (let i = start; i < end; i++) {
    target[to++] = HEX[packet[i] >> 4];
    target[to++] = HEX[packet[i] & 15];
  }
  out.length = to;
}
