/**
 * Replication of written binlog segments: a subtask of ours against a native MariaDB replica with four
 * optimistic parallel threads, each into an identical server, in turns. `npm run bench -- sync`; SYNC_ROWS
 * for the rows of a segment of single-row transactions (40,000), SYNC_ROUNDS (3), SYNC_ONLY for a part of
 * a segment's name, SYNC_OURS=1 without the replica (for profiles), SYNC_WORKERS (4, as the replica), SYNC_BATCH (100).
 * Rates depend on the machine, ratios less so; the CPU time per row (ours: subtask + target) hardly does.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RealClock } from '../src/runtime/real/clock.js';
import { nextTurn } from '../src/runtime/real/turn.js';
import { SubtaskRunner } from '../src/subtask/runner.js';
import { silentLog, subtaskConfig } from '../test/copy/support.js';
import type { DatabaseServer } from '../test/servers/database.js';
import { startMariaDb } from '../test/servers/mariadb.js';
import { compareTables } from '../test/support/compare-tables.js';

const ROWS = Number(process.env['SYNC_ROWS'] ?? 40_000);
const ROUNDS = Number(process.env['SYNC_ROUNDS'] ?? 3);
const ONLY = process.env['SYNC_ONLY'] ?? '';
const WITH_REPLICA = process.env['SYNC_OURS'] !== '1';
const DEADLINE_MS = 600_000;

const C = "'12345678901-12345678902-12345678903-12345678904-12345678905-12345678906-12345678907-12345678908'";
const PAD = "'22195207048-70116052123-74140395089-76317954521-98694025897'";

interface Segment {
  readonly name: string;
  readonly table: string;
  readonly rows: number;
  /** Rows that are there before. */
  readonly filled: number;
  readonly statements: string[];
  /** Least ratio of ours to the replica's rate. */
  readonly target: number;
}

function times(count: number, make: (i: number) => string): string[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

const BULK = ROWS * 5;
const SEGMENTS: Segment[] = [
  {
    name: 'single-row inserts',
    table: 'b.t1',
    rows: ROWS,
    filled: 0,
    statements: times(ROWS, (i) => `INSERT INTO b.t1 VALUES (${i + 1}, ${i % 997}, ${C}, ${PAD})`),
    target: 1.5,
  },
  {
    name: 'single-row updates',
    table: 'b.t2',
    rows: ROWS,
    filled: 10_000,
    statements: times(ROWS, (i) => `UPDATE b.t2 SET k = k + 1 WHERE id = ${1 + ((i * 7919) % 10_000)}`),
    target: 1.5,
  },
  {
    name: '1000-row inserts',
    table: 'b.t3',
    rows: BULK,
    filled: 0,
    statements: times(
      BULK / 1000,
      (i) => `INSERT INTO b.t3 SELECT seq + ${i * 1000}, seq % 997, ${C}, ${PAD} FROM seq_1_to_1000`,
    ),
    target: 0.6,
  },
  {
    name: '100-row updates',
    table: 'b.t4',
    rows: BULK,
    filled: 50_000,
    statements: times(BULK / 100, (i) => {
      const from = ((i * 100) % 50_000) + 1;
      return `UPDATE b.t4 SET k = k + 1 WHERE id BETWEEN ${from} AND ${from + 99}`;
    }),
    target: 0.6,
  },
].filter((segment) => segment.name.includes(ONLY));

interface Place {
  readonly name: string;
  readonly pos: number;
  readonly gtid: string;
}

interface Written {
  readonly start: Place;
  readonly end: Place;
}

/** CPU time of a process so far, seconds (100 ticks a second on Linux). */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function place(source: DatabaseServer): Promise<Place> {
  const [row] = await source.query('SHOW MASTER STATUS');
  const [set] = await source.query('SELECT @@gtid_binlog_pos AS g');
  return { name: String(row!['File']), pos: Number(row!['Position']), gtid: String(set!['g']) };
}

/** The table as it is before the segment. */
function setUp({ table, filled }: Segment): string {
  const create = `USE b; DROP TABLE IF EXISTS ${table}; CREATE TABLE ${table}
    (id INT PRIMARY KEY, k INT NOT NULL, c CHAR(120) NOT NULL, pad CHAR(60) NOT NULL, KEY (k))`;
  if (filled === 0) return create;
  return `${create}; INSERT INTO ${table} SELECT seq, seq % 997, ${C}, ${PAD} FROM seq_1_to_${filled}`;
}

async function write(source: DatabaseServer, segment: Segment): Promise<Written> {
  await source.execute(setUp(segment));
  const start = await place(source);
  const { statements } = segment;
  for (let i = 0; i < statements.length; i += 200) {
    await source.execute(statements.slice(i, i + 200).join(';'));
  }
  return { start, end: await place(source) };
}

/** Seconds from the begin of the sync unit until the segment's end is reached. */
async function ours(
  source: DatabaseServer,
  target: DatabaseServer,
  segment: Segment,
  { start, end }: Written,
  dataDir: string,
): Promise<number> {
  await target.execute(setUp(segment));
  const [schema, table] = segment.table.split('.') as [string, string];
  const config = subtaskConfig(source, target, {
    task: 'bench',
    taskMode: 'incremental',
    ignoreCheckingItems: ['all'],
    meta: { binlogName: start.name, binlogPos: start.pos, binlogGtid: start.gtid },
    blockAllow: {
      doDbs: [],
      doTables: [{ dbName: schema, tblName: table }],
      ignoreDbs: [],
      ignoreTables: [],
    },
  });
  config.sync.workerCount = Number(process.env['SYNC_WORKERS'] ?? 4);
  config.sync.batch = Number(process.env['SYNC_BATCH'] ?? 100);
  let began = 0;
  const runner = new SubtaskRunner({
    start: {
      config,
      epoch: 1,
      removeMeta: true,
      workerName: 'bench',
      dataDir,
      log: { level: 'error', file: '', format: 'text' },
    },
    ports: { clock: new RealClock(), log: silentLog },
    nextTurn,
    onUnit: (unit) => {
      if (unit === 'Sync') began = performance.now();
    },
  });
  const done = runner.run();
  let ended: unknown;
  void done.then((outcome) => (ended = outcome));
  for (;;) {
    const at = /\((.*), (\d+)\)/.exec((await runner.status()).sync?.syncerBinlog ?? '');
    if (at !== null && at[1] === end.name && Number(at[2]) >= end.pos) break;
    if (ended !== undefined) throw new Error(`the subtask has ended: ${JSON.stringify(ended)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const seconds = (performance.now() - began) / 1000;
  runner.end();
  await done;
  return seconds;
}

async function replica(
  source: DatabaseServer,
  server: DatabaseServer,
  segment: Segment,
  { start, end }: Written,
): Promise<number> {
  await server.execute(setUp(segment));
  await server.execute(`SET GLOBAL gtid_slave_pos = '${start.gtid}';
    CHANGE MASTER TO master_host = '${source.host}', master_port = ${source.port}, master_user = '${source.user}',
      master_password = '${source.password}', master_use_gtid = slave_pos`);
  const began = performance.now();
  await server.execute(`START SLAVE UNTIL master_gtid_pos = '${end.gtid}'`);
  const [row] = await server.query(
    `SELECT MASTER_GTID_WAIT('${end.gtid}', ${DEADLINE_MS / 1000}) AS timedOut`,
  );
  const seconds = (performance.now() - began) / 1000;
  await server.execute('STOP SLAVE; RESET SLAVE ALL');
  if (Number(row?.['timedOut']) !== 0) throw new Error(`the replica did not reach ${end.gtid}`);
  return seconds;
}

async function main(): Promise<number> {
  const server = { redoLogMb: 1024, settings: ['innodb-buffer-pool-size=256M'] };
  await using source = await startMariaDb(server);
  await using target = await startMariaDb({ ...server, binlog: 'off' });
  await using other = await startMariaDb({ ...server, binlog: 'off' });
  for (const each of [source, target, other]) await each.execute('CREATE DATABASE b');
  await other.execute("SET GLOBAL slave_parallel_threads = 4; SET GLOBAL slave_parallel_mode = 'optimistic'");
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-bench-sync-'));
  const table: Record<string, Record<string, string | number>> = {};
  let failed = 0;
  for (const segment of SEGMENTS) {
    const written = await write(source, segment);
    const own: number[] = [];
    const native: number[] = [];
    const cpu = { subtask: 0, target: 0, replica: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const before = [cpuOf(process.pid), cpuOf(target.pid), cpuOf(other.pid)];
      own.push(await ours(source, target, segment, written, dataDir));
      if (WITH_REPLICA) native.push(await replica(source, other, segment, written));
      cpu.subtask += cpuOf(process.pid) - before[0]!;
      cpu.target += cpuOf(target.pid) - before[1]!;
      cpu.replica += cpuOf(other.pid) - before[2]!;
    }
    const rate = (list: readonly number[]): number => Math.round(segment.rows / Math.min(...list));
    const ratio = Math.min(...native) / Math.min(...own);
    const [same] = await compareTables(source, target, [segment.table]);
    if ((WITH_REPLICA && ratio < segment.target) || same?.equal !== true) failed++;
    const each = (seconds: number): string => ((seconds * 1e6) / segment.rows / ROUNDS).toFixed(1);
    table[segment.name] = {
      rows: segment.rows,
      'ours rows/s': rate(own),
      'replica rows/s': rate(native),
      ratio: ratio.toFixed(2),
      wanted: segment.target,
      'µs CPU a row': `${each(cpu.subtask)} + ${each(cpu.target)}`,
      'replica µs': each(cpu.replica),
      equal: String(same?.equal),
    };
  }
  await rm(dataDir, { recursive: true, force: true });
  console.table(table);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
