import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUCKETS, keys } from '../../actors/documents.js';
import { NASTY, NO_FAULTS, type Faults } from '../kernel/faults.js';
import { Kernel } from '../kernel/kernel.js';
import { SimCluster } from '../kernel/sim-cluster.js';
import { SimControlPlane, sourceYaml, taskYaml } from './sim-control-plane.js';

async function simulate(
  seed: number,
  faults: Faults,
  body: (plane: SimControlPlane) => Promise<void>,
): Promise<SimControlPlane> {
  const kernel = new Kernel({ seed, trace: process.env['SIM_TRACE'] !== undefined });
  const plane = new SimControlPlane(new SimCluster(kernel, faults));
  await kernel.run(() => body(plane));
  return plane;
}

async function startOne(plane: SimControlPlane): Promise<void> {
  const created = await plane.command('operate-source', { op: 'create', config: [sourceYaml('s')] });
  expect(created).toMatchObject({ result: true });
  await plane.until('the source has a worker', async () => (await plane.workerOf('s')) !== '');
  const started = await plane.command('start-task', { task: taskYaml('t', ['s']) });
  expect(started).toMatchObject({ result: true });
}

/** No two runs of a subtask at one time, and each under a higher epoch than the one before. */
function expectOneAtATime(plane: SimControlPlane): void {
  const bySubtask = new Map<string, typeof plane.runs>();
  for (const run of plane.runs) bySubtask.set(run.subtask, [...(bySubtask.get(run.subtask) ?? []), run]);
  for (const runs of bySubtask.values()) {
    runs.forEach((run, i) => {
      const before = runs[i - 1];
      if (!before) return;
      expect(run.epoch).toBeGreaterThan(before.epoch);
      expect(run.from).toBeGreaterThanOrEqual(before.to);
    });
  }
}

describe('control plane under simulation', () => {
  it('knows its members again after NATS has lost who they are', async () => {
    await simulate(2, NO_FAULTS, async (sim) => {
      await sim.addMaster('m1');
      await sim.until('m1 leads', () => sim.masters.get('m1')!.node.leading);
      await sim.addWorker('w1');
      await startOne(sim);
      await sim.lose(BUCKETS.members, keys.member('worker', 'w1'));
      await sim.lose(BUCKETS.members, keys.member('master', 'm1'));
      await sim.until('the source has its worker', async () => (await sim.workerOf('s')) === 'w1');
      await sim.until('the subtask runs', () => sim.running('s/t').length === 1);
      await sim.until('both are members', async () => {
        const members = JSON.stringify(await sim.command('list-member', {}));
        return (
          members.includes('"name":"w1","addr":"w1:8262","stage":"bound","source":"s"') &&
          /"name":"m1","memberID":"\d+","alive":true/.test(members)
        );
      });
    });
  });

  it('moves the source of a worker that dies, and back to work after the lead has changed', async () => {
    const plane = await simulate(1, NO_FAULTS, async (sim) => {
      await sim.addMaster('m1');
      await sim.until('m1 leads', () => sim.masters.get('m1')!.node.leading);
      await sim.addMaster('m2');
      await sim.addWorker('w1');
      await sim.addWorker('w2');
      await startOne(sim);
      const first = await sim.workerOf('s');
      const second = first === 'w1' ? 'w2' : 'w1';
      expect(sim.running('s/t')).toHaveLength(1);

      sim.kill(sim.workers.get(first)!.sim);
      await sim.until('the source has moved', async () => (await sim.workerOf('s')) === second);
      await sim.until('the subtask runs there', () => sim.running('s/t').length === 1);

      sim.kill(sim.masters.get('m1')!.sim);
      await sim.until('m2 leads', () => sim.masters.get('m2')!.node.leading);
      expect(await sim.workerOf('s')).toBe(second);
      expect(sim.running('s/t')).toHaveLength(1);

      expect(await sim.command('pause-task', { task: 't' })).toMatchObject({ result: true });
      expect(sim.running('s/t')).toEqual([]);
      sim.kill(sim.workers.get(second)!.sim);
      await sim.addWorker('w3');
      await sim.until('w3 has the source', async () => (await sim.workerOf('s')) === 'w3');
      await sim.sleep(30_000);
      expect(sim.running('s/t')).toEqual([]);
      expect(await sim.taskState('t')).toBe('Paused');
      expect(await sim.command('resume-task', { task: 't' })).toMatchObject({ result: true });
      expect(sim.running('s/t')).toHaveLength(1);
      // Its answer may have been lost: given again it is not refused for what it has done.
      const refused = await sim.command('resume-task', { task: 't' });
      expect(refused).toMatchObject({ result: false, sources: [{ result: false }] });
      expect(JSON.stringify(refused)).toContain('code=40051');
      const again = { task: 't', again: true };
      expect(await sim.command('resume-task', again)).toMatchObject({
        result: true,
        sources: [{ result: true }],
      });
      expect(sim.running('s/t')).toHaveLength(1);
      await sim.until('the task runs', async () => (await sim.taskState('t')) === 'Running');
      expect(await sim.command('stop-task', { task: 't' })).toMatchObject({ result: true });
      expect(await sim.command('operate-source', { op: 'stop', sourceID: ['s'] })).toMatchObject({
        result: true,
      });
      await sim.until('the task is gone', async () => (await sim.taskState('t')) === null);
    });
    expectOneAtATime(plane);
  });

  it('ends the work of a worker that is cut off before another one begins', async () => {
    const plane = await simulate(2, NO_FAULTS, async (sim) => {
      await sim.addMaster('m1');
      await sim.addWorker('w1');
      await startOne(sim);
      await sim.addWorker('w2');
      sim.workers.get('w1')!.sim.unlink(20_000);
      await sim.until('w2 has the source', async () => (await sim.workerOf('s')) === 'w2');
      await sim.until('it runs', () => sim.running('s/t').length === 1);
      await sim.sleep(30_000);
      expect(await sim.workerOf('s')).toBe('w2');
      expect(sim.running('s/t')).toHaveLength(1);
    });
    expectOneAtATime(plane);
  });

  it('resumes by itself after an error that can go away, and after being fenced off by a higher epoch', async () => {
    const plane = await simulate(3, NO_FAULTS, async (sim) => {
      await sim.addMaster('m1');
      await sim.addWorker('w1');
      await startOne(sim);
      const error = {
        ErrCode: 10001,
        ErrClass: 'database',
        ErrScope: 'downstream',
        ErrLevel: 'high',
        Message: 'lost',
        RawCause: '',
        Workaround: '',
      };
      sim.running('s/t')[0]!.fail({ outcome: 'failed', unit: 'Sync', errors: [error] });
      await sim.sleep(500);
      expect(sim.running('s/t')).toEqual([]);
      await sim.until('it is resumed', () => sim.running('s/t').length === 1, 5_000);
      const [run] = sim.running('s/t');
      run!.fail({ outcome: 'fenced', seenEpoch: run!.epoch * 8 });
      await sim.until('it runs under a higher epoch', () => sim.running('s/t').length === 1, 20_000);
      expect(sim.running('s/t')[0]!.epoch).toBeGreaterThan(run!.epoch * 8);
    });
    expectOneAtATime(plane);
  });

  it('never says of a subtask whose source is moving that there is none', async () => {
    await simulate(5, NO_FAULTS, async (sim) => {
      await sim.addMaster('m1');
      await sim.addWorker('w1');
      await startOne(sim);
      expect(await sim.command('pause-task', { task: 't' })).toMatchObject({ result: true });
      await sim.addWorker('w2');
      sim.kill(sim.workers.get('w1')!.sim);
      // Asked at every moment: the worker is dead, then there is none, then one that has just begun.
      const asked: Promise<Record<string, unknown>>[] = [];
      const answered = { count: 0 };
      await sim.until(
        'w2 has answered',
        () => {
          const answer = sim.command('binlog', { op: 'list', task: 't' });
          asked.push(answer.finally(() => answered.count++));
          return sim.workers.get('w2')!.node.source === 's' && answered.count > asked.length - 100;
        },
        60_000,
        2,
      );
      const texts = (await Promise.all(asked)).map((answer) => JSON.stringify(answer));
      expect(texts.filter((text) => text.includes('not running')).length).toBeGreaterThan(10);
      expect(
        texts.filter((text) => !text.includes('not running') && !text.includes('does not answer')),
      ).toEqual([]);
    });
  });

  it('hands over when a worker leaves in order, at once', async () => {
    const plane = await simulate(4, NO_FAULTS, async (sim) => {
      await sim.addMaster('m1');
      await sim.addWorker('w1');
      await startOne(sim);
      await sim.addWorker('w2');
      const began = sim.cluster.kernel.now;
      await sim.workers.get('w1')!.node.drain();
      await sim.until('w2 runs it', () => sim.running('s/t').length === 1, 1_500);
      expect(sim.cluster.kernel.now - began).toBeLessThan(1_500);
      expect(await sim.workerOf('s')).toBe('w2');
    });
    expectOneAtATime(plane);
  });

  it('places three sources and keeps each running once on bad days', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1_000_000 }), async (seed) => {
        const plane = await simulate(seed, NASTY, async (sim) => {
          const { kernel, kvServer, random } = sim.cluster;
          await sim.addMaster('m1');
          await sim.addMaster('m2');
          for (const name of ['w1', 'w2', 'w3', 'w4']) await sim.addWorker(name);
          const ids = ['a', 'b', 'c'];
          for (const id of ids) {
            await sim.until(`source ${id} is there`, async () => {
              await sim.command('operate-source', { op: 'create', config: [sourceYaml(id)] });
              const { sources } = await sim.command('operate-source', { op: 'show' });
              return (sources as { source: string }[]).some((one) => one.source === id);
            });
          }
          await sim.until('the task is there', async () => {
            await sim.command('start-task', { task: taskYaml('t', ids) });
            const { tasks } = await sim.command('query-status', {});
            return (tasks as unknown[]).length === 1;
          });
          kernel.schedule(random.between(0, 10_000), () => kvServer.loseLeader(random.between(1_000, 8_000)));
          kernel.schedule(random.between(0, 20_000), () => sim.workers.get('w1')!.sim.unlink(6_000));
          kernel.schedule(random.between(0, 20_000), () => sim.workers.get('w2')!.sim.pause(5_000));
          kernel.schedule(random.between(0, 30_000), () => sim.kill(sim.masters.get('m1')!.sim));
          kernel.schedule(random.between(0, 30_000), () => sim.kill(sim.workers.get('w3')!.sim));
          await sim.sleep(60_000);
          sim.cluster.faults = NO_FAULTS;
          await sim.until('every subtask runs once', () =>
            ids.every((id) => sim.running(`${id}/t`).length === 1),
          );
          await sim.sleep(20_000);
          for (const id of ids) expect(sim.running(`${id}/t`)).toHaveLength(1);
        });
        for (const run of plane.runs) {
          const later = plane.runs.filter((one) => one.subtask === run.subtask && one.from > run.from);
          for (const one of later) expect(one.epoch).toBeGreaterThan(run.epoch);
        }
      }),
      {
        numRuns: 15,
        ...(process.env['SIM_SEED']
          ? { examples: [[Number(process.env['SIM_SEED'])]] as [number][], numRuns: 1 }
          : {}),
      },
    );
  }, 60_000);
});
