/**
 * Full copy of one big table through a real cluster: rows/s and the worker's memory at its peak.
 * `npm run bench -- copy` with COPY_MB (2048 by default) for the size of the table.
 */
import { readFileSync } from 'node:fs';
import type { Connection } from 'mysql2/promise';
import { startMariaDb } from '../test/servers/mariadb.js';
import { startCluster } from '../test/support/cluster.js';
import { compareTables } from '../test/support/compare-tables.js';
import { createSysbenchTable } from '../test/support/sysbench-table.js';
import { allReplicating, awaitStates } from '../test/support/task-status.js';

const BYTES_A_ROW = 190;
const MEMORY_LIMIT_MB = 400;

/** Largest resident memory that the process has had, in MB. */
function peakMemory(pid: number): number {
  const line = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(line?.[1] ?? 0) / 1024;
}

/** The first rows from here, the rest by the server itself: each step copies what is there with other values. */
async function fill(connection: Connection, rows: number): Promise<void> {
  let done = Math.min(rows, 100_000);
  await createSysbenchTable(connection, { schema: 'big', table: 'sbtest1', rows: done });
  while (done < rows) {
    const more = Math.min(done, rows - done, 500_000);
    await connection.query(
      `INSERT INTO big.sbtest1 (id, k, c, pad)
       SELECT id + ${done}, k + ${done}, REVERSE(c), REVERSE(pad) FROM big.sbtest1 WHERE id <= ${more}`,
    );
    done += more;
    process.stdout.write(`  ${done} of ${rows} rows are upstream\n`);
  }
}

async function main(): Promise<number> {
  const megabytes = Number(process.env['COPY_MB'] ?? 2048);
  const rows = Math.ceil((megabytes * 1024 * 1024) / BYTES_A_ROW);
  await using upstream = await startMariaDb({ redoLogMb: 1024 });
  await using target = await startMariaDb({ redoLogMb: 1024, binlog: 'off' });
  const connection = await upstream.connect();
  await connection.query('SET sql_log_bin = 0');
  await fill(connection, rows);
  await connection.end();
  process.stdout.write(`${rows} rows, ${megabytes} MB, are upstream\n`);
  await using cluster = await startCluster({ workers: 1 });
  const source = await cluster.file(
    'source.yaml',
    `source-id: s1\nflavor: mariadb\nfrom: { host: "${upstream.host}", port: ${upstream.port}, ` +
      `user: "${upstream.user}", password: "${upstream.password}" }\n`,
  );
  await cluster.must(['operate-source', 'create', source]);
  const task = await cluster.file(
    'task.yaml',
    `name: bench
task-mode: all
target-database: { host: "${target.host}", port: ${target.port}, user: "${target.user}", password: "${target.password}" }
mysql-instances: [{ source-id: s1, block-allow-list: big }]
block-allow-list: { big: { do-dbs: ["big"] } }
`,
  );
  const worker = cluster.workers[0]!;
  const began = performance.now();
  await cluster.must(['start-task', task]);
  await awaitStates(cluster, 'bench', (states) => allReplicating(states, 1), {
    what: 'the copy',
    timeoutMs: 3_600_000,
    intervalMs: 1_000,
  });
  const seconds = (performance.now() - began) / 1000;
  const memory = peakMemory(worker.pid);
  const [result] = await compareTables(upstream, target, ['big.sbtest1']);
  const rate = (rows / seconds).toFixed(0);
  process.stdout.write(
    `copied in ${seconds.toFixed(1)} s, ${rate} rows/s, ${(megabytes / seconds).toFixed(1)} MB/s; ` +
      `worker memory at most ${memory.toFixed(0)} MB (limit ${MEMORY_LIMIT_MB}); ${result?.equal ? 'equal' : 'NOT equal'}\n`,
  );
  return result?.equal === true && memory < MEMORY_LIMIT_MB ? 0 : 1;
}

process.exitCode = await main();
process.exit();
