import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Session } from '../mysql/session.js';
import { RealClock } from '../runtime/real/clock.js';
import { dumpChunk } from './chunk-dumper.js';
import { PartMemory } from './part-memory.js';
import { PartQueue, type Part } from './part-queue.js';
import type { FileFormat } from './row-format.js';
import type { SourceTable } from './source-tables.js';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'sluice-parts-'))));
afterEach(() => rm(folder, { recursive: true }));

const table: SourceTable = {
  source: { schema: 'b', table: 't' },
  target: { schema: 'b', table: 't' },
  transactional: true,
  createSql: '',
  columns: [
    { name: 'id', type: 'int', transfer: 'number' },
    { name: 'v', type: 'text', transfer: 'text' },
  ],
  generated: [],
  splitColumn: 'id',
  rows: 0,
  bytes: 0,
};

/** Hands over so many rows of 100,000 bytes. */
function sourceOf(rows: number): Session {
  const stream: Session['stream'] = async (_sql, onRow) => {
    for (let i = 1; i <= rows; i++) {
      const id = Buffer.from(String(i));
      const packet = Buffer.concat([
        Buffer.from([id.length]),
        id,
        Buffer.from([0xfd, 0xa0, 0x86, 0x01]),
        Buffer.alloc(100_000, 'x'),
      ]);
      await onRow(packet, 0, packet.length);
    }
    return rows;
  };
  return { stream } as Partial<Session> as Session;
}

interface Run {
  readonly rows: number;
  readonly format: FileFormat;
  readonly memory: PartMemory | null;
  readonly fileSize?: number;
  /** What becomes of each part. */
  readonly take: (part: Part) => Promise<void> | void;
}

async function dump({ rows, format, memory, fileSize = 64 * 1024 * 1024, take }: Run): Promise<Part[]> {
  const parts = new PartQueue(1024 * 1024 * 1024);
  const taken: Part[] = [];
  const taking = (async () => {
    for (let part = await parts.next(); part !== null; part = await parts.next()) {
      taken.push(part);
      await take(part);
    }
  })();
  await dumpChunk({
    session: sourceOf(rows),
    table,
    chunk: 0,
    range: { low: null, high: null },
    where: undefined,
    folder,
    format,
    fileSize,
    statementSize: 1_000_000,
    parts,
    memory,
    onBytes: () => undefined,
    pace: async () => undefined,
  });
  parts.end();
  await taking;
  return taken;
}

async function textOf({ content }: Part): Promise<string> {
  return typeof content === 'string' ? await readFile(content, 'latin1') : content.toString('latin1');
}

/** The keys of all rows of the parts, in order. */
function keysOf(texts: readonly string[], pattern: RegExp): number[] {
  const keys = texts.flatMap((text) => [...text.matchAll(pattern)].map(([, key]) => Number(key)));
  return keys.sort((a, b) => a - b);
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
const isFile = ({ content }: Part): boolean => typeof content === 'string';

describe('dumpChunk', () => {
  it('keeps parts in memory that is used again and again', async () => {
    const memory = new PartMemory(new RealClock(), 1);
    const texts: string[] = [];
    const buffers = new Set<ArrayBufferLike>();
    const taken = await dump({
      rows: 1000,
      format: 'csv',
      memory,
      take: async (part) => {
        texts.push(await textOf(part));
        if (typeof part.content !== 'string') buffers.add(part.content.buffer);
        await part.drop('loaded');
      },
    });
    expect(taken.some(isFile)).toBe(false);
    expect(taken.length).toBeGreaterThan(40);
    expect(buffers.size).toBeLessThan(10);
    expect(keysOf(texts, /^(\d+),"x+"$/gm)).toEqual(upTo(1000));
    expect(taken.map((part) => part.bytes)).toEqual(texts.map((text) => text.length));
    expect(await readdir(folder)).toEqual([]);
  });

  it.each(['csv', 'sql'] as const)(
    'goes by way of files while nobody makes room, which vanish when they are loaded: %s',
    async (format) => {
      const memory = new PartMemory(new RealClock(), 1);
      const taken = await dump({ rows: 1000, format, memory, take: () => undefined });
      const held = taken.filter((part) => !isFile(part));
      expect(held.reduce((sum, part) => sum + part.bytes, 0)).toBeLessThanOrEqual(32 * 1024 * 1024);
      expect(taken.length).toBeGreaterThan(held.length);
      const texts = await Promise.all(taken.map(textOf));
      expect(keysOf(texts, format === 'csv' ? /^(\d+),"x+"$/gm : /^\((\d+),'x+'\)[,;]$/gm)).toEqual(
        upTo(1000),
      );
      expect(taken.reduce((sum, { rows }) => sum + rows, 0)).toBe(1000);
      if (format === 'sql') {
        for (const [i, { statements, headBytes, bytes }] of taken.entries()) {
          expect(texts[i]).toHaveLength(bytes);
          for (const start of statements) {
            expect(texts[i]!.slice(start, start + headBytes)).toBe('INSERT INTO `t` (`id`,`v`) VALUES\n');
          }
        }
      }
      await Promise.all(taken.map((part) => part.drop('loaded')));
      expect(await readdir(folder)).toEqual([]);
      // There is room again.
      const after = await dump({ rows: 100, format, memory, take: (part) => part.drop('loaded') });
      expect(after.some(isFile)).toBe(false);
    },
  );

  it('keeps what it wrote where files are wanted', async () => {
    const take = (part: Part) => part.drop('loaded');
    const taken = await dump({ rows: 100, format: 'csv', memory: null, fileSize: 4_000_000, take });
    expect(await readdir(folder)).toHaveLength(3);
    expect(keysOf(await Promise.all(taken.map(textOf)), /^(\d+),"x+"$/gm)).toEqual(upTo(100));
  });
});
