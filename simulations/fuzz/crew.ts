/**
 * The runners of a round: one that has the highest epoch, and those that it has taken over from, which may
 * go on for a while as if they had not noticed.
 */
import { CODES } from '../../src/errors/codes.js';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import type { Clock, Log } from '../../src/runtime/ports.js';
import { nextTurn } from '../../src/runtime/real/turn.js';
import type { SubtaskEnd } from '../../src/subtask/protocol.js';
import { SubtaskRunner } from '../../src/subtask/runner.js';

interface Member {
  readonly epoch: number;
  readonly runner: SubtaskRunner;
  readonly done: Promise<SubtaskEnd>;
  end: SubtaskEnd | null;
}

/** Times that a lost connection is borne. */
const MAX_RESUMED = 25;

export interface CrewOptions {
  readonly config: SubtaskConfig;
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class Crew {
  readonly #options: CrewOptions;
  readonly #members: Member[] = [];
  #resumed = 0;
  /** Ends of members that were no longer the current one. */
  readonly earlier: string[] = [];

  constructor(options: CrewOptions) {
    this.#options = options;
  }

  get epoch(): number {
    return this.#members.length;
  }

  get #current(): Member {
    const member = this.#members[this.#members.length - 1];
    if (member === undefined) throw new Error('the crew has not started');
    return member;
  }

  start(extra: Partial<SubtaskConfig['sync']> = {}): void {
    const { config, dataDir, clock, log } = this.#options;
    const epoch = this.#members.length + 1;
    const runner = new SubtaskRunner({
      start: {
        config: { ...config, sync: { ...config.sync, ...extra } },
        epoch,
        removeMeta: false,
        workerName: `w${epoch}`,
        dataDir,
        log: { level: 'info', file: '', format: 'text' },
      },
      ports: { clock, log: log.child({ epoch }) },
      nextTurn,
      onUnit: () => undefined,
      retryMs: 20_000,
    });
    const member: Member = { epoch, runner, done: runner.run(), end: null };
    member.done.then(
      (end) => {
        member.end = end;
        if (member === this.#current && mayPass(end) && this.#resumed < MAX_RESUMED) {
          // As the subtask's machine does after trouble that may pass.
          this.#resumed++;
          this.start(extra);
        }
        if (member !== this.#current) this.earlier.push(`epoch ${epoch}: ${describeEnd(end)}`);
      },
      () => undefined,
    );
    this.#members.push(member);
  }

  /** A new owner, while the old one goes on for `zombieMs` or until it notices. */
  async takeOver(zombieMs: number, extra: Partial<SubtaskConfig['sync']> = {}): Promise<void> {
    const old = this.#current;
    this.start(extra);
    await Promise.race([old.done, this.#options.clock.sleep(zombieMs)]);
    old.runner.end();
  }

  /** Pauses as a command would, and goes on after `ms`. */
  async pause(ms: number, extra: Partial<SubtaskConfig['sync']> = {}): Promise<void> {
    this.check();
    this.#current.runner.end();
    const end = await this.#current.done;
    if (end.outcome !== 'ended') throw new Error(`the runner has not ended but: ${describeEnd(end)}`);
    await this.#options.clock.sleep(ms);
    this.start(extra);
  }

  async isSyncing(): Promise<boolean> {
    return (await this.#current.runner.status()).unit === 'Sync';
  }

  async isSynced(): Promise<boolean> {
    const status = await this.#current.runner.status();
    return status.sync?.synced === true;
  }

  /** The current runner has come to an end by itself: `check` says which. */
  get failed(): boolean {
    return this.#current.end !== null;
  }

  /** Throws when the current runner has come to an end by itself. */
  check(): void {
    const { end, epoch } = this.#current;
    if (end !== null)
      throw new Error(`the runner of epoch ${epoch} has come to its end: ${describeEnd(end)}`);
  }

  async stop(): Promise<void> {
    for (const member of this.#members) member.runner.end();
    await Promise.all(this.#members.map((member) => member.done));
  }
}

function mayPass(end: SubtaskEnd): boolean {
  return end.outcome === 'failed' && end.errors.every((error) => error.ErrCode === CODES.databaseDriver.code);
}

function describeEnd(end: SubtaskEnd): string {
  if (end.outcome !== 'failed') return JSON.stringify(end);
  return `failed in ${end.unit}: ${end.errors.map((e) => `${e.ErrCode} ${e.Message} (${e.RawCause})`).join('; ')}`;
}
