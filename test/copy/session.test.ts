import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectSession } from '../../src/mysql/connect.js';
import { ConnectionError, SqlError } from '../../src/mysql/session.js';
import path from 'node:path';
import { describeWith, startDatabase, startMariaDb } from '../servers/index.js';
import { dbConfig } from './support.js';

type Server = Awaited<ReturnType<typeof startMariaDb>>;

let server: Server;
beforeAll(async () => {
  server = await startMariaDb({ settings: ['max-allowed-packet=1G'] });
  await server.query('CREATE DATABASE d');
});
afterAll(() => server.stop());

const open = (extra: Parameters<typeof dbConfig>[1] = {}) =>
  connectSession({ db: dbConfig(server, extra), database: 'd' });

describe('a session', () => {
  it('runs several statements in one packet and tells each result', async () => {
    const session = await open();
    const results = await session.execute(
      Buffer.from(
        'CREATE TABLE m (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(9)); INSERT INTO m (v) VALUES ("a"), ("ü"), (NULL);' +
          'UPDATE m SET v = v WHERE id < 3; SELECT * FROM m ORDER BY id',
      ),
    );
    expect(results.map((result) => result.affectedRows)).toEqual([0, 3, 2, 0]);
    expect(results[1].insertId).toBe(1n);
    expect(results[1].info).toContain('Records: 3');
    expect(results[3].columns).toEqual(['id', 'v']);
    expect(results[3].rows).toEqual([
      ['1', 'a'],
      ['2', 'ü'],
      ['3', null],
    ]);
    expect(session.threadId).toBeGreaterThan(0);
    expect(session.serverVersion).toMatch(/^1\d\./);
    await session.close();
    expect(session.closed).toBe(true);
  });

  it('names the statement that failed, and goes on', async () => {
    const session = await open();
    const error = await session.execute('SELECT 1; SELECT * FROM nothing; SELECT 2').catch((e) => e);
    expect(error).toBeInstanceOf(SqlError);
    expect(error).toMatchObject({ errno: 1146, sqlState: '42S02', statement: 1 });
    expect(await session.query('SELECT 5 AS five')).toEqual([{ five: '5' }]);
    await session.close();
  });

  it('keeps the order of calls that do not wait', async () => {
    const session = await open();
    const results = await Promise.all([1, 2, 3].map((n) => session.query(`SELECT ${n} AS n`)));
    expect(results.flat().map((row) => row.n)).toEqual(['1', '2', '3']);
    await session.close();
  });

  it('is in UTC with a strict mode, and takes what the user sets', async () => {
    const session = await open({
      session: {
        sql_mode: "'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'",
        time_zone: "'+08:00'",
        foreign_key_checks: '1',
      },
    });
    const [row] = await session.query(
      'SELECT @@time_zone AS z, @@sql_mode AS m, @@foreign_key_checks AS f, @@character_set_client AS c',
    );
    expect(row).toEqual({ z: '+00:00', m: 'ANSI_QUOTES', f: '1', c: 'utf8mb4' });
    await session.close();
  });

  it.each([
    0xffffff - 20,
    0xffffff - 12,
    0xffffff - 11,
    0xffffff - 10,
    0xffffff,
    2 * 0xffffff - 11,
    40_000_000,
  ])('sends and reads packets around 16 MB (%i)', async (size) => {
    const session = await open();
    const text = 'x'.repeat(size);
    const seen: number[] = [];
    const count = await session.stream(`SELECT '${text}'`, (_buf, start, end) => {
      seen.push(end - start);
    });
    expect(count).toBe(1);
    expect(seen[0]).toBe(size + (size > 0xffffff ? 9 : 4));
    await session.close();
  });

  it('streams rows and waits for a slow reader', async () => {
    const session = await open();
    await session.execute('CREATE TABLE s (id INT PRIMARY KEY, v VARCHAR(200))');
    await session.execute("INSERT INTO s SELECT seq, REPEAT('y', 150) FROM seq_1_to_20000");
    let inCall = false;
    let sum = 0;
    const count = await session.stream('SELECT id FROM s', (buf, start, end) => {
      expect(inCall).toBe(false);
      sum += Number(buf.toString('latin1', start + 1, end));
      if (sum % 7 !== 0) return undefined;
      inCall = true;
      return Promise.resolve().then(() => {
        inCall = false;
      });
    });
    expect(count).toBe(20000);
    expect(sum).toBe((20000 * 20001) / 2);
    const error = await session
      .stream('SELECT * FROM s', () => {
        throw new Error('mine');
      })
      .catch((e) => e);
    expect(error.message).toBe('mine');
    expect(session.closed).toBe(true);
  });

  it('loads data from buffers', async () => {
    const session = await open();
    await session.execute('CREATE TABLE l (id INT PRIMARY KEY, v LONGBLOB)');
    const big = Buffer.alloc(5_000_000, 'z');
    const result = await session.loadData("LOAD DATA LOCAL INFILE 'x' INTO TABLE l", [
      Buffer.from('1\ta\n2\t'),
      big,
      Buffer.from('\n3\t\\N\n'),
    ]);
    expect(result.affectedRows).toBe(3);
    expect(await session.query('SELECT id, LENGTH(v) AS n FROM l')).toEqual([
      { id: '1', n: '1' },
      { id: '2', n: '5000000' },
      { id: '3', n: null },
    ]);
    await expect(
      session.loadData("LOAD DATA LOCAL INFILE 'x' INTO TABLE absent", [Buffer.from('1\n')]),
    ).rejects.toBeInstanceOf(SqlError);
    await expect(
      session.loadData(
        "LOAD DATA LOCAL INFILE 'x' INTO TABLE l",
        (function* () {
          yield Buffer.from('9\tq\n');
          throw new Error('source of the data');
        })(),
      ),
    ).rejects.toThrow('source of the data');
    const other = await open();
    expect(await other.query('SELECT COUNT(*) AS n FROM l')).toEqual([{ n: '3' }]);
    await other.close();
  });

  it('says what is wrong with the login or the address', async () => {
    const wrong = await open({ password: 'no' }).catch((e) => e);
    expect(wrong).toBeInstanceOf(ConnectionError);
    expect(wrong).toMatchObject({ errno: 1045 });
    const nobody = await open({ port: 1 }).catch((e) => e);
    expect(nobody).toBeInstanceOf(ConnectionError);
    expect(nobody.message).toContain(`cannot connect to ${server.host}:1`);
    await expect(open({ session: { no_such_variable: '1' } })).rejects.toMatchObject({ errno: 1193 });
  });

  it('rejects what runs and waits when it is dropped, aborted or killed', async () => {
    const session = await open();
    const running = [session.query('SELECT SLEEP(60)'), session.query('SELECT 1')];
    session.destroy();
    for (const each of running) await expect(each).rejects.toBeInstanceOf(ConnectionError);
    const controller = new AbortController();
    const aborted = await connectSession({ db: dbConfig(server), signal: controller.signal });
    const query = aborted.query('SELECT SLEEP(60)');
    controller.abort(new Error('stop'));
    await expect(query).rejects.toThrow('stop');
    const victim = await open();
    const sleeping = victim.query('SELECT SLEEP(60)').catch((e: unknown) => e);
    await server.query(`KILL ${victim.threadId}`);
    expect(await sleeping).toBeInstanceOf(ConnectionError);
  });
});

await describeWith('mysql-9.7', 'the login', () => {
  let mysql: Server;
  beforeAll(async () => {
    mysql = await startDatabase('mysql-9.7');
    await mysql.execute(
      "CREATE USER old IDENTIFIED WITH sha256_password BY 'Some-Pass.1'; CREATE USER cached IDENTIFIED WITH caching_sha2_password BY 'Some-Pass.1'; CREATE USER open_door IDENTIFIED BY ''",
    );
  });
  afterAll(() => mysql?.stop());

  it.each(['old', 'cached', 'open_door'])(
    'of %s goes over a line in plain text and over TLS',
    async (user) => {
      const password = user === 'open_door' ? '' : 'Some-Pass.1';
      for (const security of [undefined, {}]) {
        const session = await connectSession({ db: dbConfig(mysql, { user, password, security }) });
        const [{ Value }] = await session.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
        expect(Value !== '').toBe(security !== undefined);
        await session.close();
      }
      await expect(
        connectSession({ db: dbConfig(mysql, { user, password: 'wrong' }) }),
      ).rejects.toMatchObject({
        errno: 1045,
      });
    },
  );

  it('compares the certificate with the CA and the common name', async () => {
    const [{ d }] = await mysql.query('SELECT @@datadir AS d');
    const ca = path.join(String(d), 'ca.pem');
    const session = await connectSession({ db: dbConfig(mysql, { security: { sslCa: ca } }) });
    await session.close();
    const other = path.join(String(d), 'client-cert.pem');
    for (const security of [
      { sslCa: other },
      { sslCa: ca, certAllowedCn: ['somebody-else'] },
      { sslCa: '/absent.pem' },
    ]) {
      await expect(connectSession({ db: dbConfig(mysql, { security }) })).rejects.toBeInstanceOf(
        ConnectionError,
      );
    }
  });
});
