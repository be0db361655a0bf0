/** Who keeps a sync unit from going faster, judged by where its time goes. Pure. */
import type { Bottleneck, SyncTimes } from '../model/status.js';

/** A target that is at work for so much of the time while the source has nothing to read is what is waited for. */
const BUSY = 0.5;

export function bottleneckOf(shares: SyncTimes, synced: boolean): Bottleneck {
  if (synced) return 'none';
  const { read, decode, transform, sockets, waitForLane, statements, limited, execute, commit } = shares;
  const parts: [Bottleneck, number][] = [
    ['limit', limited],
    ['target', waitForLane + statements],
    ['worker', decode + transform + sockets],
    ['source', read],
  ];
  const [[most, part]] = parts.sort((a, b) => b[1] - a[1]);
  if (part === 0) return 'none';
  return most === 'source' && execute + commit >= BUSY ? 'target' : most;
}
