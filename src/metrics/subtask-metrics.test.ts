import { describe, expect, it } from 'vitest';
import type { SyncStatus } from '../model/status.js';
import { subtaskMetrics, type MeasuredSubtask } from './subtask-metrics.js';

const SYNC: SyncStatus = {
  totalEvents: '10',
  totalTps: '1',
  recentTps: '1',
  masterBinlog: '(mysql-bin.000012, 345)',
  masterBinlogGtid: '',
  syncerBinlog: '(mysql-bin.000011, 99)',
  syncerBinlogGtid: '',
  blockingDDLs: [],
  unresolvedGroups: [],
  synced: false,
  binlogType: 'remote',
  secondsBehindMaster: '7',
  blockDDLOwner: '',
  conflictMsg: '',
  totalRows: '1234',
  totalRps: '5',
  recentRps: '5',
  bottleneck: 'limit',
  limitedBy: 'max-rows-per-second',
  replacedRows: [{ table: '`a`.`b`', rows: 3 }],
  isolatedTables: [
    {
      table: '`s`.`t`',
      target: '`d`.`t`',
      since: '2026-01-01 00:00:00',
      state: 'parked',
      error: {
        ErrCode: 10006,
        ErrClass: 'database',
        ErrScope: 'downstream',
        ErrLevel: 'high',
        Message: '',
        RawCause: '',
        Workaround: '',
      },
      changesKept: 4,
      bytes: 500,
      from: '',
      to: '',
    },
  ],
};

function subtask(task: string, more: Partial<MeasuredSubtask['status']>): MeasuredSubtask {
  return {
    source: 'one',
    worker: 'worker1',
    status: { name: task, stage: 'Running', unit: 'Sync', result: null, unresolvedDDLLockID: '', ...more },
    failures: new Map([['Sync', 2]]),
  };
}

const OF = 'task="t",source_id="one",worker="worker1"';

describe('metrics of subtasks', () => {
  it('tell what a sync unit does, under the names of DM where DM has them', async () => {
    const text = await subtaskMetrics([subtask('t', { sync: SYNC })]).metrics();
    for (const line of [
      `dm_worker_task_state{${OF}} 2`,
      `dm_syncer_replication_lag_gauge{${OF}} 7`,
      `dm_syncer_binlog_file{${OF},node="master"} 12`,
      `dm_syncer_binlog_pos{${OF},node="syncer"} 99`,
      `dm_syncer_exit_with_error_count{${OF}} 2`,
      `sluice_sync_rows_total{${OF}} 1234`,
      `sluice_sync_bottleneck{${OF},by="limit"} 1`,
      `sluice_sync_limited{${OF},by="max-rows-per-second"} 1`,
      `sluice_sync_replaced_rows_total{${OF},table="\`a\`.\`b\`"} 3`,
      `sluice_isolated_tables{${OF}} 1`,
      `sluice_isolated_changes{${OF},table="\`d\`.\`t\`",state="parked"} 4`,
      `sluice_isolated_bytes{${OF},table="\`d\`.\`t\`",state="parked"} 500`,
    ]) {
      expect(text).toContain(`${line}\n`);
    }
  });

  it('tell how far a copy is', async () => {
    const dump = {
      totalTables: '4',
      completedTables: 1,
      finishedBytes: 100,
      finishedRows: 10,
      estimateTotalRows: 40,
      bps: '1',
      progress: '25.00 %',
      timeShares: { read: 0.5, write: 0.25, waitForLoad: 0.25, limited: 0 },
    };
    const load = {
      finishedBytes: '50',
      totalBytes: '400',
      progress: '12.50 %',
      metaBinlog: '',
      metaBinlogGTID: '',
      bps: '1',
    };
    const registry = subtaskMetrics([
      subtask('t', { dump, unit: 'Dump' }),
      subtask('u', { load, unit: 'Load' }),
    ]);
    const text = await registry.metrics();
    expect(text).toContain(`sluice_dump_progress{${OF}} 0.25\n`);
    expect(text).toContain(`sluice_copy_time_share{${OF},unit="dump",phase="read"} 0.5\n`);
    expect(text).toContain(`dm_loader_progress{${OF.replace('"t"', '"u"')}} 0.125\n`);
  });
});
