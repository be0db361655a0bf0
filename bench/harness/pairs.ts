/** Ours and its peers in turns on the same data, so that a busy machine is unfair to nobody. */
import { median, type Sample } from './measure.js';
import type { BenchOptions } from './options.js';
import type { CaseResult } from './report.js';

export interface Peer {
  readonly name: string;
  readonly run: () => Promise<Sample>;
  readonly must?: number;
  readonly aim?: number;
}

export interface PairedCase {
  readonly name: string;
  readonly unit: string;
  /** Units of work that one run does, such as rows. */
  readonly work: number;
  /** Bytes of one run, for MB/s. */
  readonly bytes?: number;
  readonly ours: () => Promise<Sample>;
  readonly peers: readonly Peer[];
  /** Are the results of both sides' last runs right? */
  readonly equal: () => Promise<boolean>;
}

/** Each round: ours, then every peer; the ratio is taken within the round. */
export async function runPairs(one: PairedCase, { rounds }: BenchOptions): Promise<CaseResult[]> {
  const ours: Sample[] = [];
  const theirs: Sample[][] = one.peers.map(() => []);
  for (let round = 0; round < rounds; round++) {
    ours.push(await one.ours());
    for (const [i, peer] of one.peers.entries()) theirs[i]!.push(await peer.run());
    const times = [ours, ...theirs].map((list) => list.at(-1)!).map(timeOf);
    process.stdout.write(`  ${one.name}, round ${round + 1} of ${rounds}: ${times.join(' / ')} s\n`);
  }
  const equal = await one.equal();
  const seconds = median(ours.map((sample) => sample.seconds));
  const rate = one.bytes === undefined ? '-' : (one.bytes / 2 ** 20 / seconds).toFixed(1);
  return one.peers.map((peer, i) => {
    const ratios = theirs[i]!.map((sample, round) => sample.seconds / ours[round]!.seconds);
    return {
      case: one.name,
      peer: peer.name,
      unit: one.unit,
      ours: one.work / seconds,
      theirs: one.work / median(theirs[i]!.map((sample) => sample.seconds)),
      ratio: { min: Math.min(...ratios), median: median(ratios), max: Math.max(...ratios) },
      equal,
      ...(peer.must === undefined ? {} : { must: peer.must }),
      ...(peer.aim === undefined ? {} : { aim: peer.aim }),
      shown: {
        'MB/s': rate,
        'wall s': seconds.toFixed(2),
        'our CPU s': cpu(ours),
        'their CPU s': cpu(theirs[i]!),
        ...serversCpu(ours, theirs[i]!),
        'peak MB': Math.round(Math.max(...ours.map((sample) => sample.peakMb ?? 0))) || '-',
      },
    };
  });
}

function cpu(samples: readonly Sample[]): string {
  const known = samples.flatMap((sample) => sample.cpuSeconds ?? []);
  return known.length === 0 ? '-' : median(known).toFixed(2);
}

function timeOf({ seconds, cpuSeconds, serversCpuSeconds }: Sample): string {
  const all =
    serversCpuSeconds === undefined ? '' : ` (CPU ${((cpuSeconds ?? 0) + serversCpuSeconds).toFixed(1)})`;
  return seconds.toFixed(2) + all;
}

/** Where the servers were measured too: what they spent for us and for the peer. */
function serversCpu(ours: readonly Sample[], theirs: readonly Sample[]): Record<string, string> {
  const known = (samples: readonly Sample[]) => samples.flatMap((one) => one.serversCpuSeconds ?? []);
  if (known(ours).length === 0) return {};
  return {
    'servers for us, CPU s': median(known(ours)).toFixed(2),
    'for them': median(known(theirs)).toFixed(2),
  };
}
