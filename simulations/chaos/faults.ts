/** The faults of the chaos runs: which process dies, when, and for how long. */
import { readdirSync, readFileSync } from 'node:fs';
import type { SeededRandom } from '../../test/support/seeded-random.js';

export const VICTIMS = ['worker', 'master', 'nats', 'upstream', 'target'] as const;
export type Victim = (typeof VICTIMS)[number];

/** A moment counted from the start of the task or from when it replicates. */
export interface Fault {
  readonly victim: Victim;
  readonly phase: 'copy' | 'sync';
  /** From the beginning of the phase to the kill. */
  readonly afterMs: number;
  /** From the kill to the restart of what was killed. */
  readonly downMs: number;
}

/** One fault most of the time, sometimes two or three, in the order they happen. */
export function drawFaults(random: SeededRandom): Fault[] {
  const count = random.pick([1, 1, 1, 2, 2, 3]);
  const faults = Array.from({ length: count }, (): Fault => {
    const phase = random.pick(['copy', 'sync'] as const);
    return {
      victim: random.pick(VICTIMS),
      phase,
      // A copy takes a few seconds: squares favour its beginning, where dump and load overlap.
      afterMs: Math.round(phase === 'copy' ? 4_000 * random.next() ** 2 : 2_500 * random.next()),
      downMs: random.int(0, 2_500),
    };
  });
  return faults.sort((x, y) => (x.phase === y.phase ? x.afterMs - y.afterMs : x.phase === 'copy' ? -1 : 1));
}

export function describeFault(fault: Fault): string {
  return `${fault.victim} at ${fault.phase}+${fault.afterMs}ms for ${fault.downMs}ms`;
}

interface ProcessLine {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

function processes(): ProcessLine[] {
  const found: ProcessLine[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      // pid (comm) state ppid ...: comm may hold blanks and parentheses.
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
      const end = stat.lastIndexOf(')');
      const command = stat.slice(stat.indexOf('(') + 1, end);
      found.push({ pid: Number(entry), parent: Number(stat.slice(end + 2).split(' ')[1]), command });
    } catch {
      // It has ended between the listing and the reading.
      continue;
    }
  }
  return found;
}

/** Processes of that command name that `ancestor` has started, directly or through others. */
export function descendantsNamed(ancestor: number, command: string): number[] {
  const all = processes();
  const family = new Set([ancestor]);
  for (let size = 0; size !== family.size;) {
    size = family.size;
    for (const one of all) if (family.has(one.parent)) family.add(one.pid);
  }
  return all.filter((one) => family.has(one.pid) && one.command === command).map((one) => one.pid);
}
