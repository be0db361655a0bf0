/**
 * Runs the units of one subtask in their order: check, full copy (dump and load), sync. Which of them are
 * needed is read from the target: a checkpoint means sync, an unfinished copy goes on, nothing begins with
 * the check. The thread (thread.ts) is a thin shell round this.
 */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { refuseUnfinishedCopy, removeCopyOfDm } from '../checkpoint/dm-checkpoint.js';
import { loadCheckpoint } from '../checkpoint/points.js';
import { createMetaTables, metaTables, removeSyncMeta } from '../checkpoint/tables.js';
import { runChecks } from '../check/run-checks.js';
import { checkFailure } from '../check/types.js';
import { IsolatingSyncer } from '../isolation/isolating-syncer.js';
import { removeIsolationMeta } from '../isolation/store.js';
import { upgradeCopyMeta } from '../load/copy-upgrade.js';
import { FullCopy } from '../load/full-copy.js';
import { readCopyState, removeCopyMeta } from '../load/positions.js';
import type { OperationAnswer, OperationContext, SubtaskOperation } from '../model/operation.js';
import type { ProcessError } from '../model/status.js';
import type { UnitName } from '../model/stage.js';
import { connectSession } from '../mysql/connect.js';
import { toDmError } from '../mysql/db-error.js';
import type { Ports } from '../runtime/ports.js';
import { sharedAbort } from '../runtime/shared-abort.js';
import { operateSubtask } from './operate.js';
import type { SubtaskEnd, SubtaskStart, UnitStatus } from './protocol.js';

export interface SubtaskRunnerOptions {
  readonly start: SubtaskStart;
  readonly ports: Pick<Ports, 'clock' | 'log'>;
  readonly nextTurn: () => Promise<void>;
  readonly onUnit: (unit: UnitName) => void;
  /** See SyncerOptions. */
  readonly retryMs?: number;
}

export class SubtaskRunner {
  readonly #options: SubtaskRunnerOptions;
  readonly #abort = sharedAbort();
  #unit: UnitName = 'InvalidUnit';
  #copy: FullCopy | null = null;
  #syncer: IsolatingSyncer | null = null;

  constructor(options: SubtaskRunnerOptions) {
    this.#options = options;
  }

  /** Ends the unit at the next safe place; `run` then resolves with `ended`. */
  end(): void {
    this.#abort.abort(new Error('the subtask has been told to end'));
    this.#syncer?.end();
  }

  async status(): Promise<UnitStatus> {
    const copy = this.#copy?.status();
    switch (this.#unit) {
      case 'Dump':
        return { unit: 'Dump', dump: copy?.dump };
      case 'Load':
        return { unit: 'Load', load: copy?.load };
      case 'Sync':
        return {
          unit: 'Sync',
          sync: await this.#syncer?.status(),
          figures: this.#syncer?.current.figures(),
        };
      default:
        return { unit: this.#unit };
    }
  }

  /** Never rejects: see operateSubtask. */
  operate(operation: SubtaskOperation, context: OperationContext): Promise<OperationAnswer> {
    const { start, ports } = this.#options;
    return operateSubtask(
      operation,
      // A thread that begins has no unit yet: the last one tells what the subtask is about.
      { ...context, unit: this.#unit === 'InvalidUnit' ? context.unit : this.#unit },
      {
        config: start.config,
        syncer: this.#syncer?.current ?? null,
        isolating: this.#syncer,
        log: ports.log,
      },
    );
  }

  /** Never rejects: a failure is an outcome. */
  async run(): Promise<SubtaskEnd> {
    try {
      return await this.#run();
    } catch (error) {
      if (this.#abort.signal.aborted) return { outcome: 'ended' };
      const failure = toDmError(error, 'not-set');
      this.#options.ports.log.error('the subtask has failed', {
        unit: this.#unit,
        error: failure.toString(),
      });
      return { outcome: 'failed', unit: this.#unit, errors: [processError(failure)] };
    }
  }

  async #run(): Promise<SubtaskEnd> {
    const { config } = this.#options.start;
    const next = await this.#firstUnit();
    const { signal } = this.#abort;
    if (next === 'Check') {
      this.#enter('Check');
      const failure = checkFailure(await runChecks(config, { signal }));
      if (failure !== null) throw failure;
    }
    if (next !== 'Sync') {
      const end = await this.#runCopy();
      if (end !== null) return end;
    }
    if (config.taskMode === 'full' || config.taskMode === 'dump') return { outcome: 'finished' };
    return this.#runSync();
  }

  /** `Sync` when a checkpoint is there or the mode has nothing before it; `Dump` for a copy under way. */
  async #firstUnit(): Promise<'Check' | 'Dump' | 'Sync'> {
    const { config, removeMeta } = this.#options.start;
    const { signal } = this.#abort;
    const target = await connectSession({ db: config.to, signal }).catch((error: unknown) => {
      throw toDmError(error, 'downstream');
    });
    try {
      if (removeMeta) {
        await removeSyncMeta(target, config);
        await removeIsolationMeta(target, config);
        await removeCopyMeta(target, config);
        await removeCopyOfDm(target, config);
      }
      const tables = metaTables(config);
      await createMetaTables(target, tables);
      await upgradeCopyMeta(target, config);
      const syncs = config.taskMode !== 'full' && config.taskMode !== 'dump';
      if (syncs && (await loadCheckpoint(target, tables, config.sourceId)) !== null) return 'Sync';
      const copy = config.taskMode === 'incremental' ? 'none' : await readCopyState(target, config);
      if (copy === 'none' && config.taskMode !== 'incremental') await refuseUnfinishedCopy(target, config);
      return copy === 'none' ? 'Check' : 'Dump';
    } catch (error) {
      throw toDmError(error, 'downstream');
    } finally {
      await target.close();
    }
  }

  /** Null when the copy is complete. */
  async #runCopy(): Promise<SubtaskEnd | null> {
    const { start, ports } = this.#options;
    const { config, epoch, dataDir } = start;
    if (config.taskMode === 'incremental') return null;
    this.#copy = new FullCopy({
      config,
      epoch,
      dataDir,
      ports,
      onUnit: (unit) => this.#enter(unit),
      signal: this.#abort.signal,
    });
    const end = await this.#copy.run();
    return end.outcome === 'finished' ? null : end;
  }

  async #runSync(): Promise<SubtaskEnd> {
    const { start, ports, nextTurn, retryMs } = this.#options;
    const { config, epoch, startTime } = start;
    const syncer = new IsolatingSyncer({ config, epoch, ports, nextTurn, retryMs, startTime });
    this.#syncer = syncer;
    this.#enter('Sync');
    this.#abort.signal.throwIfAborted();
    return syncer.run();
  }

  #enter(unit: UnitName): void {
    if (this.#unit === unit) return;
    this.#unit = unit;
    this.#options.onUnit(unit);
  }
}

function processError(error: unknown): ProcessError {
  if (error instanceof DmError) return error.toProcessError();
  return new DmError(CODES.notSet, String(error)).toProcessError();
}
