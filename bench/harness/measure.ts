/** Wall time, processor time and peak memory of a piece of work, by whatever processes do it. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Sample {
  readonly seconds: number;
  /** Processor seconds of whoever did the work, the servers left out; null where nobody knows. */
  readonly cpuSeconds: number | null;
  /** Largest resident memory of whoever did the work, MB; null where nobody knows. */
  readonly peakMb: number | null;
  /** Processor seconds of the servers meanwhile. */
  readonly serversCpuSeconds?: number;
}

const TICKS_A_SECOND = 100;

/** Processor time of a process so far, seconds. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

function statusMb(pid: number, name: string): number {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) / 1024;
}

/** Largest resident memory that a process has had, MB. */
export function peakMemory(pid: number): number {
  return statusMb(pid, 'VmHWM');
}

/** Resident memory of a process now, MB. */
export function memory(pid: number): number {
  return statusMb(pid, 'VmRSS');
}

/** Work of this very process. */
export async function ownSample(work: () => Promise<void>): Promise<Sample> {
  const before = process.cpuUsage();
  const began = performance.now();
  await work();
  const used = process.cpuUsage(before);
  return {
    seconds: (performance.now() - began) / 1000,
    cpuSeconds: (used.user + used.system) / 1e6,
    peakMb: peakMemory(process.pid),
  };
}

/** A shell command with all that it starts; rejects with its output when it fails. */
export async function shellSample(script: string): Promise<Sample> {
  const timed = `set -o pipefail; TIMEFORMAT='%R %U %S'; time { ${script} ; }`;
  const child = spawn('bash', ['-c', timed], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exit) => resolve(exit ?? 137));
  });
  if (code !== 0) throw new Error(`exit code ${code} of: ${script}\n${stderr}`);
  const [seconds, user, system] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  return { seconds: seconds!, cpuSeconds: user! + system!, peakMb: null };
}

/** With what these server processes did meanwhile. */
export async function withServers(pids: readonly number[], run: () => Promise<Sample>): Promise<Sample> {
  const used = () => pids.reduce((sum, pid) => sum + cpuOf(pid), 0);
  const before = used();
  const sample = await run();
  return { ...sample, serversCpuSeconds: used() - before };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value below which this part of all values lies, 0 to 1. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}
