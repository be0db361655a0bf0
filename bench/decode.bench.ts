/**
 * Decoding binlog files: ours (index and the literal of every column) against `mariadb-binlog -v`
 * (with and without the base64 of the events that it prints beside the rows) and handing out raw events.
 * `npm run bench -- decode`; DECODE_ROWS for the size (300,000). Ratios are medians of pairs that ran
 * one after the other; the one of processor time is what counts, as it says the same on a busy machine.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compileRowCodec } from '../src/binlog/codec.js';
import { BinlogDecoder } from '../src/binlog/decoder.js';
import type { TableMap } from '../src/binlog/events.js';
import { readRawEvents } from '../src/binlog/file.js';
import { newRowIndex } from '../src/binlog/row-indexer.js';
import type { RowCodec } from '../src/binlog/rows.js';
import { ByteWriter } from '../src/mysql/byte-writer.js';
import { startMariaDb } from '../test/servers/mariadb.js';
import type { DatabaseServer } from '../test/servers/database.js';

const ROWS = Number(process.env['DECODE_ROWS'] ?? 300_000);
const ROUNDS = 5;

interface Segment {
  readonly name: string;
  readonly table: string;
  readonly fill: string[];
}

const PAD = "REPEAT('12345678901-', 10)";
const SYSBENCH = `(id INT PRIMARY KEY, k INT, c CHAR(120), pad CHAR(60)) CHARACTER SET latin1`;

function segments(): Segment[] {
  const batches = Math.ceil(ROWS / 1000);
  const insert = (select: string): string[] =>
    Array.from(
      { length: batches },
      (_, i) => `INSERT INTO b.t SELECT ${select.replaceAll('$', `(seq + ${i * 1000})`)} FROM seq_1_to_1000`,
    );
  return [
    {
      name: '1000-row inserts, latin1',
      table: SYSBENCH,
      fill: insert(`$, $ * 7, ${PAD}, LEFT(${PAD}, 60)`),
    },
    {
      name: 'mixed columns, utf8mb4',
      table:
        '(id BIGINT PRIMARY KEY, d DECIMAL(20,4), f DOUBLE, dt DATETIME(6), ts TIMESTAMP NULL, v VARCHAR(100), e ENUM("a","b"), t TEXT, y SMALLINT UNSIGNED, b VARBINARY(40)) CHARACTER SET utf8mb4',
      fill: insert(
        `$, $ * 1.2345, $ / 7, '2024-01-02 03:04:05.678901', '2024-01-02 03:04:05', CONCAT('name é ', $), 'b', ${PAD}, $ % 60000, UNHEX(MD5($))`,
      ),
    },
    {
      name: 'updates, 100 rows',
      table: SYSBENCH,
      fill: [
        `INSERT INTO b.t SELECT seq, seq, ${PAD}, LEFT(${PAD}, 60) FROM seq_1_to_100`,
        ...Array.from({ length: Math.ceil(ROWS / 200) }, () => 'UPDATE b.t SET k = k + 1'),
      ],
    },
    {
      name: 'single-row transactions',
      table: SYSBENCH,
      fill: Array.from(
        { length: Math.ceil(ROWS / 10) },
        (_, i) => `INSERT INTO b.t VALUES (${i}, 1, ${PAD}, LEFT(${PAD}, 60))`,
      ),
    },
  ];
}

/** Fills a table with a binlog file of its own, and names that file. */
async function write(server: DatabaseServer, segment: Segment): Promise<string> {
  await server.execute(
    `DROP TABLE IF EXISTS b.t; CREATE TABLE b.t ${segment.table} ENGINE=InnoDB; FLUSH BINARY LOGS`,
  );
  const connection = await server.connect({ database: 'b' });
  await connection.query("SET SESSION sql_mode = ''");
  for (let i = 0; i < segment.fill.length; i += 100) {
    await connection.query(segment.fill.slice(i, i + 100).join(';'));
  }
  await connection.end();
  const [status] = await server.query('SHOW MASTER STATUS');
  await server.execute('FLUSH BINARY LOGS');
  const [base] = await server.query("SHOW VARIABLES LIKE 'log_bin_basename'");
  return String(base['Value']).replace(/[^/]*$/, '') + String(status['File']);
}

async function ours(file: string, literals: boolean): Promise<number> {
  const decoder = new BinlogDecoder({ flavor: 'mariadb', verifyChecksum: true });
  const codecs = new Map<TableMap, RowCodec>();
  const index = newRowIndex();
  const out = new ByteWriter();
  let rows = 0;
  for await (const raw of readRawEvents(file)) {
    const event = decoder.decode(raw.buf, raw.start, raw.end);
    if (event?.type !== 'rows') continue;
    let codec = codecs.get(event.map);
    if (!codec) codecs.set(event.map, (codec = compileRowCodec(event.map, null)));
    codec.index(event, index);
    rows += event.kind === 'update' ? index.images / 2 : index.images;
    if (!literals) continue;
    const { columns } = codec;
    for (let slot = 0, image = 0; image < index.images; image++) {
      out.reset();
      for (const column of columns) {
        const start = index.starts[slot];
        if (start >= 0) column.literal(index.buf, start, index.lengths[slot], out);
        slot++;
      }
    }
  }
  return rows;
}

async function raw(file: string): Promise<number> {
  let bytes = 0;
  for await (const event of readRawEvents(file)) bytes += event.end - event.start;
  return bytes;
}

/** Milliseconds of processor time, of all threads. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

async function client(file: string, options: readonly string[]): Promise<Cost> {
  const start = performance.now();
  // The shell's own `time`: Node does not tell what a child has used.
  const script = 'TIMEFORMAT="%U %S"; time mariadb-binlog "$@"';
  const child = spawn('bash', ['-c', script, 'bash', ...options, file], {
    stdio: ['ignore', openSync('/dev/null', 'w'), 'pipe'],
  });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`mariadb-binlog ended with ${code}: ${stderr}`);
  const [user, system] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  return { wall: performance.now() - start, cpu: (user + system) * 1000 };
}

async function cost(work: () => Promise<unknown>): Promise<Cost> {
  const start = performance.now();
  const before = process.cpuUsage();
  await work();
  const used = process.cpuUsage(before);
  return { wall: performance.now() - start, cpu: (used.user + used.system) / 1000 };
}

const median = (list: readonly number[]): number =>
  [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

const best = (list: readonly Cost[]): number => Math.min(...list.map((each) => each.wall));

/** How many times as much `theirs` takes, by the median of the pairs. */
const ratio = (theirs: readonly Cost[], ours: readonly Cost[], of: keyof Cost): number =>
  median(theirs.map((each, i) => each[of] / ours[i][of]));

async function main(): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-decode-'));
  try {
    return await measure(await writeAll(folder));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The server is gone when it is measured: it goes on working for a while on what it has written. */
async function writeAll(folder: string): Promise<{ name: string; file: string }[]> {
  await using server = await startMariaDb({ redoLogMb: 1024 });
  await server.execute('CREATE DATABASE b');
  const files: { name: string; file: string }[] = [];
  for (const segment of segments()) {
    const file = path.join(folder, `segment${files.length}`);
    await copyFile(await write(server, segment), file);
    files.push({ name: segment.name, file });
  }
  return files;
}

async function measure(files: readonly { name: string; file: string }[]): Promise<number> {
  const table: Record<string, Record<string, string | number>> = {};
  let slowest = Infinity;
  for (const { name, file } of files) {
    const rows = await ours(file, true);
    const costs: Record<'ours' | 'client' | 'rowsOnly' | 'raw', Cost[]> = {
      ours: [],
      client: [],
      rowsOnly: [],
      raw: [],
    };
    for (let round = 0; round < ROUNDS; round++) {
      costs.ours.push(await cost(() => ours(file, true)));
      costs.client.push(await client(file, ['-v']));
      costs.rowsOnly.push(await client(file, ['-v', '--base64-output=DECODE-ROWS']));
    }
    // By itself: the buffers that it leaves would be cleared away at the cost of the next.
    for (let round = 0; round < ROUNDS; round++) costs.raw.push(await cost(() => raw(file)));
    const rate = (list: readonly Cost[]): number => Math.round(rows / best(list));
    const cpuRatio = ratio(costs.client, costs.ours, 'cpu');
    slowest = Math.min(slowest, cpuRatio);
    table[name] = {
      rows,
      'ours k/s': rate(costs.ours),
      'mariadb-binlog -v k/s': rate(costs.client),
      '-v, no base64 k/s': rate(costs.rowsOnly),
      'raw k/s': rate(costs.raw),
      'ratio of time': ratio(costs.client, costs.ours, 'wall').toFixed(2),
      'ratio of processor time': cpuRatio.toFixed(2),
    };
  }
  console.table(table);
  return slowest >= 1.3 ? 0 : 1;
}

process.exitCode = await main();
