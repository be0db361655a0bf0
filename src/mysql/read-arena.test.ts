import { describe, expect, it } from 'vitest';
import { PacketReader } from './packet-reader.js';
import { ReadArena } from './read-arena.js';

describe('ReadArena', () => {
  it('keeps what was read, and packets stand in one piece within its memory', () => {
    const arena = new ReadArena();
    const payloads = Array.from({ length: 600 }, (_, i) => Buffer.alloc((i * 37) % 3000, i));
    const bytes = Buffer.concat(
      payloads.map((payload, i) =>
        Buffer.concat([Buffer.from([payload.length & 0xff, payload.length >> 8, 0, i & 0xff]), payload]),
      ),
    );
    const seen: Buffer[] = [];
    const memories = new Set<ArrayBufferLike>();
    const reader = new PacketReader((buf, start, end) => {
      seen.push(buf.subarray(start, end));
      memories.add(buf.buffer);
      return true;
    });
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const room = arena.room();
      expect(room.length).toBeGreaterThan(0);
      const count = Math.min(bytes.copy(room, 0, at, at + 1 + ((i * 131) % 5000)), room.length);
      reader.feed(arena.filled(count));
      at += count;
    }
    expect(Buffer.concat(seen)).toEqual(Buffer.concat(payloads));
    // Its own, and a copy of the one packet at each border between two of them: not one for each read.
    expect(memories.size).toBeLessThan(20);
  });
});
