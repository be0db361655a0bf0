/**
 * What Prometheus is told of the subtasks of a worker. Names are DM's where DM has the same thing; ours begin
 * with `sluice_`. A registry is made for each scrape from what the threads say at that moment, so nothing of a
 * task that is gone stays behind.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import { STAGES } from '../model/stage.js';
import type { SubTaskStatus, SyncFigures, SyncStatus } from '../model/status.js';

export interface MeasuredSubtask {
  readonly source: string;
  readonly worker: string;
  readonly status: SubTaskStatus;
  /** Of a sync unit that runs. */
  readonly figures?: SyncFigures;
  /** Runs that have ended with an error, by unit. */
  readonly failures: ReadonlyMap<string, number>;
}

const LABELS = ['task', 'source_id', 'worker'];

type Labels = Record<string, string>;

/** Sets figures in one registry; a metric is made when it is first told. */
class Figures {
  readonly registry = new Registry();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();

  gauge(name: string, help: string, labels: Labels, value: number): void {
    let gauge = this.#gauges.get(name);
    if (gauge === undefined) {
      gauge = new Gauge({ name, help, labelNames: Object.keys(labels), registers: [this.registry] });
      this.#gauges.set(name, gauge);
    }
    gauge.set(labels, value);
  }

  counter(name: string, help: string, labels: Labels, value: number): void {
    let counter = this.#counters.get(name);
    if (counter === undefined) {
      counter = new Counter({ name, help, labelNames: Object.keys(labels), registers: [this.registry] });
      this.#counters.set(name, counter);
    }
    counter.inc(labels, value);
  }
}

export function subtaskMetrics(subtasks: readonly MeasuredSubtask[]): Registry {
  const figures = new Figures();
  for (const subtask of subtasks) {
    const { status, source, worker, failures } = subtask;
    const labels = Object.fromEntries(LABELS.map((label, i) => [label, [status.name, source, worker][i]]));
    figures.gauge(
      'dm_worker_task_state',
      'stage of the subtask: 1 New, 2 Running, 3 Paused, 4 Stopped, 5 Finished, 6 Pausing, 7 Resuming, 8 Stopping',
      labels,
      STAGES.indexOf(status.stage) + 1,
    );
    for (const [unit, failed] of failures) {
      const name = EXITS[unit] ?? 'sluice_unit_exit_with_error_count';
      figures.counter(name, 'runs of the unit that have ended with an error', labels, failed);
    }
    tellTimes(figures, labels, 'dump', status.dump?.timeShares);
    tellTimes(figures, labels, 'load', status.load?.timeShares);
    if (status.dump) tellDump(figures, labels, status.dump);
    if (status.load) tellLoad(figures, labels, status.load);
    if (status.sync) tellSync(figures, labels, status.sync);
    if (subtask.figures) tellFigures(figures, labels, subtask.figures);
  }
  return figures.registry;
}

const EXITS: Record<string, string> = {
  Dump: 'dm_mydumper_exit_with_error_count',
  Load: 'dm_loader_exit_with_error_count',
  Sync: 'dm_syncer_exit_with_error_count',
};

function tellTimes(figures: Figures, labels: Labels, unit: string, shares: object | undefined): void {
  for (const [phase, part] of Object.entries(shares ?? {}) as [string, number][]) {
    const help = 'where the time of the copy goes, 0..1';
    figures.gauge('sluice_copy_time_share', help, { ...labels, unit, phase }, part);
  }
}

function tellDump(figures: Figures, labels: Labels, dump: NonNullable<SubTaskStatus['dump']>): void {
  figures.gauge(
    'sluice_dump_progress',
    'share of the rows that are read, 0..1',
    labels,
    ratio(dump.progress),
  );
  figures.gauge('sluice_dump_rows', 'rows that are read', labels, dump.finishedRows);
  figures.gauge('sluice_dump_bytes', 'bytes that are read', labels, dump.finishedBytes);
  figures.gauge('sluice_dump_tables', 'tables of the copy', labels, Number(dump.totalTables));
  figures.gauge('sluice_dump_tables_done', 'tables that are read and loaded', labels, dump.completedTables);
}

function tellLoad(figures: Figures, labels: Labels, load: NonNullable<SubTaskStatus['load']>): void {
  figures.gauge(
    'dm_loader_progress',
    'share of the bytes that are loaded, 0..1',
    labels,
    ratio(load.progress),
  );
  figures.gauge('sluice_load_bytes', 'bytes that are loaded', labels, Number(load.finishedBytes));
  figures.gauge('sluice_load_total_bytes', 'bytes that there are to load', labels, Number(load.totalBytes));
}

function tellSync(figures: Figures, labels: Labels, sync: SyncStatus): void {
  const gauge = (name: string, help: string, value: number, more: Labels = {}): void =>
    figures.gauge(name, help, { ...labels, ...more }, value);
  const counter = (name: string, help: string, value: number, more: Labels = {}): void =>
    figures.counter(name, help, { ...labels, ...more }, value);
  gauge('dm_syncer_replication_lag_gauge', 'seconds behind the source', Number(sync.secondsBehindMaster));
  gauge('sluice_sync_up_to_date', '1 where all that the source has is there', sync.synced ? 1 : 0);
  for (const [node, place] of [
    ['master', sync.masterBinlog],
    ['syncer', sync.syncerBinlog],
  ] as const) {
    const { file, pos } = parsePlace(place);
    gauge('dm_syncer_binlog_file', 'number of the binlog file', file, { node });
    gauge('dm_syncer_binlog_pos', 'offset in the binlog file', pos, { node });
  }
  counter('sluice_sync_events_total', 'events that were handled', Number(sync.totalEvents));
  counter('sluice_sync_rows_total', 'row changes that are committed in the target', Number(sync.totalRows));
  for (const [phase, seconds] of Object.entries(sync.timeTotals ?? {}) as [string, number][]) {
    counter('sluice_sync_seconds_total', 'where the time goes', seconds, { phase });
  }
  for (const [phase, part] of Object.entries(sync.timeShares ?? {}) as [string, number][]) {
    gauge('sluice_sync_time_share', 'the same as share of the last interval, 0..1', part, { phase });
  }
  gauge('sluice_sync_bottleneck', 'who keeps it from going faster', 1, { by: sync.bottleneck ?? 'none' });
  if (sync.limitedBy !== undefined) {
    gauge('sluice_sync_limited', 'the key of the task file that limits it', 1, { by: sync.limitedBy });
  }
  for (const { table, rows } of sync.replacedRows ?? []) {
    counter('sluice_sync_replaced_rows_total', 'rows that safe mode has removed', rows, { table });
  }
  const aside = sync.isolatedTables ?? [];
  gauge('sluice_isolated_tables', 'tables that are set aside after an error', aside.length);
  for (const { target, state, changesKept, bytes } of aside) {
    gauge('sluice_isolated_changes', 'changes that are kept', changesKept, { table: target, state });
    gauge('sluice_isolated_bytes', 'bytes of the changes that are kept', bytes, { table: target, state });
  }
}

function tellFigures(figures: Figures, labels: Labels, known: SyncFigures): void {
  const counter = (name: string, help: string, value: number): void =>
    figures.counter(name, help, labels, value);
  counter(
    'dm_syncer_finished_transaction_total',
    'transactions of the source that were read',
    known.transactions,
  );
  counter('sluice_sync_ddls_total', 'DDL statements that were handled', known.ddls);
  counter('sluice_sync_binlog_bytes_total', 'bytes of binlog that were read', known.bytesRead);
  counter('sluice_sync_packets_total', 'packets that the target has answered', known.answers);
  counter('sluice_sync_packet_seconds_total', 'time of all packets together', known.answerSeconds);
  figures.gauge(
    'sluice_sync_queue_bytes',
    'bytes of statements not committed yet',
    labels,
    known.queuedBytes,
  );
}

/** `25.44 %` -> 0.2544 */
function ratio(percent: string): number {
  return (Number.parseFloat(percent) || 0) / 100;
}

/** `(mysql-bin.000012, 345)` -> 12 and 345. */
function parsePlace(text: string): { file: number; pos: number } {
  const match = /\.(\d+), (\d+)\)$/.exec(text);
  return match === null ? { file: 0, pos: 0 } : { file: Number(match[1]), pos: Number(match[2]) };
}
