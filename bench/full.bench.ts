/**
 * Full copy of whole schemas, against what users would take instead: mydumper + myloader (Debian's) and
 * mariadb-dump piped into the client. `npm run bench -- full [--smoke] [--rounds N] [--only TEXT]`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { existsSync } from 'node:fs';
import { defaultDump, defaultLoad } from '../src/config/task-units.js';
import { subtaskConfig } from '../test/copy/support.js';
import { installPackages } from '../test/servers/apt.js';
import type { DatabaseServer } from '../test/servers/database.js';
import { compareTables } from '../test/support/compare-tables.js';
import { ownSample, shellSample, withServers, type Sample } from './harness/measure.js';
import { benchOptions } from './harness/options.js';
import { runPairs } from './harness/pairs.js';
import { report, type CaseResult } from './harness/report.js';
import { startSource, startTarget } from './harness/servers.js';
import { startSubtask } from './harness/subtask.js';

const options = benchOptions();
const scale = options.smoke ? 0.004 : 1;
const DIGITS =
  "'12345678901-12345678902-12345678903-12345678904-12345678905-12345678906-12345678907-12345678908'";

interface Case {
  readonly name: string;
  readonly tables: string[];
  readonly rows: number;
  readonly fill: string[];
  /** Rows a file for mydumper: it reads one table by several threads only when told. */
  readonly chunkRows: number;
}

function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `b.${prefix}${i + 1}`);
}

function sysbench(): Case {
  const rows = Math.round(500_000 * scale);
  const tables = numbered('sbtest', 4);
  return {
    name: `4 tables x ${rows} rows`,
    tables,
    rows: rows * tables.length,
    fill: tables.map(
      (
        table,
        i,
      ) => `CREATE TABLE ${table} (id INT PRIMARY KEY AUTO_INCREMENT, k INT NOT NULL, c CHAR(120) NOT NULL,
        pad CHAR(60) NOT NULL, KEY (k));
        INSERT INTO ${table} SELECT seq, (seq * 7919 + ${i}) % ${rows}, CONCAT(seq, ${DIGITS}), LEFT(SHA2(seq, 256), 60)
        FROM seq_1_to_${rows}`,
    ),
    chunkRows: 100_000,
  };
}

function wide(): Case {
  const rows = Math.round(40_000 * scale);
  const kinds = ['INT', 'BIGINT UNSIGNED', 'DECIMAL(18,4)', 'DATETIME(3)', 'VARCHAR(60)', 'DOUBLE'];
  const values = [
    'seq',
    'seq * 1000003',
    'seq / 7',
    "'2024-02-29 12:34:56.789'",
    "CONCAT('name é ', seq)",
    'seq / 3',
  ];
  const columns = Array.from({ length: 96 }, (_, i) => `c${i} ${kinds[i % kinds.length]}`);
  const row = Array.from({ length: 96 }, (_, i) => values[i % values.length]);
  return {
    name: `1 table, 100 columns, ${rows} rows`,
    tables: ['b.wide'],
    rows,
    fill: [
      `CREATE TABLE b.wide (id BIGINT PRIMARY KEY, t TEXT, b BLOB, j JSON, ${columns.join(', ')})`,
      `INSERT INTO b.wide SELECT seq, REPEAT(${DIGITS}, 4), UNHEX(REPEAT(SHA2(seq, 256), 6)),
        JSON_OBJECT('a', seq, 'b', 'text'), ${row.join(', ')} FROM seq_1_to_${rows}`,
    ],
    chunkRows: 5_000,
  };
}

function small(): Case {
  const count = Math.max(8, Math.round(2_000 * scale));
  const tables = numbered('small', count);
  return {
    name: `${count} tables x 10 rows`,
    tables,
    rows: count * 10,
    fill: tables.map(
      (table) => `CREATE TABLE ${table} (id INT PRIMARY KEY, v VARCHAR(40), KEY (v));
        INSERT INTO ${table} SELECT seq, CONCAT('v', seq) FROM seq_1_to_10`,
    ),
    chunkRows: 0,
  };
}

function login({ host, port, user, password }: DatabaseServer): string {
  return `-h ${host} -P ${port} -u ${user} --password='${password}'`;
}

async function ours(source: DatabaseServer, target: DatabaseServer): Promise<Sample> {
  await target.execute('DROP DATABASE IF EXISTS b; DROP DATABASE IF EXISTS dm_meta');
  const config = subtaskConfig(source, target, {
    task: 'bench',
    taskMode: 'full',
    ignoreCheckingItems: ['all'],
    dump: defaultDump(),
    load: defaultLoad(),
    blockAllow: { doDbs: ['b'], doTables: [], ignoreDbs: [], ignoreTables: [] },
  });
  return ownSample(async () => {
    const end = await (await startSubtask(config)).ended;
    if (end.outcome !== 'finished') throw new Error(`the copy has not finished: ${JSON.stringify(end)}`);
  });
}

async function mydumper(source: DatabaseServer, target: DatabaseServer, chunkRows: number): Promise<Sample> {
  await target.execute('DROP DATABASE IF EXISTS b');
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-mydumper-'));
  try {
    const chunks = chunkRows > 0 ? `-r ${chunkRows}` : '';
    return await shellSample(
      `mydumper ${login(source)} -t 4 ${chunks} -B b -o ${folder} && myloader ${login(target)} -t 4 -d ${folder}`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function dumpPipe(source: DatabaseServer, target: DatabaseServer): Promise<Sample> {
  await target.execute('DROP DATABASE IF EXISTS b');
  return shellSample(
    `mariadb-dump ${login(source)} --single-transaction --databases b | mariadb ${login(target)}`,
  );
}

async function allEqual(a: DatabaseServer, b: DatabaseServer, tables: readonly string[]): Promise<boolean> {
  return (await compareTables(a, b, tables)).every((one) => one.equal);
}

async function main(): Promise<number> {
  if (!existsSync('/usr/bin/mydumper')) await installPackages(['mydumper']);
  const results: CaseResult[] = [];
  for (const one of [sysbench(), wide(), small()].filter(({ name }) => name.includes(options.only))) {
    await using source = await startSource();
    await using target = await startTarget();
    await using other = await startTarget();
    await source.execute('CREATE DATABASE b');
    for (const sql of one.fill) await source.execute(`USE b; ${sql}`);
    // A server in use has statistics; both tools plan by them.
    await source.execute(`ANALYZE TABLE ${one.tables.join(', ')}`);
    const pids = [source.pid, other.pid];
    const [size] = await source.query(
      "SELECT SUM(data_length) AS bytes FROM information_schema.tables WHERE table_schema = 'b'",
    );
    results.push(
      ...(await runPairs(
        {
          name: one.name,
          unit: 'rows/s',
          work: one.rows,
          bytes: Number(size!['bytes']),
          ours: () => withServers([source.pid, target.pid], () => ours(source, target)),
          peers: [
            {
              name: 'mydumper + myloader',
              run: () => withServers(pids, () => mydumper(source, other, one.chunkRows)),
              must: 1,
              aim: 1.5,
            },
            {
              name: 'mariadb-dump | mariadb',
              run: () => withServers(pids, () => dumpPipe(source, other)),
              must: 1.7,
            },
          ],
          equal: async () =>
            (await allEqual(source, target, one.tables)) && (await allEqual(source, other, one.tables)),
        },
        options,
      )),
    );
  }
  return report('full', results, options);
}

process.exitCode = await main();
