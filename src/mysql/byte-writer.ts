/** A source larger than this is let go on reset, so that idle writers do not hold the memory of big events. */
const KEPT_SOURCE = 2 * 1024 * 1024;

const wordsOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * A growing byte buffer for building SQL text and file rows without strings in between.
 * The hot path of sync, dump and load writes into one of these and reuses it by `reset()`.
 */
export class ByteWriter {
  buffer: Buffer;
  /** The same bytes as `buffer`, for words at any place. */
  words: DataView;
  length = 0;
  #source: Uint8Array;
  #sourceWords: DataView;

  constructor(initialSize = 64 * 1024) {
    this.buffer = Buffer.allocUnsafeSlow(initialSize);
    this.words = wordsOf(this.buffer);
    this.#source = this.buffer;
    this.#sourceWords = this.words;
  }

  /**
   * The words of a buffer that bytes are copied from. The last one is kept: many values come from one
   * event, and a view costs more than a short value.
   */
  wordsFrom(source: Uint8Array): DataView {
    if (source !== this.#source) {
      this.#source = source;
      this.#sourceWords = wordsOf(source);
    }
    return this.#sourceWords;
  }

  reset(): void {
    this.length = 0;
    if (this.#source.length <= KEPT_SOURCE) return;
    this.#source = this.buffer;
    this.#sourceWords = this.words;
  }

  /** Makes room for `more` bytes beyond `length`. */
  ensure(more: number): void {
    const need = this.length + more;
    if (need <= this.buffer.length) return;
    let size = this.buffer.length * 2;
    while (size < need) size *= 2;
    const grown = Buffer.allocUnsafeSlow(size);
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
    this.words = wordsOf(grown);
  }

  byte(value: number): void {
    this.ensure(1);
    this.buffer[this.length++] = value;
  }

  /** ASCII only; one byte per character. */
  ascii(text: string): void {
    this.ensure(text.length);
    this.buffer.latin1Write(text, this.length, text.length);
    this.length += text.length;
  }

  utf8(text: string): void {
    this.ensure(text.length * 3);
    this.length += this.buffer.utf8Write(text, this.length, text.length * 3);
  }

  bytes(source: Uint8Array, start = 0, end = source.length): void {
    const count = end - start;
    this.ensure(count);
    if (count < 24) {
      const target = this.buffer;
      let at = this.length;
      for (let i = start; i < end; i++) target[at++] = source[i];
    } else {
      this.buffer.set(source.subarray(start, end), this.length);
    }
    this.length += count;
  }

  /** A copy of what was written, safe to keep. */
  copy(): Buffer {
    return Buffer.from(this.buffer.subarray(0, this.length));
  }

  /** A view of what was written, valid until the next write or reset. */
  view(): Buffer {
    return this.buffer.subarray(0, this.length);
  }
}
