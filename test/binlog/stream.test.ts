/** The stream against real servers: places to start, envelopes, large rows, refusals, back-pressure. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileRowCodec } from '../../src/binlog/codec.js';
import type { BinlogEvent } from '../../src/binlog/events.js';
import { GtidTracker, gtidSetEquals } from '../../src/binlog/gtid.js';
import { readBinlogFile } from '../../src/binlog/file.js';
import { newRowIndex } from '../../src/binlog/row-indexer.js';
import type { SqlValue } from '../../src/binlog/rows.js';
import { openBinlogStream } from '../../src/binlog/stream.js';
import { DmError } from '../../src/errors/dm-error.js';
import type { DatabaseServer } from '../servers/database.js';
import { describeWith } from '../servers/describe-with.js';
import { startDatabase } from '../servers/index.js';
import { binlogEnd, readEvents, rowsOf, streamOptions } from './harness.js';
import type { ServerKind } from './type-groups.js';

const KINDS: readonly ServerKind[] = ['mariadb-10.11', 'mysql-9.7', 'mysql-5.6'];

/** [kind, values of every image ...] of the rows events of a table. */
function changes(events: readonly BinlogEvent[], table: string): [string, ...SqlValue[][]][] {
  const index = newRowIndex();
  return rowsOf(events, table).map((event) => {
    const codec = compileRowCodec(event.map, null);
    codec.index(event, index);
    const images: SqlValue[][] = [];
    for (let image = 0; image < index.images; image++) {
      images.push(
        codec.columns.map((column, i) => {
          const slot = image * index.columnCount + i;
          return index.starts[slot] < 0
            ? null
            : column.value(index.buf, index.starts[slot], index.lengths[slot]);
        }),
      );
    }
    return [event.kind, ...images];
  });
}

for (const kind of KINDS) {
  await describeWith(kind, 'binlog stream', () => {
    let server: DatabaseServer;
    beforeAll(async () => {
      server = await startDatabase(kind, { gtid: true });
      await server.execute(
        'CREATE DATABASE s; CREATE TABLE s.t (id INT PRIMARY KEY, v VARCHAR(100)) ENGINE=InnoDB',
      );
    });
    afterAll(async () => {
      await server?.stop();
    });

    test('starts at a position and after a GTID set, over a file change', async () => {
      const start = await binlogEnd(server);
      await server.execute(
        "INSERT INTO s.t VALUES (1, 'a'), (2, 'b'); FLUSH BINARY LOGS; UPDATE s.t SET v = 'c' WHERE id = 2; DELETE FROM s.t",
      );
      const want = [
        ['insert', [1, 'a'], [2, 'b']],
        ['update', [2, 'b'], [2, 'c']],
        ['delete', [1, 'a'], [2, 'c']],
      ];
      const byPosition = await readEvents(server, start);
      expect(changes(byPosition, 't')).toEqual(want);
      const byGtid = await readEvents(server, start, { useGtid: true });
      expect(changes(byGtid, 't')).toEqual(want);
      // Executed set before, plus what went by, is the executed set after.
      const end = await binlogEnd(server);
      const tracker = new GtidTracker(server.flavor, start.gtidSet);
      for (const event of byGtid) if (event.type === 'gtid') tracker.add(event.gtid);
      expect(gtidSetEquals(server.flavor, tracker.toString(), end.gtidSet)).toBe(true);
      // Positions and files are the same either way.
      const place = (event: BinlogEvent): string =>
        `${event.type} ${event.header.file} ${event.header.logPos}`;
      const real = (events: BinlogEvent[]): string[] =>
        events.filter((e) => e.type === 'rows' || e.type === 'xid').map(place);
      expect(real(byGtid)).toEqual(real(byPosition));
      expect(byPosition.at(-1)?.header).toMatchObject({ file: end.name, logPos: end.pos });
    });

    test('carries DDL with its session, XA and the files on disk alike', async () => {
      const start = await binlogEnd(server);
      await server.execute(
        "SET SESSION sql_mode='ANSI_QUOTES'; USE s; CREATE TABLE \"x'é\" (a INT PRIMARY KEY) ENGINE=InnoDB; SET SESSION sql_mode='';" +
          " XA START 'g','b',7; INSERT INTO s.t VALUES (50, 'xa'); XA END 'g','b',7; XA PREPARE 'g','b',7; XA COMMIT 'g','b',7; DROP TABLE `x'é`",
      );
      const events = await readEvents(server, start);
      const ddl = events.find((event) => event.type === 'query' && event.sql.startsWith('CREATE TABLE'));
      expect(ddl).toMatchObject({ type: 'query', schema: 's' });
      if (ddl?.type === 'query') {
        expect(ddl.sql).toContain('"x\'é"');
        expect((ddl.status.sqlMode ?? 0n) & 4n).toBe(4n);
      }
      expect(changes(events, 't')).toEqual([['insert', [50, 'xa']]]);
      if (kind !== 'mysql-5.6') {
        expect(events.find((event) => event.type === 'xa-prepare')).toMatchObject({
          formatId: 7,
          gtrid: Buffer.from('g'),
          bqual: Buffer.from('b'),
        });
      }
      const [row] = await server.query("SHOW VARIABLES LIKE 'log_bin_basename'");
      const folder = String(row['Value']).replace(/[^/]*$/, '');
      const types: string[] = [];
      const streamed = events.filter((e) => e.header.file === start.name && e.header.logPos > start.pos);
      const last = streamed[streamed.length - 1].header.logPos;
      for await (const event of readBinlogFile(folder + start.name, { flavor: server.flavor })) {
        const { logPos } = event.header;
        // The server leaves annotations out unless they are asked for; MariaDB may write a checkpoint
        // event by itself after the place where the stream was left.
        if (logPos > start.pos && logPos <= last && event.type !== 'annotate') types.push(event.type);
      }
      expect(types.length).toBeGreaterThan(5);
      expect(types).toEqual(streamed.map((event) => event.type));
    });

    test('joins rows beyond 16 MB and survives a small buffer', async () => {
      await server.execute('CREATE TABLE s.big (id INT PRIMARY KEY, b LONGBLOB) ENGINE=InnoDB');
      const start = await binlogEnd(server);
      const length = kind === 'mysql-5.6' ? 3_000_000 : 40_000_000;
      await server.execute(
        `INSERT INTO s.big VALUES (1, REPEAT('ab', ${length / 2})); INSERT INTO s.big VALUES (2, REPEAT('c', 16777215 - ${kind === 'mysql-5.6' ? 14_000_000 : 60}))`,
      );
      for (let i = 0; i < 20; i++)
        await server.query(`INSERT INTO s.big VALUES (${i + 3}, REPEAT('d', 100000))`);
      const events = await readEvents(server, start, { maxBufferedBytes: 50_000 });
      const rows = changes(events, 'big').map((change) => change[1] as [number, Buffer]);
      expect(rows.length).toBe(22);
      expect(rows[0][1].length).toBe(length);
      expect(rows[21][0]).toBe(22);
    });

    test('tells refusals and ends by code', async () => {
      const end = await binlogEnd(server);
      const gone = await openBinlogStream(
        streamOptions(server, { name: 'nowhere.000001', pos: 4, gtidSet: '' }),
      );
      await expect(gone.ready()).rejects.toMatchObject({
        code: 36069,
        rawCause: expect.stringContaining('1236') as string,
      });
      await gone.close();
      const options = streamOptions(server, end);
      const wrong = openBinlogStream({ ...options, db: { ...options.db, password: 'wrong' } });
      await expect(wrong).rejects.toMatchObject({
        code: 10001,
        scope: 'upstream',
        rawCause: expect.stringContaining('1045') as string,
      });
      const killed = await openBinlogStream(options);
      const abort = new AbortController();
      const waiting = (async () => {
        for (;;) if (!killed.poll()) await killed.ready(abort.signal);
      })();
      const ended = expect(waiting).rejects.toBeInstanceOf(DmError);
      await server.restart();
      await ended;
      await killed.close();
      const aborted = await openBinlogStream(options);
      while (aborted.poll());
      abort.abort(new Error('enough'));
      await expect(aborted.ready(abort.signal)).rejects.toThrow('enough');
      await aborted.close();
    });

    test('hears heartbeats, and fails on silence', async () => {
      const end = await binlogEnd(server);
      // Twice this long is what a server may be silent: longer than a busy machine makes it.
      const stream = await openBinlogStream(streamOptions(server, end, { heartbeatMs: 1_500 }));
      let beats = 0;
      while (beats < 2) {
        const event = stream.poll();
        if (!event) await stream.ready(AbortSignal.timeout(60_000));
        else if (event.type === 'heartbeat') {
          beats++;
          expect(event).toMatchObject({ name: end.name, pos: end.pos });
        }
      }
      await server.signal('SIGSTOP');
      try {
        const silence = (async () => {
          for (;;) if (!stream.poll()) await stream.ready();
        })();
        await expect(silence).rejects.toMatchObject({
          code: 10001,
          rawCause: expect.stringContaining('no heartbeat') as string,
        });
      } finally {
        await server.signal('SIGCONT');
      }
      await stream.close();
    });

    if (kind === 'mariadb-10.11') {
      test('compressed events and annotations', async () => {
        await server.execute('SET GLOBAL log_bin_compress = ON; SET GLOBAL log_bin_compress_min_len = 10');
        await server.execute('TRUNCATE s.t');
        const start = await binlogEnd(server);
        const long = 'x'.repeat(90);
        const connection = await server.connect();
        await connection.query('SET SESSION binlog_annotate_row_events = ON');
        await connection.query(`INSERT INTO s.t VALUES (1, '${long}'), (2, NULL)`);
        await connection.query("UPDATE s.t SET v = CONCAT(v, 'y')");
        await connection.query('DELETE FROM s.t');
        await connection.query(`CREATE TABLE s.c (a INT) COMMENT '${long}'`);
        await connection.end();
        const events = await readEvents(server, start, { annotate: true });
        await server.execute('SET GLOBAL log_bin_compress = OFF');
        expect(changes(events, 't')).toEqual([
          ['insert', [1, long], [2, null]],
          ['update', [1, long], [1, `${long}y`]],
          ['delete', [1, `${long}y`], [2, null]],
        ]);
        expect(
          events.some((event) => event.type === 'query' && event.sql.endsWith(`COMMENT '${long}'`)),
        ).toBe(true);
        expect(events.filter((event) => event.type === 'annotate').length).toBe(3);
        expect(rowsOf(events, 't')[0].header.typeCode).toBeGreaterThan(160);
      });
    }

    if (kind === 'mysql-9.7') {
      test('compressed transactions and tagged GTIDs', async () => {
        await server.execute('TRUNCATE s.t');
        const start = await binlogEnd(server);
        const connection = await server.connect();
        await connection.query(
          "SET SESSION binlog_transaction_compression = ON; SET gtid_next = 'AUTOMATIC:blue'",
        );
        const tuples = Array.from({ length: 2000 }, (_, i) => `(${i}, 'value ${i}')`).join(', ');
        await connection.query(`INSERT INTO s.t VALUES ${tuples}`);
        await connection.query(
          'BEGIN; UPDATE s.t SET v = NULL WHERE id < 10; DELETE FROM s.t WHERE id >= 10; COMMIT',
        );
        await connection.end();
        const events = await readEvents(server, start);
        const end = await binlogEnd(server);
        const all = changes(events, 't');
        expect(all.flatMap(([k, ...images]) => images.map(() => k)).length).toBe(2000 + 20 + 1990);
        expect(all[0][1]).toEqual([0, 'value 0']);
        const tagged = events.filter((event) => event.type === 'gtid').map((event) => event.gtid);
        expect(tagged.every((gtid) => gtid.includes(':blue:'))).toBe(true);
        const tracker = new GtidTracker('mysql', start.gtidSet);
        for (const gtid of tagged) tracker.add(gtid);
        expect(gtidSetEquals('mysql', tracker.toString(), end.gtidSet)).toBe(true);
        // A tagged set is understood by the server as a place to start, and in the head of the next file.
        await server.execute("FLUSH BINARY LOGS; INSERT INTO s.t VALUES (5000, 'after')");
        const rest = await readEvents(server, end, { useGtid: true });
        expect(changes(rest, 't')).toEqual([['insert', [5000, 'after']]]);
        const whole = await readEvents(server, { name: (await binlogEnd(server)).name, pos: 4, gtidSet: '' });
        const previous = whole.find((event) => event.type === 'gtid-set');
        expect(previous).toMatchObject({ gtidSet: end.gtidSet });
      });

      test('partial JSON updates', async () => {
        await server.execute('CREATE TABLE s.j (id INT PRIMARY KEY, a JSON, n INT, b JSON)');
        await server.execute(
          `INSERT INTO s.j VALUES (1, JSON_OBJECT('k', 1, 'arr', JSON_ARRAY(1,2,JSON_OBJECT('deep','x')), 'pad', REPEAT('p', 300)), 1, '{"z": "${'q'.repeat(100)}", "y": [1.0]}')`,
        );
        const start = await binlogEnd(server);
        const connection = await server.connect();
        await connection.query("SET SESSION binlog_row_value_options = 'PARTIAL_JSON'");
        const updates = [
          "a = JSON_SET(a, '$.k', 2)",
          "a = JSON_SET(a, '$.arr[2].deep', 'y'), b = JSON_REMOVE(b, '$.y')",
          "a = JSON_REMOVE(a, '$.arr[0]'), n = 2",
          'a = JSON_SET(a, \'$."odd. \\\\"key"\', JSON_ARRAY(1.0, NULL)), b = NULL',
          "a = JSON_ARRAY_INSERT(a, '$.arr[1]', 'new')",
          "a = JSON_REPLACE(a, '$', 5)",
        ];
        const want: unknown[] = [];
        for (const update of updates) {
          await connection.query(`UPDATE s.j SET ${update}`);
          const [row] = await server.query('SELECT id, CAST(a AS CHAR) a, n, CAST(b AS CHAR) b FROM s.j');
          want.push(Object.values(row));
        }
        await connection.end();
        const events = await readEvents(server, start);
        const partial = rowsOf(events, 'j');
        expect(partial.some((event) => event.partialJson)).toBe(true);
        expect(changes(events, 'j').map((change) => change[2])).toEqual(want);
      });
    }
  });
}
