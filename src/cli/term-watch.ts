/**
 * Watches, while a command is being carried out, that whoever carries it out still leads. A master that dies
 * takes its answer with it, and NATS tells nobody.
 */
import { TERM_COMMAND, commandSubject } from '../nats/subjects.js';
import { BusError, type Bus, type Clock } from '../runtime/ports.js';

/** What has become of the lead; 'cut': the connection broke, and an answer that was under way may be lost with it. */
export type LeadLoss = 'changed' | 'nobody' | 'cut';

const ASK_EVERY_MS = 1_000;
const ANSWER_MS = 2_000;
/** Longer than masters take to choose another one, together with their nats-servers. */
export const NOBODY_MS = 20_000;

/**
 * Who leads, as the session of the process: one that has lost the lead for a moment and taken it back is still
 * there and answers what it was asked before. Null when nobody says.
 */
export async function leaderNow(bus: Bus, signal?: AbortSignal): Promise<string | null> {
  try {
    const options = { timeoutMs: ANSWER_MS, ...(signal ? { signal } : {}) };
    const answer = await bus.request(commandSubject(TERM_COMMAND), new TextEncoder().encode('{}'), options);
    const term = JSON.parse(new TextDecoder().decode(answer)) as { epoch?: number; session?: string };
    return term.session ?? term.epoch?.toString() ?? null;
  } catch (error) {
    if (error instanceof BusError) return null;
    throw error;
  }
}

/** Resolves when the connection breaks, or is broken already; rejects when the signal ends it. */
export function connectionCut(bus: Bus, signal: AbortSignal): Promise<LeadLoss> {
  return new Promise((resolve, reject) => {
    if (!bus.connected) resolve('cut');
    const forget = bus.onStatus((connected) => {
      if (!connected) resolve('cut');
    });
    signal.addEventListener('abort', () => {
      forget();
      reject(signal.reason as Error);
    });
  });
}

/**
 * Resolves when it is not `leader` any more who leads, or nobody has led for long; rejects when the signal ends it.
 * A change counts when it is seen twice: who leaves in order may still answer.
 */
export async function leadLost(
  bus: Bus,
  clock: Clock,
  leader: string,
  signal: AbortSignal,
): Promise<LeadLoss> {
  let lastSeen = clock.monotonic();
  for (let changes = 0; ;) {
    await clock.sleep(ASK_EVERY_MS, signal);
    const now = await leaderNow(bus, signal);
    if (now === null) {
      if (clock.monotonic() - lastSeen >= NOBODY_MS) return 'nobody';
      continue;
    }
    lastSeen = clock.monotonic();
    changes = now === leader ? 0 : changes + 1;
    if (changes === 2) return 'changed';
  }
}
