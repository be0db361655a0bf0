import { assign, setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import { DmError } from '../../errors/dm-error.js';
import { NO_FAULTS } from '../../../simulations/kernel/faults.js';
import { Kernel } from '../../../simulations/kernel/kernel.js';
import { SimCluster, type SimNode } from '../../../simulations/kernel/sim-cluster.js';
import { HostedActor, type Transition } from './actor.js';
import { SupersededError } from './durable-slot.js';

/** A lamp that goes out by itself, and counts. */
const lamp = setup({
  types: {} as {
    context: { lit: number };
    events: { type: 'ON' } | { type: 'OFF' } | { type: 'NOISE' } | { type: 'BROKEN' };
  },
  actions: {
    shine: () => undefined,
    setDeadline: (_, _p: { name: string; ms: number; event: { type: 'OFF' } }) => undefined,
    clearDeadline: (_, _p: { name: string }) => undefined,
  },
}).createMachine({
  id: 'lamp',
  initial: 'off',
  context: { lit: 0 },
  on: { NOISE: {} },
  states: {
    off: { on: { ON: 'on', BROKEN: 'broken' } },
    on: {
      entry: [
        assign(({ context }) => ({ lit: context.lit + 1 })),
        'shine',
        { type: 'setDeadline', params: { name: 'out', ms: 60_000, event: { type: 'OFF' } } },
      ],
      exit: { type: 'clearDeadline', params: { name: 'out' } },
      on: { OFF: 'off', BROKEN: 'broken' },
    },
    broken: {},
  },
});

interface Hosted {
  readonly actor: HostedActor<typeof lamp>;
  readonly shone: string[];
  readonly transitions: Transition[];
  superseded: boolean;
}

async function host(node: SimNode, epoch: number, owner: string, fails = false): Promise<Hosted> {
  const shone: string[] = [];
  const transitions: Transition[] = [];
  const hosted: Hosted = {
    shone,
    transitions,
    superseded: false,
    actor: new HostedActor(
      {
        kind: 'lamp',
        key: 'l',
        machine: lamp,
        input: undefined as never,
        epoch,
        owner,
        effects: {
          shine: () => {
            shone.push(owner);
            if (fails) throw new Error('no bulb');
          },
        },
        onEffectError: () => ({ type: 'BROKEN' }),
        onSuperseded: () => (hosted.superseded = true),
      },
      {
        kv: await node.store.bucket('actors'),
        clock: node.clock,
        ids: node.ids,
        random: node.random,
        log: node.log,
        inspect: (transition) => transitions.push(transition),
      },
    ),
  };
  await hosted.actor.open();
  return hosted;
}

function simulate(body: (cluster: SimCluster) => Promise<void>, faults = NO_FAULTS): Promise<void> {
  const kernel = new Kernel({ seed: 5, trace: false });
  return kernel.run(() => body(new SimCluster(kernel, faults)));
}

describe('HostedActor', () => {
  it('stores a state before its effects start, and tells every transition', () =>
    simulate(async (cluster) => {
      const { actor, shone, transitions } = await host(cluster.node('a'), 1, 'a');
      await actor.send({ type: 'ON' });
      expect(shone).toEqual(['a']);
      expect(transitions).toMatchObject([{ kind: 'lamp', event: 'ON', from: 'off', to: 'on', epoch: 1 }]);
      await actor.close();
      const again = await host(cluster.node('b'), 2, 'b');
      expect(again.actor.snapshot.value).toBe('on');
      expect(again.actor.snapshot.context).toEqual({ lit: 1 });
      expect(again.shone).toEqual([]);
    }));

  it('refuses what the state does not take, ignores what it knowingly ignores', () =>
    simulate(async (cluster) => {
      const { actor, transitions } = await host(cluster.node('a'), 1, 'a');
      await expect(actor.send({ type: 'OFF' })).rejects.toThrow(DmError);
      await expect(actor.send({ type: 'OFF' })).rejects.toThrow('lamp in state off does not take OFF');
      expect(actor.can({ type: 'OFF' })).toBe(false);
      await actor.send({ type: 'NOISE' });
      expect(transitions).toEqual([]);
    }));

  it('keeps its deadlines over a restart', () =>
    simulate(async (cluster) => {
      const first = await host(cluster.node('a'), 1, 'a');
      await first.actor.send({ type: 'ON' });
      const node = cluster.node('b');
      await node.clock.sleep(20_000);
      await first.actor.close();
      const second = await host(node, 2, 'b');
      await node.clock.sleep(39_000);
      expect(second.actor.snapshot.value).toBe('on');
      await node.clock.sleep(2_000);
      expect(second.actor.snapshot.value).toBe('off');
    }));

  it('makes an event of an effect that fails', () =>
    simulate(async (cluster) => {
      const node = cluster.node('a');
      const { actor } = await host(node, 1, 'a', true);
      await actor.send({ type: 'ON' });
      await node.clock.sleep(100);
      expect(actor.snapshot.value).toBe('broken');
    }));

  it('has no effect any more once another process hosts it under a higher epoch', () =>
    simulate(async (cluster) => {
      const old = await host(cluster.node('a'), 1, 'a');
      const now = await host(cluster.node('b'), 2, 'b');
      await now.actor.send({ type: 'ON' });
      await expect(old.actor.send({ type: 'ON' })).rejects.toThrow(SupersededError);
      expect(old.superseded).toBe(true);
      expect(old.shone).toEqual([]);
      await expect(host(cluster.node('c'), 1, 'c')).rejects.toThrow(SupersededError);
    }));

  it('counts once where writes time out with unknown outcome, and waits where there is no leader', () =>
    simulate(
      async (cluster) => {
        const { actor } = await host(cluster.node('a'), 1, 'a');
        for (let i = 0; i < 40; i++) {
          if (i === 20) cluster.kvServer.loseLeader(30_000);
          await actor.send({ type: 'ON' });
          await actor.send({ type: 'OFF' });
        }
        expect(actor.snapshot.context.lit).toBe(40);
        await actor.close();
        const again = await host(cluster.node('b'), 2, 'b');
        expect(again.actor.snapshot.context.lit).toBe(40);
      },
      { ...NO_FAULTS, timeoutAfterCommit: 0.1, timeoutBeforeCommit: 0.1 },
    ));
});
