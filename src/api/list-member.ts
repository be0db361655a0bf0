import { z } from 'zod';
import type { Handler, HandlerDeps } from './handler-deps.js';
import { parseRequest, sourcesField, type JsonObject } from './request.js';

const schema = z.object({
  leader: z.boolean().optional(),
  master: z.boolean().optional(),
  worker: z.boolean().optional(),
  /** Only members of these names; empty = all. */
  names: sourcesField,
});

/** `list-member [--leader] [--master] [--worker] [--name ...]`: with no kind, all three. */
export function listMember({ cluster }: HandlerDeps): Handler {
  return async (request) => {
    const { leader, master, worker, names } = parseRequest(schema, request);
    const all = leader !== true && master !== true && worker !== true;
    const wanted = ({ name }: { name: string }) => names.length === 0 || names.includes(name);
    const members: JsonObject[] = [];
    if (all || leader === true) {
      const { name, addr } = await cluster.leader();
      members.push({ leader: { msg: '', name, addr } });
    }
    if (all || master === true) {
      const masters = (await cluster.masters()).filter(wanted);
      members.push({
        master: {
          msg: '',
          masters: masters.map(({ name, alive, peerURLs, clientURLs }) => ({
            name,
            memberID: memberId(name),
            alive,
            peerURLs,
            clientURLs,
          })),
        },
      });
    }
    if (all || worker === true) {
      const workers = (await cluster.workers()).filter(wanted);
      members.push({
        worker: {
          msg: '',
          workers: workers.map(({ name, addr, stage, source }) => ({ name, addr, stage, source })),
        },
      });
    }
    return { result: true, msg: '', members };
  };
}

/** A number for the master as DM prints one: 64 bits in decimal, the same for a name at any time (FNV-1a). */
export function memberId(name: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(name)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString();
}
