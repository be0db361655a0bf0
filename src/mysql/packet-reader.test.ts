import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketReader } from './packet-reader.js';

function packet(payload: Buffer, sequence = 0): Buffer {
  const { length } = payload;
  return Buffer.concat([Buffer.from([length & 0xff, (length >> 8) & 0xff, length >> 16, sequence]), payload]);
}

describe('PacketReader', () => {
  it('hands over the same packets however the stream is cut, with and without pauses', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 20 });
    fc.assert(
      fc.property(
        sizes,
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        fc.boolean(),
        (lengths, cuts, pause) => {
          const payloads = lengths.map((length, i) => Buffer.alloc(length, i + 1));
          const bytes = Buffer.concat(payloads.map((payload, i) => packet(payload, i & 0xff)));
          const seen: string[] = [];
          const reader = new PacketReader((buf, start, end) => {
            seen.push(buf.toString('hex', start, end));
            return !(pause && seen.length % 3 === 0);
          });
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = cuts[i % cuts.length];
            reader.feed(Buffer.from(bytes.subarray(at, at + size)));
            at += size;
            if (i % 2 === 1) reader.resume();
          }
          while (reader.paused) reader.resume();
          expect(seen).toEqual(payloads.map((payload) => payload.toString('hex')));
        },
      ),
    );
  });

  it('joins the parts of a payload of 16 MB', () => {
    const seen: number[] = [];
    const reader = new PacketReader((_buf, start, end) => {
      seen.push(end - start);
      return true;
    });
    reader.feed(packet(Buffer.alloc(0xffffff)));
    reader.feed(packet(Buffer.alloc(0), 1));
    reader.feed(packet(Buffer.alloc(0xffffff)));
    reader.feed(packet(Buffer.alloc(5), 1));
    reader.feed(packet(Buffer.alloc(3)));
    expect(seen).toEqual([0xffffff, 0xffffff + 5, 3]);
  });
});
