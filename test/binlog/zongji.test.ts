/**
 * A second opinion: @vlasky/zongji decodes the same binlog with code of its own, compared on the types and
 * values it is right about (it is wrong on negative TIME at borders, YEAR 0000, ENUM index 0, SRIDs, JSON numbers).
 */
import ZongJi from '@vlasky/zongji';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileRowCodec } from '../../src/binlog/codec.js';
import { newRowIndex } from '../../src/binlog/row-indexer.js';
import type { SqlValue } from '../../src/binlog/rows.js';
import type { DatabaseServer } from '../servers/database.js';
import { describeWith } from '../servers/describe-with.js';
import { startDatabase } from '../servers/index.js';
import { SeededRandom } from '../support/seeded-random.js';
import { binlogEnd, readEvents, rowsOf, schemaOf } from './harness.js';
import type { ServerKind } from './type-groups.js';

const KINDS: readonly ServerKind[] = ['mariadb-10.11', 'mysql-9.7', 'mysql-5.6'];
const NAMES = ['id', 'i', 'u', 'd', 'f', 'v', 'l', 't', 'b', 'dt', 'e', 's'];
const TABLE = `CREATE TABLE z.t (id INT PRIMARY KEY, i MEDIUMINT, u BIGINT UNSIGNED, d DECIMAL(30,10), f DOUBLE,
  v VARCHAR(200) CHARACTER SET utf8mb4, l VARCHAR(100) CHARACTER SET latin1, t TEXT CHARACTER SET utf8mb4,
  b VARBINARY(100), dt DATETIME(3), e ENUM('x','y','z'), s SET('p','q','r')) ENGINE=InnoDB`;

function randomRow(random: SeededRandom, id: number): string {
  const text = (alphabet: string, length: number): string =>
    `'${Array.from({ length: random.int(0, length) }, () => random.pick([...alphabet])).join('')}'`;
  const two = (value: number): string => String(value).padStart(2, '0');
  const values = [
    String(random.int(-8_388_608, 8_388_607)),
    `${random.int(0, 1_844_674_407)}${random.digits(9).replaceAll('-', '0')}`,
    `${random.pick(['', '-'])}${random.int(0, 1e9)}.${random.int(0, 999_999_999)}`,
    String(random.next() * 10 ** random.int(-20, 20)),
    text('abc äöü日本😀\t', 60),
    text('abc éàü€', 60),
    text('xyz ñ\n', 200),
    `x'${Array.from({ length: random.int(1, 60) }, () => random.int(1, 255).toString(16).padStart(2, '0')).join('')}'`,
    `'20${two(random.int(0, 99))}-${two(random.int(1, 12))}-${two(random.int(1, 28))} ${two(random.int(0, 23))}:${two(random.int(0, 59))}:${two(random.int(0, 59))}.${random.int(100, 999)}'`,
    random.pick(["'x'", "'y'", "'z'"]),
    random.pick(["'p'", "'p,q'", "'r'", "''"]),
  ].map((value) => (random.next() < 0.15 ? 'NULL' : value));
  return `(${[id, ...values].join(', ')})`;
}

/** One form for both: zongji gives Buffers, strings and numbers in places of its own choice. */
function plain(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return `0x${value.toString('hex')}`;
  if (Array.isArray(value)) return value.join(',');
  return String(value as SqlValue);
}

type Change = [string, ...(string | null)[][]];

for (const kind of KINDS) {
  await describeWith(kind, 'zongji decodes the same', () => {
    let server: DatabaseServer;
    beforeAll(async () => {
      server = await startDatabase(kind);
      // zongji logs in with what both flavours allow; its own connection is a plain one.
      await server.execute('CREATE DATABASE z');
      await server.execute(TABLE);
    });
    afterAll(async () => {
      await server?.stop();
    });

    test('random rows', async () => {
      const random = new SeededRandom(20_240_601);
      const start = await binlogEnd(server);
      const tuples = Array.from({ length: 300 }, (_, i) => randomRow(random, i + 1));
      await server.execute(
        `SET NAMES utf8mb4; INSERT INTO z.t VALUES ${tuples.join(', ')}; UPDATE z.t SET v = CONCAT(v, 'x'), i = NULL WHERE id % 3 = 0; DELETE FROM z.t WHERE id % 2 = 0`,
      );
      const schema = await schemaOf(server, 'z', 't');
      const index = newRowIndex();
      const ours: Change[] = [];
      for (const event of rowsOf(await readEvents(server, start), 't')) {
        const codec = compileRowCodec(event.map, schema);
        codec.index(event, index);
        for (let image = 0; image < index.images; image++) {
          const row = codec.columns.map((column, i) => {
            const slot = image * index.columnCount + i;
            return index.starts[slot] < 0
              ? null
              : plain(column.value(index.buf, index.starts[slot], index.lengths[slot]));
          });
          if (event.kind === 'update' && image % 2 === 1) ours.at(-1)?.push(row);
          else ours.push([event.kind, row]);
        }
      }

      const theirs: Change[] = [];
      const zongji = new ZongJi({
        host: server.host,
        port: server.port,
        user: server.user,
        password: server.password,
        dateStrings: true,
        supportBigNumbers: true,
      } as ConstructorParameters<typeof ZongJi>[0]);
      const done = new Promise<void>((resolve, reject) => {
        zongji.on('error', reject);
        zongji.on('binlog', (event: unknown) => {
          const { rows, getEventName } = event as {
            rows?: Record<string, unknown>[];
            getEventName: () => string;
          };
          const name = getEventName.call(event);
          if (!rows) return;
          const list = (row: unknown): (string | null)[] =>
            NAMES.map((column) => plain((row as Record<string, unknown>)[column]));
          for (const row of rows) {
            if (name === 'updaterows') theirs.push(['update', list(row['before']), list(row['after'])]);
            else theirs.push([name === 'writerows' ? 'insert' : 'delete', list(row)]);
          }
          if (theirs.length >= ours.length) resolve();
        });
      });
      zongji.start({
        serverId: 4_000_002,
        filename: start.name,
        position: start.pos,
        includeEvents: ['tablemap', 'writerows', 'updaterows', 'deleterows'],
        includeSchema: { z: ['t'] },
      });
      await done;
      zongji.stop();
      // An update that changes nothing is not written.
      expect(ours.length).toBeGreaterThan(500);
      expect(ours).toEqual(theirs);
    });
  });
}
