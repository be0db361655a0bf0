/**
 * Watches, while a command is being carried out, that whoever carries it out still leads. A master that dies
 * takes its answer with it, and NATS tells nobody.
 */
import { TERM_COMMAND, commandSubject } from '../nats/subjects.js';
import { BusError, type Bus, type Clock } from '../runtime/ports.js';

/** What has become of the lead. */
export type LeadLoss = 'changed' | 'nobody';

const ASK_EVERY_MS = 1_000;
const ANSWER_MS = 2_000;
/** Longer than masters take to choose another one, together with their nats-servers. */
const NOBODY_MS = 20_000;

/** The epoch of the present term; null when nobody says. */
export async function termNow(bus: Bus, signal?: AbortSignal): Promise<number | null> {
  try {
    const options = { timeoutMs: ANSWER_MS, ...(signal ? { signal } : {}) };
    const answer = await bus.request(commandSubject(TERM_COMMAND), new TextEncoder().encode('{}'), options);
    const { epoch } = JSON.parse(new TextDecoder().decode(answer)) as { epoch?: number };
    return epoch ?? null;
  } catch (error) {
    if (error instanceof BusError) return null;
    throw error;
  }
}

/**
 * Resolves when the term is not `epoch` any more, or nobody has led for long; rejects when the signal ends it.
 * A change counts when it is seen twice: who leaves in order may still answer.
 */
export async function leadLost(
  bus: Bus,
  clock: Clock,
  epoch: number,
  signal: AbortSignal,
): Promise<LeadLoss> {
  let lastSeen = clock.monotonic();
  for (let changes = 0; ;) {
    await clock.sleep(ASK_EVERY_MS, signal);
    const now = await termNow(bus, signal);
    if (now === null) {
      if (clock.monotonic() - lastSeen >= NOBODY_MS) return 'nobody';
      continue;
    }
    lastSeen = clock.monotonic();
    changes = now === epoch ? 0 : changes + 1;
    if (changes === 2) return 'changed';
  }
}
