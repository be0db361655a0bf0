import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { getConfig } from './get-config.js';
import type { Handler, HandlerDeps } from './handler-deps.js';
import { listMember } from './list-member.js';
import type { Log } from '../runtime/ports.js';
import { offlineMember, operateLeader, type LeaderSwitch } from './membership.js';
import { operateBinlog } from './operate-binlog.js';
import { operateIsolation } from './operate-isolation.js';
import { operateSchema } from './operate-schema.js';
import { operateSource } from './operate-source.js';
import { operateTask } from './operate-task.js';
import { queryStatus } from './query-status.js';
import { asDmError } from './request.js';
import { checkTask, startTask } from './start-task.js';

/** Commands of DM that this version knows and cannot do yet. */
export const COMMANDS_NOT_YET = [
  'config',
  'pause-relay',
  'purge-relay',
  'resume-relay',
  'shard-ddl-lock',
  'show-ddl-locks',
  'start-relay',
  'stop-relay',
  'transfer-source',
  'unlock-ddl-lock',
  'validation',
] as const;

/**
 * One handler a command: it answers `dm.ctl.<command>` and never rejects. What fails is answered with
 * `result: false` and in `msg` the code, the message and the workaround.
 */
export function createHandlers(deps: HandlerDeps): Record<string, Handler> {
  const handlers: Record<string, Handler> = {
    'operate-source': answering(deps, 'operate-source', operateSource(deps), { sources: [] }),
    'check-task': answering(deps, 'check-task', checkTask(deps)),
    'start-task': answering(deps, 'start-task', startTask(deps), { sources: [] }),
    'query-status': answering(deps, 'query-status', queryStatus(deps)),
    'pause-task': answering(deps, 'pause-task', operateTask(deps, 'Pause')),
    'resume-task': answering(deps, 'resume-task', operateTask(deps, 'Resume')),
    'stop-task': answering(deps, 'stop-task', operateTask(deps, 'Stop')),
    binlog: answering(deps, 'binlog', operateBinlog(deps), { sources: [] }),
    'handle-error': answering(deps, 'handle-error', operateBinlog(deps), { sources: [] }),
    'operate-schema': answering(deps, 'operate-schema', operateSchema(deps), { sources: [] }),
    'binlog-schema': answering(deps, 'binlog-schema', operateSchema(deps), { sources: [] }),
    isolation: answering(deps, 'isolation', operateIsolation(deps), { sources: [] }),
    'list-member': answering(deps, 'list-member', listMember(deps)),
    'offline-member': answering(deps, 'offline-member', offlineMember(deps)),
    'get-config': answering(deps, 'get-config', getConfig(deps)),
    encrypt: answering(deps, 'encrypt', encrypt(deps)),
  };
  for (const command of COMMANDS_NOT_YET) {
    const handler: Handler = () =>
      Promise.reject(
        new DmError(CODES.notSupportedYet, `command "${command}" is not supported yet`, {
          workaround: 'Please use one of the commands that `help` lists.',
        }),
      );
    handlers[command] = answering(deps, command, handler);
  }
  return handlers;
}

/** The handler of `dm.ctl.operate-leader`, which every master serves, not the leader alone. */
export function createLeaderHandler(leader: LeaderSwitch, log: Log): Handler {
  return answering({ log }, 'operate-leader', operateLeader(leader));
}

/** Encrypts with the cluster's key, so that dmctl need not have it. Decrypting is done only with the key at hand. */
function encrypt({ secrets }: HandlerDeps): Handler {
  return (request) => {
    const { text } = request;
    if (typeof text !== 'string') {
      return Promise.reject(
        new DmError(CODES.masterRequestInvalid, 'invalid request, field "text": must be a string'),
      );
    }
    return Promise.resolve({ result: true, msg: '', ciphertext: secrets.encrypt(text) });
  };
}

function answering(
  deps: Pick<HandlerDeps, 'log'>,
  command: string,
  handler: Handler,
  onError: object = {},
): Handler {
  return async (request) => {
    try {
      return await handler(request);
    } catch (error) {
      const failure = asDmError(error);
      deps.log.warn('command failed', { command, error: failure.toString() });
      return { result: false, msg: failure.toString(), ...onError };
    }
  };
}
