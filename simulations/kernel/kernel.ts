/**
 * The simulation's time. Nothing in a simulated cluster waits for anything but this kernel's timers, so
 * between two timers all work ends by itself, and the kernel jumps to the next timer. One seed gives one order
 * of everything: timers of the same moment fire in the order in which they were set.
 */
import type { Clock, Timer } from '../../src/runtime/ports.js';
import { SimRandom } from './sim-random.js';

interface Scheduled {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
  cancelled: boolean;
}

export interface KernelOptions {
  readonly seed: number;
  /** Keeps a line for everything recorded; off for long runs. Default on. */
  readonly trace?: boolean;
  /** A run that lasts longer (virtual ms) is taken for stuck. Default one day. */
  readonly limitMs?: number;
}

export class Kernel {
  readonly seed: number;
  readonly random: SimRandom;
  /** `<virtual ms> <who> <what>`, in order. */
  readonly trace: string[] = [];
  readonly #traceOn: boolean;
  readonly #limitMs: number;
  readonly #heap: Scheduled[] = [];
  #now = 0;
  #order = 0;

  constructor(options: KernelOptions) {
    this.seed = options.seed;
    this.random = new SimRandom(options.seed);
    this.#traceOn = options.trace ?? true;
    this.#limitMs = options.limitMs ?? 86_400_000;
  }

  /** True virtual time in ms; the clocks of nodes run at their own rates. */
  get now(): number {
    return this.#now;
  }

  record(who: string, what: string): void {
    if (this.#traceOn) this.trace.push(`${this.#now.toFixed(3)} ${who} ${what}`);
  }

  schedule(ms: number, fn: () => void): Timer {
    const entry: Scheduled = {
      at: this.#now + Math.max(0, ms),
      order: this.#order++,
      fn,
      cancelled: false,
    };
    push(this.#heap, entry);
    return { cancel: () => void (entry.cancelled = true) };
  }

  /** Drives time until `body` has ended; rejects with its error, or when nothing is left that could end it. */
  async run<T>(body: () => Promise<T>): Promise<T> {
    let outcome: { value: T } | { error: unknown } | null = null;
    body().then(
      (value) => (outcome = { value }),
      (error: unknown) => (outcome = { error }),
    );
    const end = this.#now + this.#limitMs;
    for (;;) {
      await settle();
      if (outcome !== null) break;
      const next = this.#pop();
      if (!next) throw new Error(`seed ${this.seed}: stuck at ${this.#now} ms, nothing left to happen`);
      if (next.at > end) throw new Error(`seed ${this.seed}: not finished after ${this.#limitMs} virtual ms`);
      this.#now = next.at;
      next.fn();
    }
    const ended = outcome as { value: T } | { error: unknown };
    if ('error' in ended) throw ended.error;
    return ended.value;
  }

  #pop(): Scheduled | null {
    for (;;) {
      const next = pop(this.#heap);
      if (!next?.cancelled) return next;
    }
  }
}

/** All promise reactions have run when the event loop comes round. */
function settle(): Promise<void> {
  // The one real callback of the simulation: it waits for no time, only for the microtasks to run dry.
  // eslint-disable-next-line no-restricted-globals
  return new Promise((resolve) => setImmediate(resolve));
}

/** A node's clock: own zero, own rate; its timers stop with the node, and wait while it is paused. */
export class SimClock implements Clock {
  readonly #kernel: Kernel;
  readonly #rate: number;
  readonly #zero: number;
  #pausedUntil = 0;
  #dead = false;

  /** `rate` 1.02 runs two percent fast. */
  constructor(kernel: Kernel, rate = 1, zero = 0) {
    this.#kernel = kernel;
    this.#rate = rate;
    this.#zero = zero;
  }

  monotonic(): number {
    return this.#zero + this.#kernel.now * this.#rate;
  }

  wall(): number {
    return 1_600_000_000_000 + this.#kernel.now;
  }

  after(ms: number, fn: () => void): Timer {
    return this.#arm(Math.max(0, ms) / this.#rate, fn);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        timer.cancel();
        reject(signal!.reason);
      };
      const timer = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Like SIGSTOP for `ms`: what falls due meanwhile happens when it is over. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#kernel.now + ms);
  }

  /** Like SIGKILL: nothing of this node happens any more. */
  kill(): void {
    this.#dead = true;
  }

  get dead(): boolean {
    return this.#dead;
  }

  #arm(trueMs: number, fn: () => void): Timer {
    let timer = this.#kernel.schedule(trueMs, function fire(this: void) {
      due();
    });
    const due = (): void => {
      if (this.#dead) return;
      const late = this.#pausedUntil - this.#kernel.now;
      if (late > 0) timer = this.#kernel.schedule(late, due);
      else fn();
    };
    return { cancel: () => timer.cancel() };
  }
}

function before(a: Scheduled, b: Scheduled): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: Scheduled[], entry: Scheduled): void {
  let i = heap.push(entry) - 1;
  while (i > 0) {
    const parent = (i - 1) >> 1;
    if (!before(entry, heap[parent]!)) break;
    heap[i] = heap[parent]!;
    i = parent;
  }
  heap[i] = entry;
}

function pop(heap: Scheduled[]): Scheduled | null {
  const top = heap[0];
  const last = heap.pop();
  if (!top || !last) return null;
  if (heap.length === 0) return top;
  let i = 0;
  for (;;) {
    let child = 2 * i + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
    if (!before(heap[child]!, last)) break;
    heap[i] = heap[child]!;
    i = child;
  }
  heap[i] = last;
  return top;
}
