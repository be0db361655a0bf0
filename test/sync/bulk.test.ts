/** Many rows of one INSERT go to a MariaDB as arrays of bound values: what is stored, and what becomes of trouble. */
import { describe, expect, it } from 'vitest';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import { silentLog } from '../copy/support.js';
import type { DatabaseServer } from '../servers/database.js';
import { useTwoServers } from '../support/two-servers.js';
import { waitFor } from '../support/wait-for.js';
import { expectEqualTables, incremental, startSyncer, untilSynced, type RunningSyncer } from './support.js';

let source: DatabaseServer;
let target: DatabaseServer;
useTwoServers((servers) => ({ source, target } = servers));

/** Tables, and what is inserted into them. */
const KINDS: Readonly<Record<string, { readonly columns: string; readonly rows: string }>> = {
  zero: {
    columns: '(id INT AUTO_INCREMENT PRIMARY KEY, v INT)',
    rows: 'SELECT seq - 1, seq FROM seq_1_to_300',
  },
  computed: {
    columns: `(id INT PRIMARY KEY, a INT, b INT AS (a * 2) STORED, c VARCHAR(20) AS (CONCAT(a, 'x')) VIRTUAL, KEY (c), UNIQUE (b))`,
    rows: '(id, a) SELECT seq, seq FROM seq_1_to_300',
  },
  parts: {
    columns: `(id INT PRIMARY KEY, a VARCHAR(20) CHECK (a <> '')) PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (300), PARTITION b VALUES LESS THAN MAXVALUE)`,
    rows: 'SELECT seq, seq FROM seq_1_to_600',
  },
  numbers: {
    columns: `(id INT PRIMARY KEY, a DECIMAL(65,30), b DECIMAL(65,0), c DECIMAL(38,38), d DECIMAL(1,1) UNSIGNED, e FLOAT(7,3), f DOUBLE(10,2),
      g DECIMAL(10,3) ZEROFILL, h INT(5) ZEROFILL, i FLOAT, j DOUBLE, k FLOAT UNSIGNED)`,
    rows: `SELECT seq, -REPEAT('9', 35) - 0.123456789012345678901234567890, CONCAT(REPEAT('9', 62), seq + 100), CONCAT('0.', LPAD(seq, 38, '9')), 0.9,
      seq * 1.2345, seq * 777.777, seq / 3, seq, IF(seq % 2, -0e0, 3.402823466e38), IF(seq % 3, -0e0, 1.7976931348623157e308), 1.17549e-38 * seq
      FROM seq_1_to_300`,
  },
  characters: {
    columns: `(id INT PRIMARY KEY, a VARCHAR(30) CHARACTER SET gbk, b VARCHAR(30) CHARACTER SET big5, c VARCHAR(30) CHARACTER SET ucs2,
      d VARCHAR(30) CHARACTER SET utf16, e VARCHAR(30) CHARACTER SET utf32, f TEXT CHARACTER SET euckr, g VARCHAR(20) CHARACTER SET cp1251,
      h VARCHAR(20) CHARACTER SET koi8r, i CHAR(30) CHARACTER SET utf16le, k TEXT CHARACTER SET ascii, l VARCHAR(20) CHARACTER SET ujis)`,
    rows: `SELECT seq, CONCAT('誠縗\\\\''', seq), CONCAT('功許', seq), CONCAT('é€', seq), CONCAT('😀\\\\', seq), CONCAT('😀', seq), CONCAT('한', seq),
      CONCAT('Ж', seq), 'Ж', '😀 x', seq, '表' FROM seq_1_to_300`,
  },
  members: {
    columns: `(id INT PRIMARY KEY, a ENUM('1','2','0'), b ENUM('ä','é€','a\\\\b') CHARACTER SET latin1, c SET('1','a','Ж'), d ENUM('x','y') NOT NULL)`,
    rows: 'SELECT seq, 1 + seq % 3, 1 + seq % 3, seq % 8, 1 + seq % 2 FROM seq_1_to_300',
  },
  times: {
    columns: `(id INT PRIMARY KEY, a TIME(6), b DATETIME(3), c TIMESTAMP(6) NULL, d DATE, e YEAR,
      f TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP)`,
    rows: `SELECT seq, SEC_TO_TIME(-3020399.999999 + seq), '0000-00-00', '2024-03-31 00:30:00.123456' + INTERVAL seq MINUTE, '0001-01-01',
      seq % 100 + 1970, '2024-10-27 00:30:00' + INTERVAL seq MINUTE FROM seq_1_to_300`,
  },
  lengths: {
    columns:
      '(id INT PRIMARY KEY, a VARBINARY(300), b VARCHAR(300), c VARCHAR(300) CHARACTER SET latin1, d BINARY(255), e LONGTEXT)',
    rows: `SELECT seq, REPEAT('x', seq), REPEAT('€', seq), REPEAT('é', seq), REPEAT('y', LEAST(seq, 255)), IF(seq = 60, REPEAT('€', 400000), NULL)
      FROM seq_1_to_300`,
  },
};

const both = async (sql: string): Promise<void> => {
  await source.execute(sql);
  await target.execute(sql);
};

/** Commands with bound rows that the target has executed. */
async function executions(): Promise<number> {
  const [row] = await target.query("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'");
  return Number(row?.['Value']);
}

function oneLane(task: string): Promise<SubtaskConfig> {
  return incremental(source, target, { task }).then((config) => {
    config.sync.workerCount = 1;
    // All of a transaction in one packet.
    config.sync.batch = 1000;
    return config;
  });
}

/** Rows of the first transaction that the lane's position in the target counts as applied. */
async function position(task: string): Promise<number> {
  const [row] = await target.query(`SELECT row_no FROM dm_meta.${task}_syncer_lane WHERE stream = 'main'`);
  return Number(row?.['row_no']);
}

/** The server answers from what it has gathered once until nobody has asked for 100 ms. */
const UNCACHED = { intervalMs: 300 };

async function waits(): Promise<boolean> {
  const [row] = await target.query('SELECT COUNT(*) AS n FROM information_schema.innodb_lock_waits');
  return Number(row?.['n']) > 0;
}

async function finish(running: RunningSyncer): Promise<void> {
  await untilSynced(running);
  running.syncer.end();
  await running.done;
}

describe('rows as arrays', () => {
  it('stores of all types what the source has', async () => {
    await both(`CREATE DATABASE b; CREATE TABLE b.types (
      id INT PRIMARY KEY, t TINYINT, tu TINYINT UNSIGNED, s SMALLINT, su SMALLINT UNSIGNED, m MEDIUMINT, mu MEDIUMINT UNSIGNED,
      i INT, iu INT UNSIGNED, b BIGINT, bu BIGINT UNSIGNED, d DECIMAL(30,6), dz DECIMAL(5,0), f FLOAT, g DOUBLE, bt BIT(13), b1 BIT(1),
      y YEAR, da DATE, tm TIME(3), dt DATETIME(6), ts TIMESTAMP(2) NULL, c CHAR(20) CHARACTER SET latin1, v VARCHAR(300) CHARACTER SET utf8mb4,
      v3 VARCHAR(300) CHARACTER SET utf8mb3, sj VARCHAR(20) CHARACTER SET sjis, tx TEXT CHARACTER SET latin1, lt LONGTEXT CHARACTER SET utf8mb4,
      bi BINARY(9), vb VARBINARY(300), bl LONGBLOB, e ENUM('a','it''s','') , st SET('x','y','z'), j JSON, u UUID, i4 INET4, i6 INET6,
      vc VARCHAR(200) COMPRESSED, bc BLOB COMPRESSED)`);
    const config = await incremental(source, target);
    const running = startSyncer(config, 1);
    const before = await executions();
    await source.execute(`USE b; SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_UNSIGNED_SUBTRACTION'; INSERT INTO b.types
      SELECT seq, seq % 256 - 128, seq % 256, seq * 13 % 65536 - 32768, seq * 13 % 65536, seq * 3301 % 16777216 - 8388608,
        seq * 3301 % 16777216, seq * 429496 - 2147483648, seq * 429496, (seq - 2000) * 4611686018427387, seq * 4611686018427387,
        (seq - 2000) * 123456789.987654, seq % 100000 - 50000, (seq - 2000) / 7, EXP(seq / 6 - 300) * IF(seq % 2, 1, -1), seq % 8192, seq % 2,
        IF(seq % 97 = 0, 0, 1901 + seq % 250), IF(seq % 89 = 0, '0000-00-00', IF(seq % 83 = 0, '2024-02-31', '1999-12-31' + INTERVAL seq DAY)),
        SEC_TO_TIME((seq - 2000) * 1500.125), '2001-01-01 00:00:00' + INTERVAL seq * 1234567 MICROSECOND,
        '1970-01-02 00:00:00' + INTERVAL seq * 400000 SECOND, CONCAT('\\'é\\\\ ', seq), REPEAT(CONCAT('ü😀\\0\\n', seq), seq % 20),
        REPEAT(CONCAT('€', seq), seq % 20), CONCAT('表', seq), REPEAT('ä"', seq % 300), IF(seq % 500 = 0, REPEAT('größe ', 20000), ''),
        UNHEX(RPAD(HEX(seq), 6, '0')), UNHEX(REPEAT(SHA1(seq), seq % 14)), IF(seq % 700 = 0, REPEAT(UNHEX('00FF27'), 50000), UNHEX(SHA1(seq))),
        1 + seq % 3, seq % 8, JSON_OBJECT('a', seq, 'b', 'x"y'), UUID(), CONCAT('10.0.', seq % 256, '.7'), CONCAT('::', HEX(seq)),
        REPEAT(seq, 20), REPEAT(seq, 30)
      FROM seq_1_to_4000;
      INSERT INTO b.types (id) SELECT seq FROM seq_5001_to_7000`);
    await finish(running);
    await expectEqualTables(source, target, ['b.types']);
    expect(await executions()).toBeGreaterThan(before);
  });

  it.each(['+00:00', '-03:30'])(
    'stores in tables of many kinds what the source has, target at %s',
    async (zone) => {
      const schema = zone === '+00:00' ? 'kinds' : 'zoned';
      await both(`CREATE DATABASE ${schema}`);
      for (const [name, { columns }] of Object.entries(KINDS))
        await both(`CREATE TABLE ${schema}.${name} ${columns}`);
      await target.execute(`SET GLOBAL time_zone = '${zone}'`);
      const running = startSyncer(await oneLane(schema), 1);
      const before = await executions();
      await source.execute(
        `USE ${schema}; SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00'`,
      );
      for (const [name, { rows }] of Object.entries(KINDS))
        await source.execute(`INSERT INTO ${name} ${rows}`);
      await finish(running);
      await target.execute("SET GLOBAL time_zone = '+00:00'");
      await expectEqualTables(
        source,
        target,
        Object.keys(KINDS).map((name) => `${schema}.${name}`),
      );
      expect(await executions()).toBeGreaterThan(before);
    },
  );

  it('leaves to the target, row by row, what it alone has', async () => {
    await both('CREATE DATABASE more');
    await source.execute('CREATE TABLE more.t (id INT PRIMARY KEY, v VARCHAR(20))');
    await target.execute(`CREATE TABLE more.t (n INT AUTO_INCREMENT UNIQUE, u UUID DEFAULT UUID() UNIQUE, w VARCHAR(30) DEFAULT (CONCAT(v, '+')),
      g INT AS (id * 2) STORED, h VARCHAR(30) AS (CONCAT(v, id)) VIRTUAL UNIQUE, id BIGINT PRIMARY KEY, v LONGTEXT CHARACTER SET utf8mb4)`);
    const running = startSyncer(await oneLane('more'), 1);
    const before = await executions();
    await source.execute("INSERT INTO more.t SELECT seq, CONCAT('v', seq) FROM seq_1_to_500");
    await finish(running);
    const [row] = await target.query(
      `SELECT COUNT(*) AS n, COUNT(DISTINCT n) AS numbers, SUM(w = CONCAT('v', id, '+') AND g = id * 2 AND h = CONCAT('v', id, id)) AS right_ones FROM more.t`,
    );
    expect({
      n: Number(row?.['n']),
      numbers: Number(row?.['numbers']),
      right: Number(row?.['right_ones']),
    }).toEqual({
      n: 500,
      numbers: 500,
      right: 500,
    });
    expect(await executions()).toBeGreaterThan(before);
  });

  it('sends text for a table of which the target has refused what only a lax session takes', async () => {
    await both('CREATE DATABASE lax; CREATE TABLE lax.t (id INT PRIMARY KEY, g TINYINT AS (id * 10) STORED)');
    const running = startSyncer(await oneLane('lax'), 1);
    const insert = (from: number) =>
      source.execute(
        `USE lax; SET SESSION sql_mode = ''; INSERT INTO t (id) SELECT seq FROM seq_${from}_to_${from + 99}; SET SESSION sql_mode = DEFAULT`,
      );
    const before = await executions();
    await insert(1);
    await untilSynced(running);
    const refused = await executions();
    expect(refused).toBeGreaterThan(before);
    await insert(101);
    await finish(running);
    expect(await executions()).toBe(refused);
    await expectEqualTables(source, target, ['lax.t']);
  });

  it('sends text where the target keeps no more prepared statements', async () => {
    await both('CREATE DATABASE few; CREATE TABLE few.t (id INT PRIMARY KEY)');
    const config = await oneLane('few');
    await target.execute('SET GLOBAL max_prepared_stmt_count = 0');
    const before = await executions();
    const warnings: string[] = [];
    const running = startSyncer(config, 1, { ...silentLog, warn: (text) => warnings.push(text) });
    await source.execute('INSERT INTO few.t SELECT seq FROM seq_1_to_3000');
    await finish(running);
    await target.execute('SET GLOBAL max_prepared_stmt_count = DEFAULT');
    await expectEqualTables(source, target, ['few.t']);
    expect(await executions()).toBe(before);
    expect(warnings).not.toContain('trouble with the target, trying again');
  });

  it('follows what DDL and triggers of the target make of its tables', async () => {
    await both(
      'CREATE DATABASE ddl; CREATE TABLE ddl.t (id INT PRIMARY KEY, v VARCHAR(20)); CREATE TABLE ddl.g LIKE ddl.t',
    );
    // Servers of some versions show a trigger the values of another row.
    await target.execute(`USE ddl; CREATE TABLE seen (id INT PRIMARY KEY, v VARCHAR(20));
      CREATE TRIGGER ddl.g_seen AFTER INSERT ON ddl.g FOR EACH ROW INSERT INTO seen VALUES (NEW.id, NEW.v)`);
    const config = await incremental(source, target, { task: 'ddl' });
    config.sync.workerCount = 2;
    const running = startSyncer(config, 1);
    const insert = (from: number): string =>
      `INSERT INTO t SELECT seq, CONCAT('v', seq) FROM seq_${from}_to_${from + 399}`;
    await source.execute(`USE ddl; ${insert(1)}; ALTER TABLE t ADD KEY (v); ${insert(1001)}; ALTER TABLE t MODIFY v LONGTEXT, DROP KEY v;
      ${insert(2001)}; ALTER TABLE t MODIFY v VARBINARY(30); ${insert(3001)}; ALTER TABLE t ADD n INT DEFAULT 7 FIRST;
      INSERT INTO t (id) SELECT seq FROM seq_4001_to_4400; RENAME TABLE t TO old; CREATE TABLE t (id BIGINT, v CHAR(9) CHARACTER SET latin1);
      ${insert(1)}; ${insert(1)}; TRUNCATE TABLE old; INSERT INTO old SELECT 1, id + 1000 * (v IS NULL), v FROM t GROUP BY id;
      INSERT INTO g SELECT seq, seq FROM seq_1_to_400`);
    await finish(running);
    await expectEqualTables(source, target, ['ddl.t', 'ddl.old', 'ddl.g']);
    const [joined] = await target.query('SELECT COUNT(*) AS n FROM ddl.g JOIN ddl.seen USING (id, v)');
    expect(Number(joined?.['n'])).toBe(400);
  });

  it('leaves neither rows nor position of what a duplicate key has refused', async () => {
    await both(
      'CREATE DATABASE dup; CREATE TABLE dup.bare (a INT); CREATE TABLE dup.t (id INT PRIMARY KEY, v VARCHAR(20))',
    );
    const config = await oneLane('dup');
    const before = await executions();
    await target.execute("INSERT INTO dup.t VALUES (77, 'there')");
    await source.execute(`USE dup; BEGIN; INSERT INTO bare SELECT seq FROM seq_1_to_60;
      INSERT INTO t SELECT seq, CONCAT('v', seq) FROM seq_1_to_100; INSERT INTO bare SELECT seq FROM seq_61_to_160; COMMIT`);
    const failure = await startSyncer(config, 1).done.catch((error: unknown) => error);
    expect(failure).toMatchObject({
      message: expect.stringContaining(
        'execute statement failed: INSERT INTO `dup`.`t` (`id`,`v`) VALUES (1,',
      ) as string,
      rawCause: "Error 1062 (23000): Duplicate entry '77' for key 'PRIMARY'",
    });
    // What came in front of it may have gone alone.
    const [bare] = await target.query('SELECT COUNT(*) AS n FROM dup.bare');
    expect(await position('dup')).toBe(Number(bare?.['n']));
    expect(await target.query('SELECT * FROM dup.t')).toEqual([{ id: 77, v: 'there' }]);
    expect(await executions()).toBeGreaterThan(before);
    await target.execute('DELETE FROM dup.t');
    await finish(startSyncer(config, 2));
    await expectEqualTables(source, target, ['dup.bare', 'dup.t']);
  });

  it.each([
    { what: 'deadlock', task: 'dead' },
    { what: 'lock wait time-out', task: 'slow' },
  ])('applies rows once where one of several arrays meets a $what', async ({ task }) => {
    await both(`CREATE DATABASE ${task}; CREATE TABLE ${task}.bare (a INT); CREATE TABLE ${task}.t (id INT PRIMARY KEY);
      CREATE TABLE ${task}.other (a INT)`);
    await target.execute(`SET GLOBAL innodb_lock_wait_timeout = ${task === 'slow' ? 1 : 50}`);
    const config = await oneLane(task);
    const before = await executions();
    const blocker = await target.connect();
    // Changes more than the lane: the server ends the transaction that has changed less.
    await blocker.query(
      `USE ${task}; BEGIN; INSERT INTO other SELECT seq FROM seq_1_to_3000; INSERT INTO t VALUES (77)`,
    );
    await source.execute(`USE ${task}; BEGIN; INSERT INTO bare SELECT seq FROM seq_1_to_100;
      INSERT INTO t SELECT seq FROM seq_1_to_100; INSERT INTO bare SELECT seq FROM seq_101_to_200; COMMIT`);
    const warnings: string[] = [];
    const running = startSyncer(config, 1, {
      ...silentLog,
      warn: (text, fields) => warnings.push(`${text} ${JSON.stringify(fields)}`),
    });
    await waitFor(waits, { what: 'the lane to wait for the row', ...UNCACHED });
    if (task === 'dead') await blocker.query('INSERT INTO t VALUES (20)');
    await waitFor(() => Promise.resolve(warnings.some((one) => /trying again/.test(one))), {
      what: 'the refusal',
    });
    await waitFor(waits, { what: 'the lane to wait again', ...UNCACHED });
    const [counts] = await target.query(
      `SELECT (SELECT COUNT(*) FROM ${task}.bare) + (SELECT COUNT(*) FROM ${task}.t) AS n`,
    );
    expect(await position(task)).toBe(Number(counts?.['n']));
    await blocker.query('ROLLBACK');
    await blocker.end();
    await finish(running);
    expect(warnings.join()).toMatch(task === 'dead' ? /1213/ : /1205/);
    expect(await executions()).toBeGreaterThan(before);
    await expectEqualTables(source, target, [`${task}.bare`, `${task}.t`]);
  });

  it('applies rows once while its connections are killed', async () => {
    await both(
      'CREATE DATABASE cut; CREATE TABLE cut.bare (a INT, v VARCHAR(50)); CREATE TABLE cut.t (id INT PRIMARY KEY, v VARCHAR(50))',
    );
    const config = await incremental(source, target, { task: 'cut' });
    await source.execute(`USE cut; BEGIN; INSERT INTO bare SELECT seq % 100, REPEAT('x', 40) FROM seq_1_to_20000;
      INSERT INTO t SELECT seq, REPEAT('y', 40) FROM seq_1_to_20000; COMMIT`);
    const running = startSyncer(config, 1);
    let ended = false;
    running.done.catch(() => undefined).finally(() => (ended = true));
    for (let kills = 0; kills < 12 && !ended;) {
      // Of the lanes alone: a take-over that is broken off is for the subtask to begin anew.
      const busy = await target.query(
        "SELECT id FROM information_schema.processlist WHERE info LIKE 'INSERT INTO `cut`%' OR info LIKE 'UPDATE %cut_syncer_lane` SET binlog_name=%'",
      );
      const { synced } = await running.syncer.status();
      if (synced) break;
      for (const { id } of busy.slice(0, 1)) {
        kills++;
        await target.execute(`KILL ${kills % 2 === 0 ? 'QUERY ' : ''}${String(id)}`).catch(() => undefined);
      }
    }
    await finish(running);
    await expectEqualTables(source, target, ['cut.bare', 'cut.t']);
  });
});
