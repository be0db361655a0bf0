/** The simulated bus: at most once, in order per pair of nodes, with loss, delays and partitions. */
import { BusError, type Bus, type BusMessage, type RequestOptions } from '../../src/runtime/ports.js';
import type { Stop } from '../../src/runtime/ports.js';
import type { SimNode } from './sim-cluster.js';

const MAX_PAYLOAD = 8 * 1024 * 1024;

type Answer = { data: Uint8Array } | { code: number; text: string };

interface Subscription {
  readonly bus: SimBus;
  readonly tokens: readonly string[];
  readonly queue: string | undefined;
  /** Null: nobody is waiting for an answer. */
  readonly take: (message: BusMessage, answer: ((answer: Answer) => void) | null) => void;
}

export class SimBus implements Bus {
  readonly #node: SimNode;
  readonly #listeners = new Set<(connected: boolean) => void>();
  /** When the last hop from each sender arrived, so that none overtakes it. */
  readonly #arrivals = new Map<SimBus, number>();
  #closed = false;

  constructor(node: SimNode) {
    this.#node = node;
  }

  get connected(): boolean {
    return !this.#closed && this.#node.linked;
  }

  onStatus(listener: (connected: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Called by the node when its link goes or comes. */
  linkChanged(connected: boolean): void {
    if (this.#closed) return;
    for (const listener of [...this.#listeners]) listener(connected);
  }

  request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    const { signal, timeoutMs } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#closed) return Promise.reject(new BusError('closed', 'the connection is closed'));
    const tooLarge = sizeError(subject, data);
    if (tooLarge) return Promise.reject(tooLarge);
    return new Promise((resolve, reject) => {
      const settle = (fn: () => void): void => {
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
        fn();
      };
      const onAbort = (): void => settle(() => reject(signal!.reason));
      const timer = this.#node.clock.after(timeoutMs, () =>
        settle(() => reject(new BusError('timeout', `no answer on ${subject} within ${timeoutMs} ms`))),
      );
      signal?.addEventListener('abort', onAbort, { once: true });
      if (!this.connected) return;
      const chosen = this.#route(subject);
      if (chosen.length === 0) {
        const none = new BusError('no-responder', `nobody serves ${subject}`);
        this.#hop(this, () => settle(() => reject(none)));
        return;
      }
      for (const subscription of chosen) {
        this.#hop(subscription.bus, () => {
          subscription.take({ subject, data }, (answer) => {
            subscription.bus.#hop(this, () =>
              settle(() => {
                if ('data' in answer) resolve(answer.data);
                else reject(new BusError('remote', answer.text, answer.code));
              }),
            );
          });
        });
      }
    });
  }

  publish(subject: string, data: Uint8Array): void {
    const tooLarge = sizeError(subject, data);
    if (tooLarge) throw tooLarge;
    if (!this.connected) return;
    for (const subscription of this.#route(subject)) {
      this.#hop(subscription.bus, () => subscription.take({ subject, data }, null));
    }
  }

  serve(
    subject: string,
    handler: (message: BusMessage) => Promise<Uint8Array>,
    options: { queue?: string } = {},
  ): Promise<Stop> {
    return this.#add(subject, options.queue, (message, answer) => {
      if (!answer) return;
      void Promise.resolve()
        .then(() => handler(message))
        .then(
          (data): Answer => {
            const tooLarge = sizeError(subject, data);
            return tooLarge ? { code: tooLarge.code!, text: tooLarge.message } : { data };
          },
          (error: unknown): Answer => {
            const remote = error instanceof BusError && error.kind === 'remote';
            const text = error instanceof Error ? error.message : String(error);
            return { code: remote ? (error.code ?? 500) : 500, text: text.replace(/[\r\n]+/g, ' ') };
          },
        )
        .then(answer);
    });
  }

  subscribe(subject: string, listener: (message: BusMessage) => void): Promise<Stop> {
    return this.#add(subject, undefined, (message) => {
      try {
        listener(message);
      } catch (error) {
        this.#node.log.error('a listener failed', { subject: message.subject, error: String(error) });
      }
    });
  }

  close(): Promise<void> {
    this.#closed = true;
    const all = this.#node.cluster.subscriptions as Set<Subscription>;
    for (const subscription of [...all]) if (subscription.bus === this) all.delete(subscription);
    return Promise.resolve();
  }

  async #add(subject: string, queue: string | undefined, take: Subscription['take']): Promise<Stop> {
    if (this.#closed) throw new BusError('closed', 'the connection is closed');
    const subscription: Subscription = { bus: this, tokens: subject.split('.'), queue, take };
    const all = this.#node.cluster.subscriptions as Set<Subscription>;
    all.add(subscription);
    // As the real one, which waits until the server has said that it knows: messages may come before that.
    if (this.connected) await this.#node.clock.sleep(2 * this.#node.cluster.latency());
    return () => {
      all.delete(subscription);
      return Promise.resolve();
    };
  }

  /** Who gets a message: all plain subscriptions, and one of each queue group. */
  #route(subject: string): Subscription[] {
    const { cluster } = this.#node;
    const chosen: Subscription[] = [];
    const groups = new Map<string, Subscription[]>();
    const tokens = subject.split('.');
    for (const subscription of cluster.subscriptions as Set<Subscription>) {
      if (!subscription.bus.connected || !matches(subscription.tokens, tokens)) continue;
      if (subscription.queue === undefined) {
        chosen.push(subscription);
        continue;
      }
      const name = `${subscription.queue} ${subscription.tokens.join('.')}`;
      const group = groups.get(name);
      if (group) group.push(subscription);
      else groups.set(name, [subscription]);
    }
    for (const group of groups.values()) {
      chosen.push(group[Math.floor(cluster.random.next() * group.length)]!);
    }
    return chosen;
  }

  /** Carries something to another node (or to ourselves), perhaps. */
  #hop(to: SimBus, arrive: () => void): void {
    const { cluster } = this.#node;
    if (this.#node.clock.dead || cluster.random.chance(cluster.faults.messageLoss)) return;
    const { kernel } = cluster;
    const at = Math.max(kernel.now + cluster.latency(), to.#arrivals.get(this) ?? 0);
    to.#arrivals.set(this, at);
    kernel.schedule(at - kernel.now, () => {
      // Through the receiver's clock: a paused node hears it later, a dead one never.
      if (to.connected) to.#node.clock.after(0, arrive);
    });
  }
}

function sizeError(subject: string, data: Uint8Array): BusError | null {
  if (data.length <= MAX_PAYLOAD - 8_192) return null;
  return new BusError('remote', `message of ${data.length} bytes for ${subject} exceeds max_payload`, 413);
}

function matches(pattern: readonly string[], tokens: readonly string[]): boolean {
  for (let i = 0; i < pattern.length; i++) {
    if (pattern[i] === '>') return tokens.length > i;
    if (i >= tokens.length || (pattern[i] !== '*' && pattern[i] !== tokens[i])) return false;
  }
  return pattern.length === tokens.length;
}
