/**
 * Carries out an operation on one subtask (src/model/operation.ts): in its thread while there is one, which
 * then gives its unit, else on the worker's main thread, with sessions of its own.
 */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { OperationAnswer, OperationContext, SubtaskOperation } from '../model/operation.js';
import { unreachable } from '../model/assert.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { toDmError } from '../mysql/db-error.js';
import type { Log } from '../runtime/ports.js';
import type { IsolatingSyncer } from '../isolation/isolating-syncer.js';
import { operateBinlog } from './binlog-operation.js';
import { operateIsolation } from './isolation-operation.js';
import { operateSchema } from './schema-operation.js';
import type { Syncer } from '../sync/syncer.js';

export interface OperateDeps {
  readonly config: SubtaskConfig;
  /** The sync unit, while it runs. */
  readonly syncer: Syncer | null;
  /** The same with the tables that it has set aside. */
  readonly isolating: IsolatingSyncer | null;
  readonly log: Log;
}

/** Never rejects: what fails is the answer. */
export async function operateSubtask(
  operation: SubtaskOperation,
  context: OperationContext,
  deps: OperateDeps,
): Promise<OperationAnswer> {
  try {
    return await operate(operation, context, deps);
  } catch (error) {
    const failure = toDmError(error, 'not-set');
    deps.log.warn('an operation was refused', { operation: operation.kind, error: failure.toString() });
    return { result: false, msg: failure.toString() };
  }
}

/** Throws DmError 40056 where the subtask is not (or was not last) in its sync unit. */
export function requireSync(context: OperationContext): void {
  if (context.unit === 'Sync') return;
  throw new DmError(
    CODES.workerSyncUnitOnly,
    `such operation is only available for syncer, but now syncer is not running. current unit is ${context.unit}`,
  );
}

async function operate(
  operation: SubtaskOperation,
  context: OperationContext,
  deps: OperateDeps,
): Promise<OperationAnswer> {
  // Tables stay set aside whatever the subtask does now.
  if (operation.kind !== 'isolation') requireSync(context);
  switch (operation.kind) {
    case 'binlog':
      return operateBinlog(operation, context, deps.config);
    case 'schema':
      return operateSchema(operation, context, {
        config: deps.config,
        tracker: deps.syncer?.tracker ?? null,
      });
    case 'isolation':
      return operateIsolation(operation, deps.config, deps.isolating);
    default:
      return unreachable(operation);
  }
}
