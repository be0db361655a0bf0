import { KvError, type Clock } from '../src/runtime/ports.js';
import { keys, type MemberDocument } from './documents.js';
import type { KvView } from './kv-view.js';

const TRIES = 20;
const WAIT_MS = 250;

/** Writes a member's own document, over that of an earlier session. Rejects when the store stays away. */
export async function announce(
  members: KvView<MemberDocument>,
  member: MemberDocument,
  clock: Clock,
): Promise<void> {
  const key = keys.member(member.kind, member.name);
  for (let attempt = 1; ; attempt++) {
    try {
      // Also settles what a time-out has left open: the document may be ours already.
      const stored = await members.refresh(key);
      if (stored?.session === member.session && stored.accepting === member.accepting) return;
      await members.replace(key, member);
      return;
    } catch (error) {
      if (!(error instanceof KvError) || attempt === TRIES) throw error;
      await clock.sleep(WAIT_MS);
    }
  }
}
