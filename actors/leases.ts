/** How the actors use leases; src/runtime/lease*.ts is the algorithm. */
export interface LeaseHandle {
  /** Begins to ask for the lease and, while it has it, to renew it. */
  start(): void;
  /** Gives it back for good, so that nobody has to wait for its expiry. */
  release(): Promise<void>;
  readonly held: boolean;
}

export interface LeaseRequest {
  readonly key: string;
  readonly owner: string;
  readonly leaseMs: number;
  /** The key is this holder's alone (it holds a session): removed when given back. */
  readonly ephemeral?: boolean;
  /** `epoch` is higher than that of any earlier holder. */
  readonly onHeld: (epoch: number) => void;
  /** It has not been renewed in time: all work under it has to end now. Asked for again by itself. */
  readonly onLost: () => void;
}

export interface LeaseObserver {
  /** Owners whose leases have not expired, by key. */
  readonly alive: ReadonlyMap<string, string>;
  onChange(listener: () => void): () => void;
  stop(): Promise<void>;
}

export interface Leases {
  request(request: LeaseRequest): LeaseHandle;
  /** Resolves once all present leases are known; they count as alive until seen to expire. */
  observe(): Promise<LeaseObserver>;
}
