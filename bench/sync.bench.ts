/**
 * Replication of written binlog segments into a target, against a native MariaDB replica with four parallel
 * threads (optimistic and conservative) and the text of mariadb-binlog piped into the client.
 * `npm run bench -- sync [--smoke] [--rounds N] [--only TEXT]`; SYNC_WORKERS for our lanes (16, the default of
 * `worker-count`), SYNC_OURS=1 for a run without peers (for profiles).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DatabaseServer } from '../test/servers/database.js';
import { compareTables } from '../test/support/compare-tables.js';
import { shellSample, type Sample } from './harness/measure.js';
import { benchOptions } from './harness/options.js';
import { runPairs, type Peer } from './harness/pairs.js';
import {
  applyByReplica,
  applyByUs,
  writeSegment,
  type Segment,
  type Written,
} from './harness/replication.js';
import { report, type CaseResult } from './harness/report.js';
import {
  bulkInserts,
  hotKeys,
  mixedColumns,
  singleInserts,
  singleUpdates,
  updatesOf100,
  writeOnly,
} from './harness/segments.js';
import { startSource, startTarget } from './harness/servers.js';

const options = benchOptions();
const ROWS = options.smoke ? 400 : 40_000;
const LANES = Number(process.env['SYNC_WORKERS'] ?? 16);
const ALONE = process.env['SYNC_OURS'] === '1';

interface Wanted {
  readonly segment: Segment;
  /** Against the native replica. */
  readonly must?: number;
  readonly aim?: number;
  /** Against the text of mariadb-binlog. */
  readonly mustText?: number;
}

const bulk = ROWS * 5;
const WANTED: Wanted[] = [
  { segment: singleInserts(ROWS), must: 1.5, aim: 3, mustText: 3 },
  { segment: singleUpdates(ROWS), must: 1.5, aim: 3, mustText: 3 },
  { segment: bulkInserts(bulk), must: 0.6, aim: 0.8 },
  { segment: mixedColumns(bulk), must: 0.6, aim: 0.8 },
  { segment: updatesOf100(bulk), must: 0.6, aim: 1 },
  { segment: writeOnly(ROWS / 4) },
  { segment: hotKeys(ROWS) },
].filter(({ segment }) => segment.name.includes(options.only));

/** The binlog's rows as BINLOG statements through the client, as for a recovery to a point in time. */
async function byText(
  source: DatabaseServer,
  target: DatabaseServer,
  segment: Segment,
  { start, end }: Written,
): Promise<Sample> {
  await target.execute(segment.setUp);
  const login = ({ host, port, user, password }: DatabaseServer): string =>
    `-h ${host} -P ${port} -u ${user} --password='${password}'`;
  const [base] = await source.query("SHOW VARIABLES LIKE 'log_bin_basename'");
  const folder = path.dirname(String(base!['Value']));
  // From the file of the start to the end: a segment may go over several files.
  const names = (await source.query('SHOW BINARY LOGS')).map((row) => String(row['Log_name']));
  const files = names.filter((name) => name >= start.name && name <= end.name);
  const work = await mkdtemp(path.join(tmpdir(), 'sluice-text-'));
  try {
    return await shellSample(
      `mariadb-binlog --start-position=${start.pos} --stop-position=${end.pos} ${files
        .map((name) => path.join(folder, name))
        .join(' ')} | mariadb ${login(target)}`,
    );
  } finally {
    await rm(work, { recursive: true });
  }
}

async function main(): Promise<number> {
  await using source = await startSource();
  await using target = await startTarget();
  await using replica = await startTarget();
  await using text = await startTarget();
  const all: CaseResult[] = [];
  for (const { segment, must, aim, mustText } of WANTED) {
    const written = await writeSegment(source, segment);
    const native = (mode: 'optimistic' | 'conservative'): Promise<Sample> =>
      applyByReplica(source, replica, segment, written, { threads: 4, mode });
    const judged = { ...(must === undefined ? {} : { must }), ...(aim === undefined ? {} : { aim }) };
    const peers: Peer[] = [
      { name: 'replica, optimistic', run: () => native('optimistic'), ...judged },
      { name: 'replica, conservative', run: () => native('conservative'), ...judged },
      {
        name: 'mariadb-binlog | mariadb',
        run: () => byText(source, text, segment, written),
        ...(mustText === undefined ? {} : { must: mustText }),
      },
    ];
    const equal = async (other: DatabaseServer): Promise<boolean> =>
      (await compareTables(source, other, segment.tables)).every((one) => one.equal);
    all.push(
      ...(await runPairs(
        {
          name: segment.name,
          unit: 'rows/s',
          work: segment.rows,
          ours: () =>
            applyByUs(source, target, segment, written, (config) => {
              config.sync.workerCount = LANES;
            }),
          peers: ALONE ? [] : peers,
          equal: async () =>
            (await equal(target)) && (ALONE || ((await equal(replica)) && (await equal(text)))),
        },
        options,
      )),
    );
  }
  return report('sync', all, options);
}

process.exitCode = await main();
process.exit();
