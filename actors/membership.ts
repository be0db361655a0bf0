/**
 * Commands about the members themselves: who may lead, and who is forgotten. Those about the lead are answered
 * by every master: with all that are alive evicted, nobody leads, and `cancel-evict` is the way out.
 */
import type { LeaderSwitch } from '../src/api/membership.js';
import { CODES } from '../src/errors/codes.js';
import { DmError } from '../src/errors/dm-error.js';
import { createCodec } from '../src/nats/codec.js';
import { actorSubject, escapeKey } from '../src/nats/subjects.js';
import type { ActorDocument } from '../src/runtime/host/document.js';
import { decodeLease } from '../src/runtime/lease-document.js';
import type { Bus } from '../src/runtime/ports.js';
import type { ClusterStore } from './cluster-store.js';
import { keys, type MemberDocument } from './documents.js';
import type { KvView } from './kv-view.js';
import type { LeaseObserver } from './leases.js';
import { asDmUnavailable } from './unavailable.js';

export interface MembershipOptions {
  readonly bus: Bus;
  readonly store: ClusterStore;
  readonly observed: KvView<ActorDocument>;
  readonly leases: LeaseObserver;
}

/** What a master is asked at the subject of its supervisor. */
export interface SupervisorQuestion {
  readonly type: 'EVICT' | 'CANCEL_EVICT';
}

const ASK_MS = 10_000;

export class Membership implements LeaderSwitch {
  readonly #options: MembershipOptions;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  isAlive({ kind, name, session }: MemberDocument): boolean {
    return this.#options.leases.alive.has(`${keys.lease(kind, name)}.${session}`);
  }

  /** The leader gives up the lead and does not campaign any more. 60207 where nobody else could lead. */
  async evictLeader(): Promise<void> {
    const masters = this.#masters();
    const leader = await this.#leaderNow(masters);
    if (leader === undefined) throw new DmError(CODES.clusterUnavailable, 'no master leads at the moment');
    const others = masters.filter(
      (one) => one.name !== leader && this.isAlive(one) && !this.#isEvicted(one.name),
    );
    if (others.length === 0) {
      throw new DmError(CODES.masterCannotEvict, `no other master could lead in the place of ${leader}`);
    }
    await this.#ask(leader, 'EVICT');
  }

  /** All evicted masters that are alive may lead again. */
  async cancelEvict(): Promise<void> {
    const evicted = this.#masters().filter((one) => this.isAlive(one) && this.#isEvicted(one.name));
    for (const { name } of evicted) await this.#ask(name, 'CANCEL_EVICT');
  }

  /** Forgets a member whose process has ended. 46004 when there is none, 46005 while it is alive. */
  async offline(kind: 'master' | 'worker', name: string): Promise<void> {
    const { members, actors } = this.#options.store;
    const key = keys.member(kind, name);
    try {
      const member = await members.refresh(key);
      if (!member)
        throw new DmError(CODES.schedulerWorkerNotExist, `dm-${kind} with name ${name} not exists`);
      if (this.isAlive(member)) {
        throw new DmError(CODES.schedulerWorkerOnline, `dm-${kind} with name ${name} is still online`);
      }
      await members.delete(key);
      await actors.delete(kind === 'master' ? supervisorKey(name) : `node.${escapeKey(name)}`);
    } catch (error) {
      throw asDmUnavailable(error);
    }
  }

  /**
   * Who leads as the stores have it, and who is evicted is read again: the master that is asked may not have heard
   * yet of the eviction before this one, and would evict the same master once more.
   */
  async #leaderNow(masters: readonly MemberDocument[]): Promise<string | undefined> {
    const { leases, observed, store } = this.#options;
    try {
      const held = await store.leases.get(keys.supervisorLease);
      for (const { name } of masters) await observed.refresh(supervisorKey(name));
      const owner = held ? decodeLease(held.key, held.value).owner : '';
      // An owner that has died is still in the lease: it counts while this master's own watch has not seen it expire.
      const known =
        leases.alive.has(keys.supervisorLease) ||
        masters.some((one) => one.name === owner && this.isAlive(one));
      return owner !== '' && known ? owner : undefined;
    } catch (error) {
      throw asDmUnavailable(error);
    }
  }

  #masters(): MemberDocument[] {
    return [...this.#options.store.members.values('master.')];
  }

  #isEvicted(name: string): boolean {
    return this.#options.observed.get(supervisorKey(name))?.value === 'evicted';
  }

  async #ask(name: string, type: SupervisorQuestion['type']): Promise<void> {
    const bytes = createCodec().encode({ type } satisfies SupervisorQuestion);
    try {
      await this.#options.bus.request(actorSubject('supervisor', name), bytes, { timeoutMs: ASK_MS });
    } catch (error) {
      throw asDmUnavailable(error);
    }
  }
}

function supervisorKey(name: string): string {
  return `supervisor.${escapeKey(name)}`;
}
