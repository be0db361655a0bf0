/**
 * Where the time of a full copy goes: the sum over the connections that read, and over those that load, as
 * shares of the last interval.
 */
import { BusyTimer } from '../metrics/phase-timer.js';
import { share, TimeWindow } from '../metrics/time-window.js';
import type { DumpTimes, LoadTimes } from '../model/status.js';
import type { Clock } from '../runtime/ports.js';

type Phase = 'dump' | 'write' | 'waitForLoad' | 'limited' | 'waitForDump' | 'execute' | 'commit';

export class CopyTime {
  /** Reading a chunk, all that belongs to it. */
  readonly dump: BusyTimer;
  /** Writing files. */
  readonly write: BusyTimer;
  /** What is read waits to be loaded. */
  readonly waitForLoad: BusyTimer;
  /** Kept back by a limit. */
  readonly limited: BusyTimer;
  /** What loads waits for files. */
  readonly waitForDump: BusyTimer;
  readonly execute: BusyTimer;
  readonly commit: BusyTimer;
  readonly #window: TimeWindow<Phase>;

  constructor(clock: Clock) {
    this.dump = new BusyTimer(clock);
    this.write = new BusyTimer(clock);
    this.waitForLoad = new BusyTimer(clock);
    this.limited = new BusyTimer(clock);
    this.waitForDump = new BusyTimer(clock);
    this.execute = new BusyTimer(clock);
    this.commit = new BusyTimer(clock);
    this.#window = new TimeWindow<Phase>(clock, this.#sums());
  }

  shares(): { dump: DumpTimes; load: LoadTimes } {
    const { grown } = this.#window.last(this.#sums());
    const { dump, write, waitForLoad, limited, waitForDump, execute, commit } = grown;
    const loading = waitForDump + execute + commit;
    return {
      dump: {
        read: share(dump - write - waitForLoad - limited, dump),
        write: share(write, dump),
        waitForLoad: share(waitForLoad, dump),
        limited: share(limited, dump),
      },
      load: {
        waitForDump: share(waitForDump, loading),
        execute: share(execute, loading),
        commit: share(commit, loading),
      },
    };
  }

  #sums(): Record<Phase, number> {
    return {
      dump: this.dump.sum(),
      write: this.write.sum(),
      waitForLoad: this.waitForLoad.sum(),
      limited: this.limited.sum(),
      waitForDump: this.waitForDump.sum(),
      execute: this.execute.sum(),
      commit: this.commit.sum(),
    };
  }
}
