/** The same rows under the servers' settings of the binlog: checksums, metadata, images, old temporal types. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileRowCodec } from '../../src/binlog/codec.js';
import type { RowsEvent } from '../../src/binlog/events.js';
import { newRowIndex } from '../../src/binlog/row-indexer.js';
import { ABSENT, NULL_VALUE, type SqlValue } from '../../src/binlog/rows.js';
import type { TableSchema } from '../../src/schema/table.js';
import type { DatabaseServer } from '../servers/database.js';
import { describeWith } from '../servers/describe-with.js';
import { startDatabase } from '../servers/index.js';
import { binlogEnd, readEvents, rowsOf, schemaOf } from './harness.js';
import type { ServerKind } from './type-groups.js';

const KINDS: readonly ServerKind[] = ['mariadb-10.11', 'mysql-9.7', 'mysql-5.6'];

/** Values of all images; columns that are not in an image are undefined. */
function images(event: RowsEvent, schema: TableSchema | null): (SqlValue | undefined)[][] {
  const codec = compileRowCodec(event.map, schema);
  const index = newRowIndex();
  codec.index(event, index);
  return Array.from({ length: index.images }, (_, image) =>
    codec.columns.map((column, i) => {
      const slot = image * index.columnCount + i;
      const start = index.starts[slot];
      if (start === ABSENT) return undefined;
      return start === NULL_VALUE ? null : column.value(index.buf, start, index.lengths[slot]);
    }),
  );
}

for (const kind of KINDS) {
  await describeWith(kind, 'forms of the binlog', () => {
    let server: DatabaseServer;
    beforeAll(async () => {
      server = await startDatabase(kind);
      await server.execute('CREATE DATABASE f DEFAULT CHARACTER SET utf8mb4');
    });
    afterAll(async () => {
      await server?.stop();
    });

    test('checksums turned off and on again, in one stream', async () => {
      await server.execute('CREATE TABLE f.c (id INT PRIMARY KEY) ENGINE=InnoDB');
      const start = await binlogEnd(server);
      let id = 0;
      for (const checksum of ['NONE', 'CRC32', 'NONE', 'CRC32']) {
        await server.execute(`SET GLOBAL binlog_checksum = ${checksum}; INSERT INTO f.c VALUES (${++id})`);
      }
      const ids = (from: Awaited<ReturnType<typeof binlogEnd>>): Promise<unknown[]> =>
        readEvents(server, from).then((events) =>
          rowsOf(events, 'c').flatMap((event) => images(event, null)),
        );
      expect(await ids(start)).toEqual([[1], [2], [3], [4]]);
      // From the middle of a file without checksums the server changes the format event and not its checksum.
      await server.execute('SET GLOBAL binlog_checksum = NONE; INSERT INTO f.c VALUES (5)');
      const middle = await binlogEnd(server);
      await server.execute('INSERT INTO f.c VALUES (6)');
      expect(await ids(middle)).toEqual([[6]]);
      await server.execute('SET GLOBAL binlog_checksum = CRC32');
    });

    test('minimal row images leave out what did not change', async () => {
      await server.execute(
        "CREATE TABLE f.m (id INT PRIMARY KEY, a INT DEFAULT 7, b VARCHAR(10) DEFAULT 'x', c INT NULL) ENGINE=InnoDB",
      );
      const start = await binlogEnd(server);
      await server.execute(
        "SET SESSION binlog_row_image = 'MINIMAL'; INSERT INTO f.m (id, b) VALUES (1, 'one'), (2, 'two'); UPDATE f.m SET c = 5, a = NULL WHERE id = 1; DELETE FROM f.m WHERE id = 2",
      );
      const schema = await schemaOf(server, 'f', 'm');
      const events = rowsOf(await readEvents(server, start), 'm');
      const seen = events.map((event) => [event.kind, ...images(event, schema)]);
      const absent = undefined;
      expect(seen.slice(1)).toEqual([
        ['update', [1, absent, absent, absent], [absent, null, absent, 5]],
        ['delete', [2, absent, absent, absent]],
      ]);
      // MariaDB writes inserted rows whole.
      const [kindSeen, ...rows] = seen[0] as [string, ...(SqlValue | undefined)[][]];
      expect(kindSeen).toBe('insert');
      expect(rows.map((row) => [row[0], row[2]])).toEqual([
        [1, 'one'],
        [2, 'two'],
      ]);
    });
  });
}

await describeWith('mariadb-10.11', 'forms of the binlog of MariaDB', () => {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await startDatabase('mariadb-10.11');
    await server.execute('CREATE DATABASE f DEFAULT CHARACTER SET utf8mb4');
  });
  afterAll(async () => {
    await server?.stop();
  });

  test('without row metadata all is known from the schema model', async () => {
    await server.execute(
      "SET GLOBAL binlog_row_metadata = NO_LOG; CREATE TABLE f.n (id BIGINT UNSIGNED PRIMARY KEY, e ENUM('a','b,c'), t VARCHAR(10) CHARACTER SET latin1, x VARBINARY(4)) ENGINE=InnoDB",
    );
    const start = await binlogEnd(server);
    await server.execute("INSERT INTO f.n VALUES (18446744073709551615, 'b,c', 'é', x'00ff')");
    const [event] = rowsOf(await readEvents(server, start), 'n');
    expect(event.map.optional).toEqual({});
    expect(images(event, await schemaOf(server, 'f', 'n'))).toEqual([
      [18446744073709551615n, 'b,c', 'é', Buffer.from([0, 255])],
    ]);
    const codec = compileRowCodec(event.map, null);
    expect(codec.columns.map((column) => column.name)).toEqual(['@1', '@2', '@3', '@4']);
  });

  test('temporal types of before MySQL 5.6, with and without fractions', async () => {
    await server.execute('SET GLOBAL mysql56_temporal_format = OFF');
    const values: Record<string, string[]> = {
      TIME: ['-838:59:59', '-00:00:01', '00:00:00', '11:12:13', '838:59:59'],
      DATETIME: ['0000-00-00 00:00:00', '1000-01-01 00:00:00', '2024-02-29 23:59:59', '9999-12-31 23:59:59'],
      TIMESTAMP: ['0000-00-00 00:00:00', '1970-01-01 00:00:01', '2024-02-29 23:59:59', '2038-01-19 03:14:07'],
    };
    const columns: { name: string; ddl: string; values: string[] }[] = [];
    for (const [type, list] of Object.entries(values)) {
      for (let fsp = 0; fsp <= 6; fsp++) {
        const fraction = fsp === 0 ? '' : `.${'120506'.slice(0, fsp)}`;
        const zero = fsp === 0 ? '' : `.${'0'.repeat(fsp)}`;
        columns.push({
          name: `${type.toLowerCase()}${fsp}`,
          ddl: `${type}(${fsp}) NULL`,
          values: list.map((value) => value + (/^0000|^838|^-838/.test(value) ? zero : fraction)),
        });
      }
    }
    const names = columns.map((column) => `${column.name} ${column.ddl}`).join(', ');
    await server.execute(`CREATE TABLE f.o (id INT PRIMARY KEY, ${names}) ENGINE=InnoDB`);
    const schema = await schemaOf(server, 'f', 'o');
    const start = await binlogEnd(server);
    const rows = [0, 1, 2, 3, 4].map((r) => columns.map((column) => column.values[r] ?? null));
    const tuples = rows.map(
      (row, r) => `(${[r, ...row.map((value) => (value === null ? 'NULL' : `'${value}'`))].join(', ')})`,
    );
    await server.execute(
      `SET SESSION sql_mode = '', time_zone = '+00:00'; INSERT INTO f.o VALUES ${tuples.join(', ')}`,
    );
    const [event] = rowsOf(await readEvents(server, start), 'o');
    // 7 TIMESTAMP, 11 TIME, 12 DATETIME: not the types of now, and without a word about fractions.
    expect(new Set(event.map.types.subarray(1))).toEqual(new Set([7, 11, 12]));
    expect(images(event, schema)).toEqual(rows.map((row, r) => [r, ...row]));
  });
});
