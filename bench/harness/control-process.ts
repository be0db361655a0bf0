/**
 * A process of the control benchmark: `master URL`, or `node URL NAME COUNT KEEPALIVE_MS` for COUNT workers that share
 * one connection. All of it is the product's but the data plane, which only says that it runs.
 */
import { openClusterStore } from '../../actors/cluster-store.js';
import { createMaster, inspector } from '../../actors/run-processes.js';
import type { RunningUnit, UnitListener, UnitRunner } from '../../actors/unit-runner.js';
import { WorkerNode } from '../../actors/worker-node.js';
import { createSecrets } from '../../src/config/secret.js';
import { createLog } from '../../src/log/create-log.js';
import type { OperationAnswer } from '../../src/model/operation.js';
import { connectBus } from '../../src/nats/connect.js';
import type { Clock, Ports } from '../../src/runtime/ports.js';
import { KvLeases } from '../../src/runtime/leases.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { RealIds } from '../../src/runtime/real/ids.js';
import { RealRandom } from '../../src/runtime/real/random.js';
import type { SubtaskEnd, SubtaskStart, UnitStatus } from '../../src/subtask/protocol.js';

const LEADER_LEASE_MS = 3_000;
const RPC_TIMEOUT_MS = 600_000;

/** A data plane that moves nothing. */
class IdleRunner implements UnitRunner {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(_: SubtaskStart, listener: UnitListener): RunningUnit {
    let over = false;
    const finish = (end: SubtaskEnd): void => {
      if (over) return;
      over = true;
      listener.ended(end);
    };
    this.#clock.after(1, () => listener.unit('Sync'));
    return {
      end: () => finish({ outcome: 'ended' }),
      kill: async () => finish({ outcome: 'ended' }),
      status: async (): Promise<UnitStatus> => ({ unit: 'Sync' }),
      operate: async (): Promise<OperationAnswer> => ({ result: true, msg: '' }),
    };
  }

  async operate(): Promise<OperationAnswer> {
    return { result: true, msg: '' };
  }
}

const clock = new RealClock();
const log = createLog({ level: 'warn', file: '', format: 'text', clock });
const ports: Ports = { clock, log, ids: new RealIds(), random: new RealRandom() };
// In order, so that what a profiler has seen is written.
process.once('SIGTERM', () => process.exit());
const [role, url, name = '', count = '0', keepaliveMs = '10000'] = process.argv.slice(2);
if (url === undefined) throw new Error('usage: control-process master|node URL [NAME COUNT KEEPALIVE_MS]');
const bus = await connectBus({ servers: [url], name: `${role} ${name}`, ...ports });

if (role === 'master') {
  const { node } = await createMaster(
    { ports, bus, kvStore: bus.kvStore() },
    {
      name: 'master1',
      addr: '127.0.0.1:8261',
      peerUrls: [],
      config: '',
      rpcTimeoutMs: RPC_TIMEOUT_MS,
      leaseMs: LEADER_LEASE_MS,
      handlers: {
        secrets: createSecrets(),
        check: async () => [],
        probeSource: async () => ({ flavor: 'mariadb' }),
      },
    },
  );
  await node.run();
} else {
  const store = await openClusterStore(bus.kvStore(), { observe: false });
  const leases = new KvLeases(store.leases, ports);
  const workers = Array.from({ length: Number(count) }, (_, i) => {
    return new WorkerNode({
      name: `${name}-${i}`,
      addr: `127.0.0.1:${i}`,
      config: '',
      keepaliveTtlMs: Number(keepaliveMs),
      dataDir: '.',
      log: { level: 'warn', file: '', format: 'text' },
      ports,
      bus,
      store,
      leases,
      runner: new IdleRunner(clock),
      secrets: createSecrets(),
      inspect: inspector(bus),
    });
  });
  await Promise.all(workers.map((worker) => worker.run()));
}
