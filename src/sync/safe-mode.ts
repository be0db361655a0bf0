/**
 * Safe mode: changes that may be in the target already are written so that a second time does no harm.
 * Lanes apply each change once by themselves (lane-set.ts), so it is on only
 * - as long as the task says `safe-mode: true`;
 * - up to a place: until there changes may be in a copy without consistency, in what an earlier run has
 *   applied (start time), or in what DM has applied and not saved. Where a checkpoint of DM does not say,
 *   the place is where the source stands: DM cannot have been further. It is kept in the checkpoint.
 * - for a time, where the task was started with `--safe-mode-time-duration`.
 */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { comparePositions, formatPosition, NO_LOCATION, type BinlogLocation } from '../model/location.js';
import type { SyncConfig } from '../model/subtask-config.js';
import type { Clock, Log } from '../runtime/ports.js';

export interface SafeModeOptions {
  readonly config: Pick<SyncConfig, 'safeMode' | 'safeModeDurationMs' | 'safeModeTimeMs'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface SafeModeStart {
  readonly from: BinlogLocation;
  /** NO_LOCATION when nothing is said. */
  readonly exit: BinlogLocation;
  /** Where the source stands, asked only for a checkpoint that others have written; null for our own. */
  readonly sourceEnd: (() => Promise<BinlogLocation>) | null;
}

export class SafeMode {
  readonly #options: SafeModeOptions;
  #exit: BinlogLocation = NO_LOCATION;
  #until = 0;

  constructor(options: SafeModeOptions) {
    this.#options = options;
  }

  /** The place up to which it is on, for a checkpoint at `location`; NO_LOCATION when that is past it. */
  exitAt(location: BinlogLocation): BinlogLocation {
    return this.#exit.name !== '' && comparePositions(location, this.#exit) < 0 ? this.#exit : NO_LOCATION;
  }

  /** Throws DmError 36071 where changes are due a second time and the task allows no safe mode for them. */
  async begin({ from, exit, sourceEnd }: SafeModeStart): Promise<void> {
    const { config, clock, log } = this.#options;
    const durationMs = config.safeModeTimeMs ?? 0;
    if (durationMs > 0) this.#until = clock.monotonic() + durationMs;
    const allowed = config.safeMode || config.safeModeDurationMs > 0 || durationMs > 0;
    if (exit.name !== '' && comparePositions(from, exit) < 0) {
      if (!allowed) throw notAllowed(from, exit);
      this.#exit = exit;
    } else if (exit.name === '' && sourceEnd !== null) {
      if (allowed) this.#exit = await sourceEnd();
      else log.warn('taking over from another checkpoint without safe mode: safe-mode-duration is 0s');
    }
    if (this.#exit.name !== '') log.info('safe mode is on', { until: formatPosition(this.#exit) });
  }

  isOn(transaction: { readonly name: string; readonly pos: number } | undefined): boolean {
    if (this.#options.config.safeMode) return true;
    if (this.#until > 0) {
      if (this.#options.clock.monotonic() < this.#until) return true;
      this.#until = 0;
    }
    if (this.#exit.name === '') return false;
    if (transaction === undefined || comparePositions(transaction, this.#exit) < 0) return true;
    this.#options.log.info('safe mode is off', { at: formatPosition(this.#exit) });
    this.#exit = NO_LOCATION;
    return false;
  }
}

function notAllowed(from: BinlogLocation, exit: BinlogLocation): DmError {
  return new DmError(
    CODES.syncSafeModeNeeded,
    `your \`safe-mode-duration\` in task.yaml is set to 0s, so the task can't be re-processed from ${formatPosition(from)} to ${formatPosition(exit)}: changes of this part of the binlog may be in the target already`,
  );
}
