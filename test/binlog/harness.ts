/** What the binlog suites share: where a server stands, its events, and its tables as schema models. */
import type { BinlogEvent, RowsEvent } from '../../src/binlog/events.js';
import type { BinlogStreamOptions } from '../../src/binlog/stream.js';
import { openBinlogStream } from '../../src/binlog/stream.js';
import type { BinlogLocation } from '../../src/model/location.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { createTableFromSql } from '../../src/schema/build-table.js';
import type { TableSchema } from '../../src/schema/table.js';
import type { DatabaseServer, Row } from '../servers/database.js';

export const READER_ID = 4_000_001;

function text(row: Row, key: string): string {
  const value = row[key];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** End of the binlog, with the executed set in the flavour's form. */
export async function binlogEnd(server: DatabaseServer): Promise<BinlogLocation> {
  const statement = server.kind === 'mysql-9.7' ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS';
  const [row] = await server.query(statement);
  let gtidSet = text(row, 'Executed_Gtid_Set').replace(/\s/g, '');
  if (server.flavor === 'mariadb') {
    const [state] = await server.query('SELECT @@gtid_binlog_pos AS p');
    gtidSet = text(state, 'p');
  }
  return { name: text(row, 'File'), pos: Number(row['Position']), gtidSet };
}

export async function serverVersion(server: DatabaseServer): Promise<string> {
  const [row] = await server.query('SELECT VERSION() AS v');
  return text(row, 'v');
}

export async function schemaOf(server: DatabaseServer, schema: string, table: string): Promise<TableSchema> {
  const [row] = await server.query(`SHOW CREATE TABLE \`${schema}\`.\`${table}\``);
  return createTableFromSql(text(row, 'Create Table'), schema, {
    flavor: server.flavor,
    serverVersion: await serverVersion(server),
    ansiQuotes: false,
    noBackslashEscapes: false,
  } as Parameters<typeof createTableFromSql>[2]);
}

export function streamOptions(
  server: DatabaseServer,
  from: BinlogLocation,
  more: Partial<BinlogStreamOptions> = {},
): BinlogStreamOptions {
  return {
    db: {
      host: server.host,
      port: server.port,
      user: server.user,
      password: server.password,
      maxAllowedPacket: 0,
      session: {},
    },
    flavor: server.flavor,
    serverId: READER_ID,
    useGtid: false,
    from,
    ports: { clock: new RealClock() },
    ...more,
  };
}

/** All events from `from` up to the end of the binlog as it is now. */
export async function readEvents(
  server: DatabaseServer,
  from: BinlogLocation,
  more: Partial<BinlogStreamOptions> = {},
): Promise<BinlogEvent[]> {
  const end = await binlogEnd(server);
  const stream = await openBinlogStream(streamOptions(server, from, more));
  const events: BinlogEvent[] = [];
  const deadline = AbortSignal.timeout(60_000);
  try {
    for (;;) {
      const event = stream.poll();
      if (!event) {
        await stream.ready(deadline);
        continue;
      }
      events.push(event);
      const { file, logPos } = event.header;
      // Events of a compressed transaction all carry its end; its XID is the last of them.
      const ends = event.type === 'xid' || (event.type === 'query' && event.sql !== 'BEGIN');
      if (file === end.name && logPos >= end.pos && ends) break;
      if (event.type === 'heartbeat' && event.pos >= end.pos && event.name === end.name) break;
    }
  } finally {
    await stream.close();
  }
  return events;
}

export function rowsOf(events: readonly BinlogEvent[], table: string): RowsEvent[] {
  return events.filter((event): event is RowsEvent => event.type === 'rows' && event.map.table === table);
}
