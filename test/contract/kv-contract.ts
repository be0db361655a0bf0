import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KvError, type Kv, type KvChange } from '../../src/runtime/ports.js';
import { bytes, text, until, type Harness, type HarnessFactory } from './harness.js';

/** What every Kv must do, whichever server is behind it. */
export function kvContract(name: string, factory: HarnessFactory): void {
  describe(`Kv: ${name}`, () => {
    let harness: Harness;
    let count = 0;

    beforeAll(async () => {
      harness = await factory();
    });
    afterAll(async () => {
      await harness.close();
    });

    /** Two processes with the same fresh bucket. */
    function kvTest(title: string, body: (kv: Kv, other: Kv) => Promise<void>): void {
      test(title, async () => {
        const bucket = `bucket${count++}`;
        await harness.run(async () => {
          const a = await harness.connect('a');
          const b = await harness.connect('b');
          await body(await a.store.bucket(bucket), await b.store.bucket(bucket));
          await a.bus.close();
          await b.bus.close();
        });
      });
    }

    test('processes that make a bucket at the same moment all get it', async () => {
      const buckets = Array.from({ length: 20 }, () => `bucket${count++}`);
      await harness.run(async () => {
        const peers = await Promise.all(['a', 'b', 'c', 'd'].map((one) => harness.connect(one)));
        for (const bucket of buckets) {
          const opened = await Promise.all(peers.map(({ store }) => store.bucket(bucket)));
          await opened[0]!.create('k', bytes('1'));
          for (const kv of opened) expect(text((await kv.get('k'))!.value)).toBe('1');
        }
        await Promise.all(peers.map(({ bus }) => bus.close()));
      });
    });

    kvTest('get of nothing is null, of something what was written', async (kv, other) => {
      expect(await kv.get('a.b')).toBeNull();
      const revision = await kv.create('a.b', bytes('one'));
      const entry = await other.get('a.b');
      expect(entry).toMatchObject({ key: 'a.b', revision });
      expect(text(entry!.value)).toBe('one');
    });

    kvTest('create refuses what exists, and takes what was deleted', async (kv, other) => {
      const first = await kv.create('k', bytes('1'));
      await expect(other.create('k', bytes('2'))).rejects.toMatchObject({
        name: 'KvError',
        kind: 'conflict',
      });
      await kv.delete('k');
      expect(await other.get('k')).toBeNull();
      const second = await other.create('k', bytes('3'));
      expect(second).toBeGreaterThan(first);
      expect(text((await kv.get('k'))!.value)).toBe('3');
    });

    kvTest('update is compare-and-set', async (kv, other) => {
      const r1 = await kv.create('k', bytes('1'));
      const r2 = await other.update('k', bytes('2'), r1);
      expect(r2).toBeGreaterThan(r1);
      await expect(kv.update('k', bytes('x'), r1)).rejects.toMatchObject({ kind: 'conflict' });
      await expect(kv.update('missing', bytes('x'), r1)).rejects.toMatchObject({ kind: 'conflict' });
      expect(text((await kv.get('k'))!.value)).toBe('2');
    });

    kvTest('of many who write on one revision, one wins', async (kv, other) => {
      const revision = await kv.create('k', bytes('0'));
      const tries = Array.from({ length: 10 }, (_, i) =>
        (i % 2 ? kv : other).update('k', bytes(String(i)), revision).then(
          () => 'won',
          (error: unknown) => (error instanceof KvError ? error.kind : String(error)),
        ),
      );
      const results = await Promise.all(tries);
      expect(results.filter((result) => result === 'won')).toHaveLength(1);
      expect(results.filter((result) => result === 'conflict')).toHaveLength(9);
    });

    kvTest('delete with and without a revision', async (kv) => {
      await kv.delete('nothing');
      const r1 = await kv.create('k', bytes('1'));
      const r2 = await kv.update('k', bytes('2'), r1);
      await expect(kv.delete('k', r1)).rejects.toMatchObject({ kind: 'conflict' });
      await kv.delete('k', r2);
      expect(await kv.get('k')).toBeNull();
      await kv.delete('k');
      await expect(kv.update('k', bytes('3'), r2)).rejects.toMatchObject({ kind: 'conflict' });
    });

    kvTest('list: live entries by prefix, in key order, never stale', async (kv, other) => {
      expect(await kv.list()).toEqual([]);
      for (const key of ['task.b', 'task.a', 'source.x', 'task.c']) await kv.create(key, bytes(key));
      await kv.delete('task.c');
      expect((await other.list('task.')).map((entry) => entry.key)).toEqual(['task.a', 'task.b']);
      expect((await other.list()).map((entry) => entry.key)).toEqual(['source.x', 'task.a', 'task.b']);
      for (let i = 0; i < 20; i++) {
        const key = `n${String(i).padStart(2, '0')}`;
        await kv.create(key, bytes('v'));
        expect((await other.list('n')).map((entry) => entry.key).at(-1)).toBe(key);
      }
    });

    kvTest('watch of an empty bucket says synced, then tells changes', async (kv, other) => {
      const seen: string[] = [];
      const stop = await kv.watch((change) => seen.push(show(change)));
      await until(harness.clock, 'synced', () => seen.includes('synced'));
      const r1 = await other.create('k', bytes('1'));
      await other.update('k', bytes('2'), r1);
      await until(harness.clock, 'both puts', () => seen.includes('put k=2'));
      await other.delete('k');
      await until(harness.clock, 'the deletion', () => seen.includes('delete k'));
      expect(seen.indexOf('synced')).toBe(0);
      await stop();
    });

    kvTest('watch tells what is there first, to late listeners too, by prefix', async (kv, other) => {
      await other.create('task.a', bytes('1'));
      await other.create('source.a', bytes('1'));
      const first: string[] = [];
      const late: string[] = [];
      await kv.watch((change) => first.push(show(change)), { prefix: 'task.' });
      await until(harness.clock, 'first synced', () => first.includes('synced'));
      expect(first).toEqual(['put task.a=1', 'synced']);
      await kv.watch((change) => late.push(show(change)));
      await until(harness.clock, 'late synced', () => late.includes('synced'));
      expect(late.slice(0, 2).sort()).toEqual(['put source.a=1', 'put task.a=1']);
      await other.create('task.b', bytes('2'));
      await until(harness.clock, 'both told', () => [first, late].every((s) => s.includes('put task.b=2')));
    });

    kvTest('a stopped listener hears nothing more', async (kv, other) => {
      const seen: string[] = [];
      const still: string[] = [];
      const stop = await kv.watch((change) => seen.push(show(change)));
      await kv.watch((change) => still.push(show(change)));
      await until(harness.clock, 'synced', () => seen.includes('synced') && still.includes('synced'));
      await stop();
      await other.create('k', bytes('1'));
      await until(harness.clock, 'the other listener', () => still.includes('put k=1'));
      expect(seen).not.toContain('put k=1');
    });
  });
}

function show(change: KvChange): string {
  switch (change.type) {
    case 'put':
      return `put ${change.entry.key}=${text(change.entry.value)}`;
    case 'delete':
      return `delete ${change.key}`;
    case 'synced':
      return 'synced';
  }
}
