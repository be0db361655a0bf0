import { expect, test } from 'vitest';
import { KvError } from '../../src/runtime/ports.js';
import { NASTY } from './faults.js';
import { Kernel } from './kernel.js';
import { SimCluster } from './sim-cluster.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Three nodes that count up one document and gossip about it on a bad day. */
async function busyRun(seed: number): Promise<{ trace: string[]; final: number; heard: number }> {
  const kernel = new Kernel({ seed });
  const cluster = new SimCluster(kernel, NASTY);
  const nodes = ['a', 'b', 'c'].map((name) => cluster.node(name));
  let heard = 0;
  const final = await kernel.run(async () => {
    kernel.schedule(2_000, () => cluster.kvServer.loseLeader(5_000));
    kernel.schedule(9_000, () => nodes[1]!.unlink(3_000));
    kernel.schedule(14_000, () => nodes[2]!.kill());
    for (const node of nodes) {
      await node.bus.subscribe('gossip.*', () => heard++);
      const kv = await node.store.bucket('b');
      const work = async (): Promise<void> => {
        for (let i = 0; i < 200; i++) {
          await node.clock.sleep(100 * node.random.next());
          try {
            const entry = await kv.get('count');
            const next = bytes(String(Number(new TextDecoder().decode(entry?.value)) + 1));
            if (entry) await kv.update('count', next, entry.revision);
            else await kv.create('count', bytes('1'));
            node.bus.publish(`gossip.${node.name}`, next);
          } catch (error) {
            if (!(error instanceof KvError)) throw error;
          }
        }
      };
      void work();
    }
    await kernelSleep(kernel, 60_000);
    const kv = await nodes[0]!.store.bucket('b');
    return Number(new TextDecoder().decode((await kv.get('count'))!.value));
  });
  return { trace: kernel.trace, final, heard };
}

function kernelSleep(kernel: Kernel, ms: number): Promise<void> {
  return new Promise((resolve) => void kernel.schedule(ms, resolve));
}

test('the same seed gives the same trace, another seed another', async () => {
  const first = await busyRun(7);
  const again = await busyRun(7);
  const other = await busyRun(8);
  expect(again).toEqual(first);
  expect(first.trace.length).toBeGreaterThan(200);
  expect(other.trace).not.toEqual(first.trace);
  expect(first.trace.join('\n')).toMatch(/unknown outcome \(done\)/);
});

test('a body that waits for nothing that can happen is reported, not waited for', async () => {
  const kernel = new Kernel({ seed: 1 });
  await expect(kernel.run(() => new Promise(() => undefined))).rejects.toThrow('seed 1: stuck');
});

test('clocks run at their own rates; a paused node acts late, a dead one never', async () => {
  const kernel = new Kernel({ seed: 1 });
  const cluster = new SimCluster(kernel);
  const [slow, paused, dead] = [cluster.node('s', { rate: 0.5 }), cluster.node('p'), cluster.node('d')];
  const fired: string[] = [];
  slow!.clock.after(100, () => fired.push(`slow ${kernel.now}`));
  paused!.clock.after(100, () => fired.push(`paused ${kernel.now}`));
  dead!.clock.after(100, () => fired.push('dead'));
  paused!.pause(500);
  dead!.kill();
  await kernel.run(() => kernelSleep(kernel, 1_000));
  expect(fired).toEqual(['slow 200', 'paused 500']);
});

test('a crash can lose acknowledged writes, and watches heal', async () => {
  const kernel = new Kernel({ seed: 3 });
  const cluster = new SimCluster(kernel);
  const node = cluster.node('a');
  await kernel.run(async () => {
    const kv = await node.store.bucket('b');
    const seen = new Map<string, number>();
    await kv.watch((change) => {
      if (change.type === 'put') seen.set(change.entry.key, change.entry.revision);
      else if (change.type === 'delete') seen.delete(change.key);
    });
    await kv.create('kept', bytes('1'));
    await kv.create('lost', bytes('2'));
    await node.clock.sleep(100);
    expect([...seen.keys()]).toEqual(['kept', 'lost']);
    cluster.kvServer.crash(1_000, 1);
    await node.clock.sleep(3_000);
    expect(await kv.get('lost')).toBeNull();
    expect([...seen.keys()]).toEqual(['kept']);
    expect(await kv.create('new', bytes('3'))).toBe(2);
  });
});
