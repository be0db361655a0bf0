/**
 * 8 sources with 16 shard tables each, merged by a route into one table with disjoint keys: all subtasks at the
 * same time, a thread each, against the sum of their runs one after another.
 * `npm run bench -- shard [--smoke] [--rounds N] [--only TEXT]`; SHARD_WORKERS for the lanes of each subtask
 * (16), SHARD_OURS=1 for runs of all at the same time alone (for profiles).
 */
import { defaultDump, defaultLoad } from '../src/config/task-units.js';
import type { SubtaskConfig } from '../src/model/subtask-config.js';
import { subtaskConfig } from '../test/copy/support.js';
import type { DatabaseServer } from '../test/servers/database.js';
import { startMariaDb } from '../test/servers/mariadb.js';
import { compareTables } from '../test/support/compare-tables.js';
import { peakMemory, withServers, type Sample } from './harness/measure.js';
import { benchOptions } from './harness/options.js';
import { runPairs } from './harness/pairs.js';
import { place, type Place } from './harness/replication.js';
import { report, type CaseResult } from './harness/report.js';
import { startTarget } from './harness/servers.js';
import { startThread } from './harness/threads.js';

const options = benchOptions();
const SOURCES = options.smoke ? 2 : 8;
const SHARDS = options.smoke ? 3 : 16;
const ROWS_COPIED = options.smoke ? 20 : 5_000;
const ROWS_SYNCED = options.smoke ? 12 : 500;
const BULK_ROWS = options.smoke ? 100 : 1_000;
const LANES = Number(process.env['SHARD_WORKERS'] ?? 16);
const ALONE = process.env['SHARD_OURS'] === '1';
const STATEMENTS_A_CALL = 200;
/** Keys of a shard begin at its number times this. */
const SHARD_KEYS = 10_000_000;
const MERGED = 'b.merged';

const TEXT =
  "'12345678901-12345678902-12345678903-12345678904-12345678905-12345678906-12345678907-12345678908'";
const create = (table: string): string => `CREATE TABLE ${table} (id BIGINT PRIMARY KEY AUTO_INCREMENT,
  k INT NOT NULL, c VARCHAR(120) NOT NULL, KEY (k))`;
const fill = (table: string, shard: number, rows: number): string =>
  `INSERT INTO ${table} SELECT seq + ${shard * SHARD_KEYS}, seq * 7919 % 9973, CONCAT(seq, ${TEXT}) FROM seq_1_to_${rows}`;

interface Case {
  readonly name: string;
  readonly mode: 'full' | 'incremental';
  /** Row changes of all shards. */
  readonly rows: number;
  /** What a shard holds before the binlog that is replicated. */
  before(table: string, shard: number): string[];
  /** What is replicated. */
  statements(table: string, shard: number): string[];
}

const times = (count: number, make: (i: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => make(i));

const ALL_SHARDS = SOURCES * SHARDS;
const CASES: Case[] = [
  {
    name: 'copy',
    mode: 'full' as const,
    rows: ALL_SHARDS * ROWS_COPIED,
    before: (table: string, shard: number) => [fill(table, shard, ROWS_COPIED)],
    statements: () => [],
  },
  {
    name: 'single-row inserts',
    mode: 'incremental' as const,
    rows: ALL_SHARDS * ROWS_SYNCED,
    before: () => [],
    statements: (table: string, shard: number) =>
      times(
        ROWS_SYNCED,
        (i) => `INSERT INTO ${table} VALUES (${shard * SHARD_KEYS + i + 1}, ${i % 997}, ${TEXT})`,
      ),
  },
  {
    name: 'single-row updates',
    mode: 'incremental' as const,
    rows: ALL_SHARDS * ROWS_SYNCED,
    before: (table: string, shard: number) => [fill(table, shard, ROWS_COPIED)],
    statements: (table: string, shard: number) =>
      times(
        ROWS_SYNCED,
        (i) =>
          `UPDATE ${table} SET k = k + 1 WHERE id = ${shard * SHARD_KEYS + 1 + ((i * 7919) % ROWS_COPIED)}`,
      ),
  },
  {
    name: `${BULK_ROWS}-row inserts`,
    mode: 'incremental' as const,
    rows: ALL_SHARDS * 4 * BULK_ROWS,
    before: () => [],
    statements: (table: string, shard: number) =>
      times(
        4,
        (i) => `INSERT INTO ${table} SELECT seq + ${shard * SHARD_KEYS + i * BULK_ROWS}, seq % 997, ${TEXT}
          FROM seq_1_to_${BULK_ROWS}`,
      ),
  },
].filter(({ name }) => name.includes(options.only));

/** A source with its shards and the part of its binlog that is replicated. */
interface Source {
  readonly server: DatabaseServer;
  readonly number: number;
  readonly start: Place;
  readonly end: Place;
}

/** Of each round of its shards, so that neighbours in the binlog belong to different tables. */
function* interleaved(lists: readonly string[][]): Generator<string> {
  for (let i = 0; i < Math.max(...lists.map((list) => list.length)); i++) {
    for (const list of lists) if (i < list.length) yield list[i]!;
  }
}

const shardsOf = (source: number): { table: string; shard: number }[] =>
  Array.from({ length: SHARDS }, (_, i) => ({ table: `b.shard_${i}`, shard: source * SHARDS + i }));

async function runAll(server: DatabaseServer, statements: readonly string[]): Promise<void> {
  for (let i = 0; i < statements.length; i += STATEMENTS_A_CALL) {
    await server.execute(`USE b; ${statements.slice(i, i + STATEMENTS_A_CALL).join(';')}`);
  }
}

async function write(server: DatabaseServer, number: number, one: Case): Promise<Source> {
  await server.execute('DROP DATABASE IF EXISTS b; CREATE DATABASE b');
  const shards = shardsOf(number);
  const before = shards.flatMap(({ table, shard }) => [create(table), ...one.before(table, shard)]);
  await runAll(server, before);
  const start = await place(server);
  await runAll(server, [...interleaved(shards.map(({ table, shard }) => one.statements(table, shard)))]);
  return { server, number, start, end: await place(server) };
}

/** The merged table as it has to be in the end, made without us. */
async function writeExpected(target: DatabaseServer, one: Case): Promise<void> {
  await target.execute(
    'DROP DATABASE IF EXISTS expected; CREATE DATABASE expected; CREATE DATABASE IF NOT EXISTS b',
  );
  const table = 'expected.merged';
  await target.execute(create(table));
  for (let source = 0; source < SOURCES; source++) {
    for (const { shard } of shardsOf(source)) {
      await runAll(target, [...one.before(table, shard), ...one.statements(table, shard)]);
    }
  }
}

/** The target as it is before the run. */
async function reset(target: DatabaseServer, one: Case): Promise<void> {
  await target.execute('DROP DATABASE IF EXISTS b; DROP DATABASE IF EXISTS dm_meta');
  if (one.mode === 'full') return;
  await target.execute(`CREATE DATABASE b; ${create(MERGED)}`);
  for (let shard = 0; shard < ALL_SHARDS; shard++) await runAll(target, one.before(MERGED, shard));
}

function configOf({ server, number, start }: Source, target: DatabaseServer, one: Case): SubtaskConfig {
  const config = subtaskConfig(server, target, {
    task: 'bench',
    taskMode: one.mode,
    sourceId: `source-${number}`,
    serverId: 4_000_001 + number,
    ignoreCheckingItems: ['all'],
    dump: defaultDump(),
    load: defaultLoad(),
    blockAllow: { doDbs: ['b'], doTables: [], ignoreDbs: [], ignoreTables: [] },
    routes: [{ schemaPattern: 'b', tablePattern: 'shard_*', targetSchema: 'b', targetTable: 'merged' }],
    ...(one.mode === 'incremental'
      ? { meta: { binlogName: start.name, binlogPos: start.pos, binlogGtid: start.gtid } }
      : {}),
  });
  config.sync.workerCount = LANES;
  return config;
}

/** From the begin of the first unit at work to the end of the last; of all of these sources at the same time. */
async function run(sources: readonly Source[], target: DatabaseServer, one: Case): Promise<Sample> {
  let began = performance.now();
  const before = process.cpuUsage();
  const threads = await Promise.all(sources.map((source) => startThread(configOf(source, target, one))));
  let ended: number;
  if (one.mode === 'full') {
    for (const end of await Promise.all(threads.map((thread) => thread.ended))) {
      if (end.outcome !== 'finished') throw new Error(`a copy has not finished: ${JSON.stringify(end)}`);
    }
    ended = performance.now();
  } else {
    began = Math.min(...(await Promise.all(threads.map((thread) => thread.begun('Sync')))));
    await Promise.all(threads.map((thread, i) => thread.synced(sources[i]!.end)));
    ended = performance.now();
    await Promise.all(threads.map((thread) => thread.end()));
  }
  const used = process.cpuUsage(before);
  return {
    seconds: (ended - began) / 1000,
    cpuSeconds: (used.user + used.system) / 1e6,
    peakMb: peakMemory(process.pid),
  };
}

async function together(sources: readonly Source[], target: DatabaseServer, one: Case): Promise<Sample> {
  await reset(target, one);
  const pids = [target.pid, ...sources.map(({ server }) => server.pid)];
  return withServers(pids, () => run(sources, target, one));
}

/** One source after another; the sum. */
async function inTurn(sources: readonly Source[], target: DatabaseServer, one: Case): Promise<Sample> {
  await reset(target, one);
  const pids = [target.pid, ...sources.map(({ server }) => server.pid)];
  return withServers(pids, async () => {
    const samples: Sample[] = [];
    for (const source of sources) samples.push(await run([source], target, one));
    return {
      seconds: samples.reduce((sum, { seconds }) => sum + seconds, 0),
      cpuSeconds: samples.reduce((sum, { cpuSeconds }) => sum + (cpuSeconds ?? 0), 0),
      peakMb: null,
    };
  });
}

async function measure(
  one: Case,
  servers: readonly DatabaseServer[],
  target: DatabaseServer,
): Promise<CaseResult[]> {
  const sources = await Promise.all(servers.map((server, number) => write(server, number, one)));
  await writeExpected(target, one);
  let equal = true;
  const compared = async (sample: Sample): Promise<Sample> => {
    const [same] = await compareTables(target, target, [{ a: MERGED, b: 'expected.merged' }]);
    equal &&= same?.equal === true;
    return sample;
  };
  return runPairs(
    {
      name: `${one.name}, ${SOURCES} x ${SHARDS} shards`,
      unit: 'rows/s',
      work: one.rows,
      ours: async () => compared(await together(sources, target, one)),
      peers: ALONE
        ? []
        : [{ name: 'sum of single runs', run: async () => compared(await inTurn(sources, target, one)) }],
      equal: async () => equal,
    },
    options,
  );
}

async function main(): Promise<number> {
  await using target = await startTarget();
  const servers: DatabaseServer[] = [];
  try {
    for (let i = 0; i < SOURCES; i++) {
      servers.push(await startMariaDb({ redoLogMb: 64, settings: ['innodb-buffer-pool-size=64M'] }));
    }
    const all: CaseResult[] = [];
    for (const one of CASES) all.push(...(await measure(one, servers, target)));
    return report('shard', all, options);
  } finally {
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  }
}

process.exitCode = await main();
process.exit();
