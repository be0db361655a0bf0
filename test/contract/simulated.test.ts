import { Kernel } from '../../simulations/kernel/kernel.js';
import { SimCluster } from '../../simulations/kernel/sim-cluster.js';
import { SimIds } from '../../simulations/kernel/sim-random.js';
import { busContract } from './bus-contract.js';
import type { Harness } from './harness.js';
import { kvContract } from './kv-contract.js';
import { leaseContract } from './lease-contract.js';

function harness(): Promise<Harness> {
  const cluster = new SimCluster(new Kernel({ seed: 1 }));
  const observer = cluster.node('observer');
  return Promise.resolve({
    clock: observer.clock,
    ids: new SimIds('test'),
    connect: (name) => {
      const { bus, store } = cluster.node(name);
      return Promise.resolve({ bus, store });
    },
    run: (body) => cluster.kernel.run(body),
    close: () => Promise.resolve(),
  });
}

kvContract('simulated', harness);
busContract('simulated', harness);
leaseContract('simulated', harness);
