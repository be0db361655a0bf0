/**
 * Decoding the binlog of both flavours: files against the servers' own tools, streams against zongji and
 * against reading the socket and nothing else. Ours finds every column and writes its SQL literal.
 * `npm run bench -- decode [--smoke] [--rounds N] [--only TEXT]`.
 */
import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { available, startDatabase, type DatabaseKind } from '../test/servers/availability.js';
import { cacheFolder } from '../test/servers/cache.js';
import type { DatabaseServer } from '../test/servers/database.js';
import { loaderFor } from '../test/servers/debian-folder.js';
import { decodeFile, decodeStream, readSocket, zongji } from './harness/decoders.js';
import { decodeSegments, NUMBERS, writeFileOf, type WrittenFile } from './harness/decode-segments.js';
import { ownSample, shellSample } from './harness/measure.js';
import { benchOptions } from './harness/options.js';
import { runPairs } from './harness/pairs.js';
import { report, type CaseResult } from './harness/report.js';

const options = benchOptions();
const ROWS = options.smoke ? 1_000 : 300_000;

/** The server's own tool that prints a binlog as SQL comments. */
function tool(kind: DatabaseKind): string {
  if (kind === 'mariadb-10.11') return 'mariadb-binlog';
  const folder = path.join(cacheFolder(), kind);
  const { command, args } = loaderFor(folder);
  return [command, ...args, path.join(folder, 'root/usr/bin/mysqlbinlog')].join(' ');
}

/** From the server while it is there. */
async function streams(server: DatabaseServer, written: WrittenFile, rows: number): Promise<CaseResult[]> {
  const bytes = statSync(written.file).size - 4;
  const isBulk = written.name.startsWith('1000-row');
  return runPairs(
    {
      name: `${server.kind} stream, ${written.name}`,
      unit: 'rows/s',
      work: rows,
      bytes,
      ours: () => ownSample(() => decodeStream(server, written.binlog, rows)),
      peers: [
        {
          name: 'raw socket',
          run: () => ownSample(() => readSocket(server, written.binlog)),
          ...(isBulk ? { must: 0.5, aim: 0.7 } : {}),
        },
        { name: 'zongji', run: () => ownSample(() => zongji(server, written.binlog, rows)) },
      ],
      equal: async () => true,
    },
    options,
  );
}

async function files(kind: DatabaseKind, written: WrittenFile): Promise<CaseResult[]> {
  const flavor = kind === 'mariadb-10.11' ? 'mariadb' : 'mysql';
  const rows = await decodeFile(written.file, flavor);
  const run = (flags: string) => () => shellSample(`${tool(kind)} ${flags} ${written.file} > /dev/null`);
  return runPairs(
    {
      name: `${kind} file, ${written.name}`,
      unit: 'rows/s',
      work: rows,
      bytes: statSync(written.file).size,
      ours: () => ownSample(async () => void (await decodeFile(written.file, flavor))),
      peers: [
        { name: '-v', run: run('-v'), must: 1.3, aim: 2 },
        { name: '-v without base64', run: run('-v --base64-output=DECODE-ROWS') },
      ],
      // What is decoded is compared with the servers' own tools by the tests.
      equal: async () => true,
    },
    options,
  );
}

async function one(kind: DatabaseKind, folder: string): Promise<CaseResult[]> {
  const found: CaseResult[] = [];
  const kept: WrittenFile[] = [];
  {
    await using server = await startDatabase(kind, { redoLogMb: 1024 });
    await server.execute(NUMBERS);
    for (const segment of decodeSegments(ROWS).filter(({ name }) => name.includes(options.only))) {
      const written = await writeFileOf(server, segment, folder);
      const rows = await decodeFile(written.file, server.flavor);
      kept.push(written);
      found.push(...(await streams(server, written, rows)));
    }
  }
  // The server is gone: it would go on working for a while on what it has written.
  for (const written of kept) found.push(...(await files(kind, written)));
  return found;
}

const folder = await mkdtemp(path.join(tmpdir(), 'sluice-decode-'));
const all: CaseResult[] = [];
for (const kind of ['mariadb-10.11', 'mysql-9.7'] as const) {
  if ((await available(kind)).ok) all.push(...(await one(kind, folder)));
  else process.stdout.write(`  ${kind} cannot be had here\n`);
}
await rm(folder, { recursive: true });
process.exitCode = report('decode', all, options);
process.exit();
