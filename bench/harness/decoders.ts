/** Who decodes: ours from a file and from a server, and the peers. */
import ZongJi from '@vlasky/zongji';
import { compileRowCodec } from '../../src/binlog/codec.js';
import { BinlogDecoder } from '../../src/binlog/decoder.js';
import { dumpCommand, queryCommand, sessionSetup } from '../../src/binlog/dump-command.js';
import type { BinlogEvent, TableMap } from '../../src/binlog/events.js';
import { eventSize, readEventRuns } from '../../src/binlog/file.js';
import { newRowIndex } from '../../src/binlog/row-indexer.js';
import type { RowCodec } from '../../src/binlog/rows.js';
import { openBinlogStream } from '../../src/binlog/stream.js';
import { ByteWriter } from '../../src/mysql/byte-writer.js';
import { handshake } from '../../src/mysql/handshake.js';
import { dbConfig } from '../../test/copy/support.js';
import type { DatabaseServer } from '../../test/servers/database.js';

const SERVER_ID = 4_000_100;

/** Finds every column of every row and writes its SQL literal. */
class LiteralWriter {
  readonly #codecs = new Map<TableMap, RowCodec>();
  readonly #index = newRowIndex();
  readonly #out = new ByteWriter();
  rows = 0;

  take(event: BinlogEvent | null): void {
    if (event?.type !== 'rows') return;
    let codec = this.#codecs.get(event.map);
    if (!codec) this.#codecs.set(event.map, (codec = compileRowCodec(event.map, null)));
    const index = this.#index;
    const out = this.#out;
    codec.index(event, index);
    this.rows += event.kind === 'update' ? index.images / 2 : index.images;
    const { columns } = codec;
    for (let slot = 0, image = 0; image < index.images; image++) {
      out.reset();
      for (const column of columns) {
        const start = index.starts[slot]!;
        if (start >= 0) column.literal(index.buf, start, index.lengths[slot]!, out);
        slot++;
      }
    }
  }
}

/** Rows of a file, by us. */
export async function decodeFile(file: string, flavor: 'mariadb' | 'mysql'): Promise<number> {
  const decoder = new BinlogDecoder({ flavor, verifyChecksum: true });
  const writer = new LiteralWriter();
  for await (const { buf, start, end } of readEventRuns(file)) {
    for (let at = start, next = at; at < end; at = next) {
      next += eventSize(buf, at);
      writer.take(decoder.decode(buf, at, next));
    }
  }
  return writer.rows;
}

function startOf(server: DatabaseServer, name: string) {
  const from = { name, pos: 4, suffix: 0, gtidSet: '' };
  return { db: dbConfig(server), flavor: server.flavor, serverId: SERVER_ID, useGtid: false, from };
}

/** So many rows from a server, by us. */
export async function decodeStream(server: DatabaseServer, name: string, rows: number): Promise<void> {
  const stream = await openBinlogStream(startOf(server, name));
  const writer = new LiteralWriter();
  while (writer.rows < rows) {
    const event = stream.poll();
    if (event === null) await stream.ready();
    else writer.take(event);
  }
  await stream.close();
}

/** In the dump command's flags, behind the packet's header, the command and the position. */
const FLAGS_AT = 4 + 1 + 4;
const NON_BLOCK = 0x01;

/** All there is of a binlog from a server's socket, read as the stream reads it and looked at by nobody. */
export async function readSocket(server: DatabaseServer, name: string): Promise<void> {
  const options = startOf(server, name);
  const { socket, serverVersion, isMariaDb } = await handshake({ db: options.db, bulk: true });
  await new Promise<void>((resolve, reject) => {
    let asked = false;
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      if (asked) {
        // An EOF packet: five bytes of payload that begin with 0xfe.
        const { length } = chunk;
        if (length >= 9 && chunk[length - 9] === 5 && chunk[length - 5] === 0xfe) resolve();
        return;
      }
      asked = true;
      const { packet } = dumpCommand(options, serverVersion, isMariaDb);
      packet[FLAGS_AT]! |= NON_BLOCK;
      socket.write(packet);
    });
    socket.write(queryCommand(sessionSetup(options, 30_000, isMariaDb)));
  });
  socket.destroy();
}

/** So many rows from a server, by zongji. */
export async function zongji(server: DatabaseServer, name: string, rows: number): Promise<void> {
  const { host, port, user, password } = server;
  const settings = { host, port, user, password, dateStrings: true, supportBigNumbers: true };
  const reader = new ZongJi(settings as ConstructorParameters<typeof ZongJi>[0]);
  await new Promise<void>((resolve, reject) => {
    let seen = 0;
    reader.on('error', reject);
    reader.on('binlog', (event: unknown) => {
      seen += (event as { rows?: unknown[] }).rows?.length ?? 0;
      if (seen >= rows) resolve();
    });
    reader.start({
      serverId: SERVER_ID + 1,
      filename: name,
      position: 4,
      includeEvents: ['tablemap', 'writerows', 'updaterows', 'deleterows'],
      includeSchema: { b: ['t'] },
    });
  });
  reader.stop();
}
