import { z } from 'zod';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { Handler, HandlerDeps } from './handler-deps.js';
import { parseRequest } from './request.js';

const leaderSchema = z.object({ op: z.enum(['evict', 'cancel-evict']) });

export interface LeaderSwitch {
  /** The leader gives up the lead for good; 60207 where no other master could lead. */
  evictLeader(): Promise<void>;
  /** Evicted masters may lead again. */
  cancelEvict(): Promise<void>;
}

/** `operate-leader evict|cancel-evict`. */
export function operateLeader(leader: LeaderSwitch): Handler {
  return async (request) => {
    const { op } = parseRequest(leaderSchema, request);
    await (op === 'evict' ? leader.evictLeader() : leader.cancelEvict());
    return { result: true, msg: '' };
  };
}

const offlineSchema = z.object({
  master: z.boolean().optional(),
  worker: z.boolean().optional(),
  name: z.string().min(1),
});

/** `offline-member --master|--worker --name ...`. */
export function offlineMember({ cluster }: HandlerDeps): Handler {
  return async (request) => {
    const { master, worker, name } = parseRequest(offlineSchema, request);
    if ((master === true) === (worker === true)) {
      throw new DmError(
        CODES.masterRequestInvalid,
        'offline-member needs either a master or a worker to be offlined',
      );
    }
    await cluster.offlineMember(master === true ? 'master' : 'worker', name);
    return { result: true, msg: '' };
  };
}
