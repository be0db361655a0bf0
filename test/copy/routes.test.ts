/** Full copies of odd shapes: merged tables, foreign keys, duplicates, old servers, files, refusals. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FullCopy } from '../../src/load/full-copy.js';
import { readChunkPositions } from '../../src/load/positions.js';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import { connectSession } from '../../src/mysql/connect.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { describeWith, startDatabase, startMariaDb } from '../servers/index.js';
import { dbConfig, silentLog, subtaskConfig, type Address } from './support.js';

type Server = Awaited<ReturnType<typeof startMariaDb>>;

let source: Server;
let target: Server;
let folder: string;

beforeAll(async () => {
  [source, target] = await Promise.all([startMariaDb(), startMariaDb()]);
  folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-copy-'));
});
afterAll(async () => {
  await Promise.all([source?.stop(), target?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

function copy(config: SubtaskConfig) {
  return new FullCopy({
    config,
    epoch: 1,
    dataDir: folder,
    ports: { clock: new RealClock(), log: silentLog },
    onUnit: () => undefined,
    signal: new AbortController().signal,
  }).run();
}

function configFor(
  task: string,
  doDbs: string[],
  extra: Partial<SubtaskConfig> = {},
  from: Address & { flavor: Server['flavor'] } = source,
) {
  return subtaskConfig(from, target, {
    task,
    blockAllow: { doDbs, doTables: [], ignoreDbs: [], ignoreTables: [] },
    ...extra,
  });
}

describe('a full copy', () => {
  it('keeps defaults of bytes that the source cannot print', async () => {
    await source.execute(
      "CREATE DATABASE bytes; CREATE TABLE bytes.t (id INT PRIMARY KEY, `a``b` VARBINARY(4) NOT NULL DEFAULT X'ff', b BINARY(3) DEFAULT X'c3a1', c BINARY(2) DEFAULT X'00ff' COMMENT 'DEFAULT ''?''', d VARBINARY(9) DEFAULT 'a?''b', e VARCHAR(9) DEFAULT '?');" +
        " INSERT INTO bytes.t (id) VALUES (0); CREATE TABLE bytes.bare (v VARBINARY(4) DEFAULT X'fe')",
    );
    expect(await copy(configFor('bytes', ['bytes']))).toEqual({ outcome: 'finished' });
    await target.execute('INSERT INTO bytes.t (id) VALUES (1); INSERT INTO bytes.bare VALUES ()');
    expect(await target.query('SELECT HEX(v) AS v FROM bytes.bare')).toEqual([{ v: 'FE' }]);
    const [row] = await target.query(
      'SELECT HEX(`a``b`) AS a, HEX(b) AS b, HEX(c) AS c, d, e FROM bytes.t WHERE id = 1',
    );
    expect(row).toMatchObject({ a: 'FF', b: 'C3A100', c: '00FF', d: Buffer.from("a?'b"), e: '?' });
  });

  it('creates schemas that have no table yet, since statements on them follow', async () => {
    await source.execute(
      'CREATE DATABASE bare1 CHARACTER SET latin1; CREATE DATABASE bare2; CREATE DATABASE hidden; CREATE VIEW bare2.v AS SELECT 1',
    );
    const routes = [
      { schemaPattern: 'bare2', tablePattern: '', targetSchema: 'bare_routed', targetTable: '' },
    ];
    expect(await copy(configFor('bare', ['bare*'], { routes }))).toEqual({ outcome: 'finished' });
    const found = await target.query(
      "SELECT schema_name AS s, default_character_set_name AS c FROM information_schema.schemata WHERE schema_name LIKE 'bare%' OR schema_name='hidden' ORDER BY 1",
    );
    expect(found).toEqual([
      { s: 'bare1', c: 'latin1' },
      { s: 'bare_routed', c: 'utf8mb4' },
    ]);
  });

  it('merges shards into one table', async () => {
    await source.execute(
      `CREATE DATABASE shard1; CREATE DATABASE shard2; CREATE TABLE shard1.t1 (id INT PRIMARY KEY, v TEXT);
       CREATE TABLE shard2.t2 LIKE shard1.t1; INSERT INTO shard1.t1 VALUES (1,'a'),(2,'b'); INSERT INTO shard2.t2 VALUES (3,'c')`,
    );
    const routes = [
      { schemaPattern: 'shard*', tablePattern: 't*', targetSchema: 'merged', targetTable: 't' },
    ];
    expect(await copy(configFor('merge', ['shard*'], { routes }))).toEqual({ outcome: 'finished' });
    expect(await target.query('SELECT id, v FROM merged.t ORDER BY id')).toEqual([
      { id: 1, v: 'a' },
      { id: 2, v: 'b' },
      { id: 3, v: 'c' },
    ]);
  });

  it('needs no rights on schemas of the source that nothing is routed to', async () => {
    await source.execute(
      'CREATE DATABASE away; CREATE TABLE away.t (id INT PRIMARY KEY); INSERT INTO away.t VALUES (1)',
    );
    await target.execute(
      "CREATE DATABASE near; CREATE USER narrow IDENTIFIED BY 'n'; GRANT ALL ON near.* TO narrow; GRANT ALL ON dm_meta.* TO narrow",
    );
    const routes = [{ schemaPattern: 'away', tablePattern: 't', targetSchema: 'near', targetTable: 't' }];
    const to = { ...dbConfig(target), user: 'narrow', password: 'n' };
    expect(await copy({ ...configFor('narrow', ['away'], { routes }), to })).toEqual({ outcome: 'finished' });
    expect(await target.query('SELECT id FROM near.t')).toEqual([{ id: 1 }]);
  });

  it('keeps the 0 of an AUTO_INCREMENT column beside binary columns', async () => {
    await source.execute(
      `SET sql_mode='NO_AUTO_VALUE_ON_ZERO'; CREATE DATABASE zero;
       CREATE TABLE zero.t (id INT PRIMARY KEY AUTO_INCREMENT, b BLOB); INSERT INTO zero.t VALUES (0, 'x'), (7, NULL)`,
    );
    expect(await copy(configFor('zero', ['zero']))).toEqual({ outcome: 'finished' });
    expect(await target.query('SELECT id FROM zero.t ORDER BY id')).toEqual([{ id: 0 }, { id: 7 }]);
  });

  it('creates tables whose foreign keys point at later ones', async () => {
    await source.execute(
      `CREATE DATABASE fk; CREATE TABLE fk.z_parent (id INT PRIMARY KEY); INSERT INTO fk.z_parent VALUES (1);
       CREATE TABLE fk.a_child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES z_parent (id)); INSERT INTO fk.a_child VALUES (1,1)`,
    );
    const routes = [
      { schemaPattern: 'fk', tablePattern: 'z_*', targetSchema: 'fk2', targetTable: 'parents' },
    ];
    expect(await copy(configFor('foreign', ['fk'], { routes }))).toEqual({ outcome: 'finished' });
    const [{ 'Create Table': sql }] = await target.query('SHOW CREATE TABLE fk.a_child');
    expect(sql).toContain('REFERENCES `fk2`.`parents` (`id`)');
    expect(await target.query('SELECT * FROM fk2.parents')).toEqual([{ id: 1 }]);
  });

  it('replaces, keeps or refuses rows that are there already, as on-duplicate says', async () => {
    await source.execute(
      "CREATE DATABASE dup; CREATE TABLE dup.t (id INT PRIMARY KEY, v VARCHAR(9)); INSERT INTO dup.t VALUES (1,'new'),(2,'new')",
    );
    const base = configFor('x', ['dup']);
    for (const local of [1, 0]) {
      await target.query(`SET GLOBAL local_infile = ${local}`);
      for (const onDuplicate of ['replace', 'ignore', 'error'] as const) {
        await target.execute(
          "CREATE DATABASE IF NOT EXISTS dup; CREATE OR REPLACE TABLE dup.t (id INT PRIMARY KEY, v VARCHAR(9)); INSERT INTO dup.t VALUES (1,'old')",
        );
        const config = { ...base, task: `dup_${onDuplicate}_${local}`, load: { ...base.load, onDuplicate } };
        const end = await copy(config).catch((error: unknown) => error);
        const [{ v }] = await target.query('SELECT v FROM dup.t WHERE id = 1');
        expect({ onDuplicate, v }).toEqual({ onDuplicate, v: onDuplicate === 'replace' ? 'new' : 'old' });
        if (onDuplicate !== 'error') expect(end).toEqual({ outcome: 'finished' });
        else expect(String(end)).toMatch(/1062/);
      }
    }
    await target.query('SET GLOBAL local_infile = 1');
  });

  it('fails where a value would be changed by the target, and leaves nothing of the chunk', async () => {
    await source.execute(
      "CREATE DATABASE cut; CREATE TABLE cut.t (id INT PRIMARY KEY, v VARCHAR(20)); INSERT INTO cut.t VALUES (1,'short'),(2,'much too long')",
    );
    await target.execute('CREATE DATABASE cut; CREATE TABLE cut.t (id INT PRIMARY KEY, v VARCHAR(5))');
    await expect(copy(configFor('cut', ['cut']))).rejects.toMatchObject({ code: 60102 });
    expect(await target.query('SELECT * FROM cut.t')).toEqual([]);
  });

  it('notes a place even where there is no table to copy', async () => {
    const config = configFor('nothing', ['no_such_schema']);
    expect(await copy(config)).toEqual({ outcome: 'finished' });
    const session = await connectSession({ db: dbConfig(target) });
    const positions = await readChunkPositions(session, config);
    expect(positions?.min.name).toMatch(/^\S+\.\d+$/);
    await session.close();
  });

  it("keeps files in Dumpling's layout where clean-dump-file is off", async () => {
    await source.execute(
      "CREATE DATABASE files; CREATE TABLE files.t (id INT PRIMARY KEY, v TEXT); INSERT INTO files.t VALUES (1,'x'),(2,NULL)",
    );
    await copy(configFor('files', ['files'], { cleanDumpFile: false }));
    expect((await readdir(path.join(folder, 'dumped_data.files.source-1.1'))).sort()).toEqual([
      'files-schema-create.sql',
      'files.t-schema.sql',
      'files.t.0000000000000.csv',
      'metadata',
    ]);
  });

  it('says who refused the login', async () => {
    const config = configFor('login', ['files']);
    await expect(copy({ ...config, from: { ...config.from, password: 'no' } })).rejects.toMatchObject({
      code: 10001,
      scope: 'upstream',
    });
    await expect(copy({ ...config, to: { ...config.to, password: 'no' } })).rejects.toMatchObject({
      code: 10001,
      scope: 'downstream',
    });
  });
});

await describeWith('mysql-5.6', 'a full copy from an old MySQL', () => {
  it('works', async () => {
    await using old = await startDatabase('mysql-5.6', { gtid: true });
    await old.execute(
      "CREATE DATABASE old; CREATE TABLE old.t (id INT PRIMARY KEY, f FLOAT, v VARCHAR(20) CHARACTER SET latin1, b BLOB, ts TIMESTAMP); INSERT INTO old.t VALUES (1,0.1,'é',x'00ff','2020-01-01 00:00:00'),(2,16777217,NULL,NULL,'2021-01-01 00:00:00')",
    );
    expect(await copy(configFor('old', ['old'], {}, old))).toEqual({ outcome: 'finished' });
    const rows =
      'SELECT id, f * 1e0 AS f, HEX(v) AS v, HEX(b) AS b, UNIX_TIMESTAMP(ts) AS ts FROM old.t ORDER BY id';
    expect(await target.query(rows)).toEqual(await old.query(rows));
  });

  it('is a target, too', async () => {
    await using old = await startDatabase('mysql-5.6', { gtid: true });
    await source.execute(
      "CREATE DATABASE IF NOT EXISTS back; CREATE TABLE back.t (id INT PRIMARY KEY, v VARCHAR(20), KEY (v)) DEFAULT CHARSET utf8mb4; INSERT INTO back.t VALUES (1,'é😀')",
    );
    const config = { ...configFor('back', ['back']), to: dbConfig(old) };
    expect(await copy(config)).toEqual({ outcome: 'finished' });
    expect(await old.query('SELECT HEX(v) AS v FROM back.t')).toEqual(
      await source.query('SELECT HEX(v) AS v FROM back.t'),
    );
  });
});
