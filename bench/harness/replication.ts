/** Segments of binlog that are written once and applied by us and by a native MariaDB replica. */
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import { subtaskConfig } from '../../test/copy/support.js';
import type { DatabaseServer } from '../../test/servers/database.js';
import { cpuOf, peakMemory, type Sample } from './measure.js';
import { startSubtask, untilSynced } from './subtask.js';

const DEADLINE_S = 600;
const STATEMENTS_A_CALL = 200;

export interface Place {
  readonly name: string;
  readonly pos: number;
  readonly gtid: string;
}

export interface Segment {
  readonly name: string;
  /** `schema.table`s that it writes to. */
  readonly tables: readonly string[];
  /** Rows that it changes. */
  readonly rows: number;
  /** Makes the tables as they are before the segment. */
  readonly setUp: string;
  readonly statements: readonly string[];
}

export interface Written {
  readonly start: Place;
  readonly end: Place;
}

export async function place(source: DatabaseServer): Promise<Place> {
  const [row] = await source.query('SHOW MASTER STATUS');
  const [set] = await source.query('SELECT @@gtid_binlog_pos AS g');
  return { name: String(row!['File']), pos: Number(row!['Position']), gtid: String(set!['g']) };
}

export async function writeSegment(source: DatabaseServer, segment: Segment): Promise<Written> {
  await source.execute(segment.setUp);
  const start = await place(source);
  const { statements } = segment;
  for (let i = 0; i < statements.length; i += STATEMENTS_A_CALL) {
    await source.execute(statements.slice(i, i + STATEMENTS_A_CALL).join(';'));
  }
  return { start, end: await place(source) };
}

/** An incremental task over these tables alone. */
export function incremental(
  source: DatabaseServer,
  target: DatabaseServer,
  tables: readonly string[],
  start: Place,
): SubtaskConfig {
  const doTables = tables.map((table) => {
    const [dbName, tblName] = table.split('.') as [string, string];
    return { dbName, tblName };
  });
  return subtaskConfig(source, target, {
    task: 'bench',
    taskMode: 'incremental',
    ignoreCheckingItems: ['all'],
    meta: { binlogName: start.name, binlogPos: start.pos, binlogGtid: start.gtid },
    blockAllow: { doDbs: [], doTables, ignoreDbs: [], ignoreTables: [] },
  });
}

/** Ours, from the begin of the sync unit until the segment's end is reached. */
export async function applyByUs(
  source: DatabaseServer,
  target: DatabaseServer,
  segment: Segment,
  { start, end }: Written,
  adapt: (config: SubtaskConfig) => void = () => undefined,
): Promise<Sample> {
  await target.execute(segment.setUp);
  const config = incremental(source, target, segment.tables, start);
  adapt(config);
  let began = 0;
  let cpu = process.cpuUsage();
  const subtask = await startSubtask(config, (unit) => {
    if (unit !== 'Sync') return;
    began = performance.now();
    cpu = process.cpuUsage();
  });
  await untilSynced(subtask, end);
  const seconds = (performance.now() - began) / 1000;
  const used = process.cpuUsage(cpu);
  await subtask.end();
  return { seconds, cpuSeconds: (used.user + used.system) / 1e6, peakMb: peakMemory(process.pid) };
}

/** A replica that stands at `from`, stopped. */
export async function attachReplica(
  source: DatabaseServer,
  replica: DatabaseServer,
  from: Place,
): Promise<void> {
  await replica.execute(`SET GLOBAL gtid_slave_pos = '${from.gtid}';
    CHANGE MASTER TO master_host = '${source.host}', master_port = ${source.port}, master_user = '${source.user}',
      master_password = '${source.password}', master_use_gtid = slave_pos`);
}

/** The server's own replication with parallel threads. */
export async function applyByReplica(
  source: DatabaseServer,
  replica: DatabaseServer,
  segment: Segment,
  { start, end }: Written,
  how: { readonly threads: number; readonly mode: 'optimistic' | 'conservative' },
): Promise<Sample> {
  await replica.execute(segment.setUp);
  await replica.execute(
    `SET GLOBAL slave_parallel_threads = ${how.threads}; SET GLOBAL slave_parallel_mode = '${how.mode}'`,
  );
  await attachReplica(source, replica, start);
  const cpu = cpuOf(replica.pid);
  const began = performance.now();
  await replica.execute(`START SLAVE UNTIL master_gtid_pos = '${end.gtid}'`);
  const [row] = await replica.query(`SELECT MASTER_GTID_WAIT('${end.gtid}', ${DEADLINE_S}) AS timedOut`);
  const seconds = (performance.now() - began) / 1000;
  const cpuSeconds = cpuOf(replica.pid) - cpu;
  await replica.execute('STOP SLAVE; RESET SLAVE ALL');
  if (Number(row?.['timedOut']) !== 0) throw new Error(`the replica did not reach ${end.gtid}`);
  return { seconds, cpuSeconds, peakMb: null };
}
