/** Who keeps a sync unit from going faster, and what can be done about it: for `query-status --why`. Pure. */
import type { SyncStatus, SyncTimes } from '../model/status.js';

/** '' where nothing does. */
export function bottleneckText({ bottleneck, timeShares, limitedBy }: SyncStatus): string {
  if (timeShares === undefined) return '';
  const says = TEXTS[bottleneck ?? 'none'](timeShares, limitedBy ?? 'a limit of the task');
  if (bottleneck === 'limit' || limitedBy === undefined) return says;
  const limited = `limited by ${limitedBy} ${percent(timeShares.limited)} of the time`;
  return says === '' ? limited : `${says}; ${limited}`;
}

const TEXTS: Record<NonNullable<SyncStatus['bottleneck']>, (times: SyncTimes, limit: string) => string> = {
  none: () => '',
  source: ({ read }) => `source: its events are waited for ${percent(read)} of the time`,
  worker: ({ decode, transform, sockets }) =>
    `worker: it decodes ${percent(decode)}, transforms ${percent(transform)} and serves connections ${percent(sockets)} of the time`,
  target: ({ execute, commit, statements }) =>
    `target: it executes ${percent(execute)} of the time` +
    (commit >= 0.01 ? `, commits ${percent(commit)}` : '') +
    (statements >= 0.01 ? `, and DDL is waited for ${percent(statements)}` : ''),
  limit: ({ limited }, limit) => `limit: ${limit} keeps it back ${percent(limited)} of the time`,
};

/** What helps, beside waiting. */
export function speedUp({ bottleneck, limitedBy }: SyncStatus): string {
  switch (bottleneck) {
    case 'limit':
      return `If it does not: raise \`${limitedBy ?? 'the limit'}\` in the task file, stop the task and start it with that.`;
    case 'worker':
      return 'If it does not: a faster machine, or one with less to do, for this worker.';
    case 'source':
      return 'If it does not: a source that sends faster, or a nearer one.';
    default:
      return 'If it does not: more connections to the target (`syncers.worker-count`), or a target that commits faster.';
  }
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
