import { describe, expect, it } from 'vitest';
import { NO_FAULTS } from '../simulations/kernel/faults.js';
import { Kernel } from '../simulations/kernel/kernel.js';
import { SimCluster } from '../simulations/kernel/sim-cluster.js';
import { KvView } from './kv-view.js';

function withView(body: (view: KvView<number>) => Promise<void>): Promise<void> {
  const kernel = new Kernel({ seed: 1, trace: false });
  return kernel.run(async () => {
    const node = new SimCluster(kernel, NO_FAULTS).node('a');
    const view = new KvView<number>(await node.store.bucket('b'));
    await view.open();
    await body(view);
    await view.close();
  });
}

describe('KvView', () => {
  it('lists a folder, whatever else there is, and forgets what is deleted', () =>
    withView(async (view) => {
      await view.create('subtask.a.t1', 1);
      await view.create('subtask.a.t2', 2);
      await view.create('subtask.ab.t1', 3);
      await view.create('source.a', 4);
      expect([...view.values('subtask.a.')]).toEqual([1, 2]);
      expect([...view.values('subtask.')]).toEqual([1, 2, 3]);
      expect([...view.values()]).toEqual([1, 2, 3, 4]);
      await view.delete('subtask.a.t1');
      await view.replace('subtask.a.t2', 5);
      expect([...view.values('subtask.a.')]).toEqual([5]);
      expect([...view.values('nothing.')]).toEqual([]);
    }));

  it('tells a listener only of its key or folder', () =>
    withView(async (view) => {
      const heard: string[] = [];
      const stops = ['', 'subtask.', 'subtask.a.', 'subtask.a.t1'].map((within) =>
        view.onChange((key, now, before) => heard.push(`${within}: ${key} ${before}>${now}`), within),
      );
      await view.create('subtask.a.t1', 1);
      expect(heard.splice(0)).toEqual([
        ': subtask.a.t1 null>1',
        'subtask.: subtask.a.t1 null>1',
        'subtask.a.: subtask.a.t1 null>1',
        'subtask.a.t1: subtask.a.t1 null>1',
      ]);
      await view.create('subtask.ab.t1', 2);
      expect(heard.splice(0)).toEqual([': subtask.ab.t1 null>2', 'subtask.: subtask.ab.t1 null>2']);
      for (const stop of stops) stop();
      await view.replace('subtask.a.t1', 3);
      expect(heard).toEqual([]);
    }));
});
