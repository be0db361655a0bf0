import { describe, expect, test } from 'vitest';
import type { IsolatedTable, ProcessError, SubTaskStatus, SyncStatus } from '../model/status.js';
import type { SourceExplanation, SubtaskState, WorkerMember } from './cluster.js';
import { causesOf } from './why-causes.js';
import { explain, type Why } from './why.js';

const NOW = Date.UTC(2026, 0, 1);
const ERROR: ProcessError = {
  ErrCode: 10006,
  ErrClass: 'database',
  ErrScope: 'downstream',
  ErrLevel: 'high',
  Message:
    'startLocation: [position: (bin.1, 4), gtid-set: 0-1-1], endLocation: [position: (bin.1, 90), gtid-set: 0-1-1], origin SQL: [ALTER TABLE `a`.`b` ADD c SET("]: x")]: execute statement failed: ALTER',
  RawCause: 'Error 1050 (42S01): no',
  Workaround: '',
};
const STATE: SubtaskState = {
  task: 't',
  stage: 'Paused',
  since: NOW - 5_000,
  wanted: 'Running',
  taken: true,
  canceled: false,
  errors: [ERROR],
  autoResume: { enabled: true, nextAt: 0, tries: 0, hopeless: '' },
  fenced: false,
  refusal: '',
};
const SYNC: SyncStatus = {
  totalEvents: '0',
  totalTps: '0',
  recentTps: '1',
  masterBinlog: '(bin.1, 90)',
  masterBinlogGtid: '',
  syncerBinlog: '(bin.1, 4)',
  syncerBinlogGtid: '',
  blockingDDLs: [],
  unresolvedGroups: [],
  synced: true,
  binlogType: 'remote',
  secondsBehindMaster: '0',
  blockDDLOwner: '',
  conflictMsg: '',
  totalRows: '0',
  totalRps: '0',
  recentRps: '2',
};

function judge(options: {
  stage: SubTaskStatus['stage'];
  canceled?: boolean;
  errors?: ProcessError[];
  state?: Partial<SubtaskState>;
  sync?: Partial<SyncStatus>;
  unit?: SubTaskStatus['unit'];
  worker?: string;
  msg?: string;
  workers?: WorkerMember[];
}): Why {
  const { stage, canceled = false, errors = [], worker = 'w1', msg = '', workers = [] } = options;
  const resting = ['Paused', 'Finished', 'Stopped'].includes(stage);
  const status: SubTaskStatus = {
    name: 't',
    stage,
    unit: options.unit ?? 'Sync',
    result: resting ? { isCanceled: canceled, errors, detail: null } : null,
    unresolvedDDLLockID: '',
    sync: { ...SYNC, ...options.sync },
  };
  const explanation: SourceExplanation = {
    view: { source: { source: 's', worker, result: null, relayStatus: null }, subtasks: [status], msg },
    states: [{ ...STATE, stage, errors, canceled, ...options.state }],
    now: NOW,
    lastWorker: 'w1',
    workers,
  };
  return explain(explanation, status);
}

describe('why', () => {
  test('since when is told in the clock of the cluster', () => {
    expect(judge({ stage: 'Paused', canceled: true })).toMatchObject({
      since: '2025-12-31T23:59:55.000Z',
      sinceSeconds: 5,
    });
  });

  test.each([
    ['the user before the error', { stage: 'Paused', canceled: true, errors: [ERROR] }, 'paused-by-user'],
    ['the user before a missing worker', { stage: 'Paused', canceled: true, worker: '' }, 'paused-by-user'],
    ['a missing worker before the error', { stage: 'Paused', errors: [ERROR], worker: '' }, 'no-worker'],
    ['a silent worker', { stage: 'Running', msg: 'no answer' }, 'worker-silent'],
    ['the error', { stage: 'Paused', errors: [ERROR] }, 'paused-by-error'],
    ['another owner', { stage: 'Paused', errors: [ERROR], state: { fenced: true } }, 'fenced'],
    ['on its way to Paused', { stage: 'Pausing' }, 'ending'],
    ['on its way to Stopped', { stage: 'Stopping' }, 'ending'],
    ['new', { stage: 'New' }, 'starting'],
    ['resuming', { stage: 'Resuming' }, 'starting'],
    ['checking', { stage: 'Running', unit: 'Check' }, 'starting'],
    ['copying', { stage: 'Running', unit: 'Load' }, 'copying'],
    ['up to date', { stage: 'Running' }, 'replicating'],
    ['behind', { stage: 'Running', sync: { synced: false } }, 'behind'],
    ['done', { stage: 'Finished' }, 'finished'],
    ['stopped', { stage: 'Stopped' }, 'stopped'],
  ] as const)('%s', (_name, options, reason) => {
    const why = judge(options as Parameters<typeof judge>[0]);
    expect(why.reason).toBe(reason);
    expect(why.text).not.toBe('');
    if (reason !== 'replicating') expect(why.waysOut.length).toBeGreaterThan(0);
    for (const { what } of why.waysOut) expect(what).not.toBe('');
  });

  test('the next try, the tries before it, and no command but those that help', () => {
    const why = judge({
      stage: 'Paused',
      errors: [ERROR],
      state: { autoResume: { enabled: true, nextAt: NOW + 4_000, tries: 2, hopeless: '' } },
    });
    expect(why).toMatchObject({
      reason: 'backing-off',
      waitsFor: 'the next try at 2026-01-01T00:00:04.000Z',
      autoResume: { nextTryInSeconds: 4, tries: 2, givesUpBecause: '' },
    });
    expect(why.text).toContain('in 4 s, after 2 tries that have not lasted');
    expect(why.waysOut.map(({ command }) => command)).toEqual([
      'dmctl resume-task -s s t',
      'dmctl binlog skip -s s t',
      'dmctl binlog replace -s s t "<sql>;"',
      'dmctl pause-task -s s t',
    ]);
  });

  test('why there is no try', () => {
    const no = (autoResume: Partial<SubtaskState['autoResume']>) =>
      judge({
        stage: 'Paused',
        errors: [ERROR],
        state: { autoResume: { ...STATE.autoResume, ...autoResume } },
      }).autoResume?.givesUpBecause;
    expect(no({ hopeless: 'it is so' })).toBe('it is so');
    expect(no({ enabled: false, hopeless: 'it is so' })).toBe('the source has `checker.check-enable: false`');
  });

  test('where the workers are when the source has none', () => {
    const member = (name: string, stage: WorkerMember['stage'], source = ''): WorkerMember => ({
      name,
      addr: '',
      stage,
      source,
    });
    const workers = [member('w1', 'offline'), member('w2', 'bound', 'other')];
    const why = judge({ stage: 'Running', worker: '', msg: 'unbound', workers });
    expect(why.causes[0]).toEqual({
      type: 'placement',
      text: 'it was last on w1, which is offline; offline: w1; busy: w2 with other',
    });
  });

  test('a table that is set aside', () => {
    const table: IsolatedTable = {
      table: '`a`.`b`',
      target: '`a`.`b`',
      since: '2026-01-01 00:00:00',
      state: 'parked',
      error: ERROR,
      changesKept: 3,
      bytes: 100,
      from: '',
      to: '',
    };
    const why = judge({ stage: 'Running', sync: { isolatedTables: [table] } });
    expect(why.reason).toBe('table-aside');
    expect(why.text).toContain('but for what is set aside after an error: `a`.`b`');
    expect(why.waysOut.map(({ command }) => command)).toContain('dmctl isolation retry -s s t --table a.b');
  });

  test('an error is taken apart into what failed, where, on which statement, and what was said', () => {
    expect(causesOf(ERROR)).toEqual([
      {
        type: 'error',
        code: 10006,
        class: 'database',
        scope: 'downstream',
        level: 'high',
        message: 'execute statement failed: ALTER',
      },
      {
        type: 'location',
        startLocation: 'position: (bin.1, 4), gtid-set: 0-1-1',
        endLocation: 'position: (bin.1, 90), gtid-set: 0-1-1',
      },
      { type: 'statement', sql: 'ALTER TABLE `a`.`b` ADD c SET("]: x")' },
      { type: 'raw', text: 'Error 1050 (42S01): no' },
    ]);
    expect(causesOf({ ...ERROR, Message: 'plain', RawCause: '' })).toHaveLength(1);
  });
});
