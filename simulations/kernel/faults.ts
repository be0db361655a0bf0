/** The switches of what may go wrong. All are probabilities per occasion unless they say otherwise. */
export interface Faults {
  /** Latency of one hop, in ms. */
  latencyMs: readonly [number, number];
  /** A hop that takes up to `spikeMs` instead. */
  spike: number;
  spikeMs: number;
  /** A message on the bus (also a request, also an answer) that is lost. */
  messageLoss: number;
  /** A write that is refused no more than it is known: time-out, and it was carried out. */
  timeoutAfterCommit: number;
  /** A write that times out and was never carried out. */
  timeoutBeforeCommit: number;
  /** A write that times out and is carried out later, up to two seconds. */
  lateCommit: number;
  /** A change that a watch is not told. */
  watchMiss: number;
  /** A change that a watch is told twice. */
  watchDuplicate: number;
}

export const NO_FAULTS: Faults = {
  latencyMs: [0.2, 1],
  spike: 0,
  spikeMs: 300,
  messageLoss: 0,
  timeoutAfterCommit: 0,
  timeoutBeforeCommit: 0,
  lateCommit: 0,
  watchMiss: 0,
  watchDuplicate: 0,
};

/** A bad day: everything at once. */
export const NASTY: Faults = {
  latencyMs: [0.2, 5],
  spike: 0.02,
  spikeMs: 1_500,
  messageLoss: 0.02,
  timeoutAfterCommit: 0.03,
  timeoutBeforeCommit: 0.03,
  lateCommit: 0.01,
  watchMiss: 0.05,
  watchDuplicate: 0.05,
};
