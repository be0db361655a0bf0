/** Leases of one bucket. */
import { Lease, type LeaseOptions } from './lease.js';
import { LeaseWatcher } from './lease-watcher.js';
import type { Kv, Ports } from './ports.js';

export type LeaseRequest = Pick<
  LeaseOptions,
  'key' | 'owner' | 'leaseMs' | 'ephemeral' | 'onHeld' | 'onLost'
>;

export class KvLeases {
  readonly #kv: Kv;
  readonly #ports: Ports;

  constructor(kv: Kv, ports: Ports) {
    this.#kv = kv;
    this.#ports = ports;
  }

  request(request: LeaseRequest): Lease {
    return new Lease({ ...request, ...this.#ports, kv: this.#kv });
  }

  /** All leases of the bucket whose key begins with `prefix`. */
  observe(prefix = ''): Promise<LeaseWatcher> {
    return LeaseWatcher.start({ kv: this.#kv, clock: this.#ports.clock, log: this.#ports.log, prefix });
  }
}
