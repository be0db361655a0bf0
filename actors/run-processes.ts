/** Composition: what a dm-master and a dm-worker process are made of, over the ports. */
import type { Bus, KvStore, Ports } from '../src/runtime/ports.js';
import type { Transition } from '../src/runtime/host/actor.js';
import { createCodec } from '../src/nats/codec.js';
import { inspectSubject } from '../src/nats/subjects.js';
import { openClusterStore, type ClusterStore } from './cluster-store.js';
import { KvLeases } from '../src/runtime/leases.js';
import { MasterNode, type MasterOptions } from './master-node.js';
import { WorkerNode, type WorkerOptions } from './worker-node.js';

type Wiring = 'store' | 'leases' | 'inspect';

export interface Connected {
  readonly ports: Ports;
  readonly bus: Bus;
  readonly kvStore: KvStore;
}

/** Publishes each transition for `dm.inspect.>`. What is published while disconnected is not kept. */
export function inspector(bus: Bus): (transition: Transition) => void {
  const codec = createCodec();
  return (transition) => {
    if (!bus.connected) return;
    bus.publish(inspectSubject(transition.kind, transition.key), codec.encode(transition));
  };
}

export async function createMaster(
  connected: Connected,
  options: Omit<MasterOptions, Wiring | 'ports' | 'bus'>,
): Promise<{ node: MasterNode; store: ClusterStore }> {
  const { ports, bus } = connected;
  const store = await openClusterStore(connected.kvStore, { observe: true });
  const leases = new KvLeases(store.leases, ports);
  return { node: new MasterNode({ ...options, ports, bus, store, leases, inspect: inspector(bus) }), store };
}

export async function createWorker(
  connected: Connected,
  options: Omit<WorkerOptions, Wiring | 'ports' | 'bus'>,
): Promise<{ node: WorkerNode; store: ClusterStore }> {
  const { ports, bus } = connected;
  const store = await openClusterStore(connected.kvStore, { observe: false });
  const leases = new KvLeases(store.leases, ports);
  return { node: new WorkerNode({ ...options, ports, bus, store, leases, inspect: inspector(bus) }), store };
}
