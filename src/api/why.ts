/**
 * Why a subtask is where it is, and what leads out: the answer of `query-status --why`. Pure, from what the
 * cluster keeps and what the worker tells.
 */
import type { IsolatedTable, SubTaskStatus, SyncStatus } from '../model/status.js';
import type { SourceExplanation, SubtaskState } from './cluster.js';
import { bottleneckText, speedUp } from './why-bottleneck.js';
import {
  causesOf,
  causesOfIsolated,
  remedies,
  remediesOfIsolated,
  type Cause,
  type WayOut,
} from './why-causes.js';

export const REASONS = [
  'starting',
  'replicating',
  'behind',
  'table-aside',
  'copying',
  'paused-by-user',
  'paused-by-error',
  'backing-off',
  'no-worker',
  'worker-silent',
  'fenced',
  'ending',
  'finished',
  'stopped',
] as const;
export type Reason = (typeof REASONS)[number];

export interface Why {
  reason: Reason;
  /** One sentence. */
  text: string;
  stage: string;
  unit: string;
  /** RFC 3339; '' = unknown. */
  since: string;
  sinceSeconds: number;
  /** What it waits for; '' = for nothing. */
  waitsFor: string;
  /** Who keeps a sync unit from going faster, and by how much; '' = nobody. */
  bottleneck: string;
  causes: Cause[];
  autoResume: {
    enabled: boolean;
    /** RFC 3339; '' = no try is planned. */
    nextTryAt: string;
    nextTryInSeconds: number;
    tries: number;
    /** Why there will be none. */
    givesUpBecause: string;
  } | null;
  waysOut: WayOut[];
}

export function explain(explanation: SourceExplanation, status: SubTaskStatus): Why {
  const { view, states, now } = explanation;
  const source = view.source.source;
  const state = states.find(({ task }) => task === status.name);
  const since = state?.since ?? 0;
  const base = {
    stage: status.stage,
    unit: status.unit,
    since: since === 0 ? '' : iso(since),
    sinceSeconds: since === 0 ? 0 : seconds(now - since),
  };
  const running = status.stage === 'Running' && status.unit === 'Sync' && view.msg === '';
  const bottleneck = running && status.sync ? bottleneckText(status.sync) : '';
  return { ...base, bottleneck, ...judge({ explanation, status, state, task: status.name, source }) };
}

type Judgement = Omit<Why, 'stage' | 'unit' | 'since' | 'sinceSeconds' | 'bottleneck'>;

interface Case {
  readonly explanation: SourceExplanation;
  readonly status: SubTaskStatus;
  readonly state: SubtaskState | undefined;
  readonly task: string;
  readonly source: string;
}

const NOTHING = { waitsFor: '', causes: [] as Cause[], autoResume: null, waysOut: [] as WayOut[] };

function judge(one: Case): Judgement {
  const { view } = one.explanation;
  const { status } = one;
  if (status.stage === 'Finished') {
    return {
      ...NOTHING,
      reason: 'finished',
      text: 'All that the task is to do has been done.',
      waysOut: [command(one, 'stop-task', 'Forgets the task; its data stay.')],
    };
  }
  const paused = status.stage === 'Paused' ? judgePaused(one) : null;
  // The operator's pause is the nearer reason: a worker alone would change nothing.
  if (paused?.reason === 'paused-by-user') return paused;
  if (view.source.worker === '') return withoutWorker(one, paused);
  if (view.msg !== '') return silent(one, paused);
  if (paused !== null) return paused;
  switch (status.stage) {
    case 'Running':
      return running(one);
    case 'Pausing':
    case 'Stopping':
      return {
        ...NOTHING,
        reason: 'ending',
        text: `It is ${status.stage === 'Pausing' ? 'pausing' : 'stopping'}: what has been begun is committed or given up.`,
        waitsFor: 'the end of the unit, 15 seconds at most',
        waysOut: [command(one, 'query-status', 'Shows when it is done.')],
      };
    case 'Stopped':
      return {
        ...NOTHING,
        reason: 'stopped',
        text: 'It was stopped by stop-task and is about to be forgotten.',
        waysOut: [{ what: 'Starts it again.', command: 'dmctl start-task <task-file>' }],
      };
    default:
      return {
        ...NOTHING,
        reason: 'starting',
        text:
          status.stage === 'Resuming'
            ? 'It is being resumed: the unit connects to source and target.'
            : 'It has not begun yet: the unit connects to source and target.',
        waitsFor: 'the source and the target to answer',
        // What it is resumed from, where it is resumed by itself.
        causes: one.state?.errors.flatMap(causesOf) ?? [],
        autoResume: (one.state?.autoResume.tries ?? 0) > 0 ? autoResume(one, '') : null,
        waysOut: [command(one, 'pause-task', 'Stays out of it.')],
      };
  }
}

function judgePaused(one: Case): Judgement {
  const { state, status, explanation } = one;
  const errors = status.result?.errors ?? [];
  const causes = errors.flatMap(causesOf);
  if (state?.refusal)
    causes.push({ type: 'command', text: `the last command was refused: ${state.refusal}` });
  if (status.result?.isCanceled ?? true) {
    const rest = causes.length === 0 ? '' : ' It had failed before, and is not resumed by itself.';
    return {
      reason: 'paused-by-user',
      text: `It was paused by pause-task and stays so until it is resumed.${rest}`,
      waitsFor: 'resume-task',
      causes,
      autoResume: autoResume(one, 'it was paused by pause-task'),
      waysOut: [
        command(one, 'resume-task', 'Goes on from where it is.'),
        ...errors.flatMap((error) => remedies(one, error)),
      ],
    };
  }
  if (state?.fenced === true) {
    return {
      reason: 'fenced',
      text: 'Another worker has taken the target over; the source is about to be placed anew.',
      waitsFor: 'the leader to place the source',
      causes,
      autoResume: autoResume(one, 'another owner writes to the target'),
      waysOut: [command(one, 'resume-task', 'If it does not go on by itself within a minute.')],
    };
  }
  const auto = state?.autoResume;
  if (auto !== undefined && auto.nextAt > 0) {
    const wait = seconds(auto.nextAt - explanation.now);
    return {
      reason: 'backing-off',
      text: `An error has paused it, which may pass: it is resumed by itself ${wait === 0 ? 'at once' : `in ${wait} s`}${triesText(auto.tries)}.`,
      waitsFor: `the next try at ${iso(auto.nextAt)}`,
      causes,
      autoResume: autoResume(one, ''),
      waysOut: [
        command(one, 'resume-task', 'Tries at once.'),
        ...errors.flatMap((error) => remedies(one, error)),
        command(one, 'pause-task', 'Ends the tries.'),
      ],
    };
  }
  const because =
    auto === undefined || auto.enabled
      ? auto?.hopeless || 'nothing is known of the error'
      : 'the source has `checker.check-enable: false`';
  return {
    reason: 'paused-by-error',
    text: `An error has paused it, and it is not resumed by itself, because ${because}.`,
    waitsFor: 'somebody to mend it',
    causes,
    autoResume: autoResume(one, because),
    waysOut: [
      ...errors.flatMap((error) => remedies(one, error)),
      command(one, 'resume-task', 'Tries again, once it is mended.'),
    ],
  };
}

function withoutWorker(one: Case, paused: Judgement | null): Judgement {
  const { lastWorker, workers } = one.explanation;
  const offline = workers.filter(({ stage }) => stage === 'offline').map(({ name }) => name);
  const busy = workers.filter(({ stage }) => stage === 'bound');
  const free = workers.filter(({ stage }) => stage === 'free').map(({ name }) => name);
  const parts: string[] = [];
  if (lastWorker !== '')
    parts.push(`it was last on ${lastWorker}${offline.includes(lastWorker) ? ', which is offline' : ''}`);
  if (workers.length === 0) parts.push('the cluster has no workers');
  if (offline.length > 0) parts.push(`offline: ${offline.join(', ')}`);
  if (busy.length > 0)
    parts.push(`busy: ${busy.map(({ name, source }) => `${name} with ${source}`).join(', ')}`);
  if (free.length > 0) parts.push(`free: ${free.join(', ')}, so it is placed in a moment`);
  return {
    reason: 'no-worker',
    text: `The source ${one.source} has no worker, so nothing of it runs.`,
    waitsFor: 'a free worker',
    causes: [{ type: 'placement', text: parts.join('; ') }, ...(paused?.causes ?? [])],
    autoResume: paused?.autoResume ?? null,
    waysOut: [
      {
        what: `Starts ${offline.length > 0 ? 'one that is offline, or another' : 'another worker'}: each takes one source.`,
        command: 'dm-worker --name <name> --join <master-addr> --worker-addr <addr>',
      },
      { what: 'Shows the workers.', command: 'dmctl list-member --worker' },
      ...(paused?.waysOut ?? []),
    ],
  };
}

function silent(one: Case, paused: Judgement | null): Judgement {
  const { worker } = one.explanation.view.source;
  return {
    reason: 'worker-silent',
    text: `The worker ${worker} does not answer; what is shown is what it said last.`,
    waitsFor: `${worker} to answer, or its lease to end (keepalive-ttl): another worker then takes the source`,
    causes: [{ type: 'placement', text: one.explanation.view.msg }, ...(paused?.causes ?? [])],
    autoResume: null,
    waysOut: [
      { what: 'Shows the workers.', command: 'dmctl list-member --worker' },
      { what: `Please see the log of ${worker}, and start it again.`, command: '' },
    ],
  };
}

function running(one: Case): Judgement {
  const { status, state } = one;
  const causes: Cause[] = [];
  if (state !== undefined && !state.taken) {
    causes.push({
      type: 'command',
      text: `it is to be ${state.wanted}: the command is on its way to the worker`,
    });
  }
  if (status.unit !== 'Sync') {
    const { dump, load } = status;
    const how = status.unit === 'Check' ? 'It checks source and target.' : 'It copies the tables.';
    const done = [
      dump && `dumped ${dump.progress || `${dump.completedTables} tables`}`,
      load && `loaded ${load.progress}`,
    ].filter(Boolean);
    return {
      ...NOTHING,
      reason: status.unit === 'Check' ? 'starting' : 'copying',
      text: `${how}${done.length === 0 ? '' : ` So far ${done.join(', ')}.`}`,
      causes,
      waysOut: [command(one, 'pause-task', 'Stops here; what is copied stays.')],
    };
  }
  const { sync } = status;
  if (sync === undefined || sync.masterBinlog === '(, 0)') {
    return {
      ...NOTHING,
      reason: 'starting',
      text: 'It replicates; it has not said yet how far it is.',
      waitsFor: 'the source and the target to answer',
      causes,
      waysOut: [command(one, 'query-status', 'Shows it in a moment.')],
    };
  }
  if (sync.blockingDDLs.length > 0) causes.push({ type: 'statement', sql: sync.blockingDDLs.join('; ') });
  const aside = sync.isolatedTables ?? [];
  if (aside.length > 0) return withTablesAside(one, sync, aside);
  if (sync.synced) {
    return {
      ...NOTHING,
      reason: 'replicating',
      text: 'It replicates and has all that the source has.',
      causes,
    };
  }
  return behind(one, sync, causes);
}

function withTablesAside(one: Case, sync: SyncStatus, aside: readonly IsolatedTable[]): Judgement {
  const names = aside.map(({ table }) => table).join(', ');
  const rest = sync.synced ? 'up to date' : `${sync.secondsBehindMaster} s behind`;
  const parked = aside.filter(({ state }) => state === 'parked');
  return {
    ...NOTHING,
    reason: 'table-aside',
    text: `It replicates and is ${rest}, but for what is set aside after an error: ${names}.`,
    waitsFor: parked.length === 0 ? `${names} to catch up` : 'somebody to mend what keeps them aside',
    causes: aside.flatMap(causesOfIsolated),
    waysOut: parked.flatMap((table) => remediesOfIsolated(one, table)),
  };
}

function behind(one: Case, sync: SyncStatus, causes: Cause[]): Judgement {
  causes.push({
    type: 'location',
    startLocation: `${sync.syncerBinlog} ${sync.syncerBinlogGtid}`.trim(),
    endLocation: `${sync.masterBinlog} ${sync.masterBinlogGtid}`.trim(),
  });
  const blocked = sync.blockingDDLs.length > 0;
  const rate = `${sync.recentRps} rows and ${sync.recentTps} events a second just now`;
  return {
    ...NOTHING,
    reason: 'behind',
    text: `It replicates and is ${sync.secondsBehindMaster} s behind: ${rate}.`,
    waitsFor: blocked ? 'a DDL' : 'the target to commit what is given to it',
    causes,
    waysOut: blocked
      ? [{ what: 'Shows the locks of DDL.', command: 'dmctl show-ddl-locks' }]
      : [command(one, 'query-status', 'Shows whether it catches up.'), { what: speedUp(sync), command: '' }],
  };
}

function autoResume(one: Case, givesUpBecause: string): Why['autoResume'] {
  const auto = one.state?.autoResume;
  if (auto === undefined) return null;
  return {
    enabled: auto.enabled,
    nextTryAt: auto.nextAt === 0 ? '' : iso(auto.nextAt),
    nextTryInSeconds: auto.nextAt === 0 ? 0 : seconds(auto.nextAt - one.explanation.now),
    tries: auto.tries,
    givesUpBecause,
  };
}

function triesText(tries: number): string {
  if (tries === 0) return '';
  return `, after ${tries} ${tries === 1 ? 'try that has' : 'tries that have'} not lasted`;
}

function command({ task, source }: Case, name: string, what: string): WayOut {
  return { what, command: `dmctl ${name} -s ${source} ${task}` };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function seconds(ms: number): number {
  return Math.max(0, Math.round(ms / 1000));
}
