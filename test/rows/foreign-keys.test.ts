/** Foreign keys that the target checks: order over lanes, cascades, and what safe mode does about them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import { dbConfig } from '../copy/support.js';
import { describeWith, startDatabase } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { SeededRandom } from '../support/seeded-random.js';
import { expectEqualTables, incremental, startSyncer, untilSynced } from '../sync/support.js';
import { waitFor } from '../support/wait-for.js';

type Kind = 'mariadb-10.11' | 'mysql-9.7';

const TABLES = `CREATE TABLE p (id INT PRIMARY KEY, code VARCHAR(20) NOT NULL, v INT, UNIQUE KEY (code)) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_general_ci;
  CREATE TABLE c (id INT PRIMARY KEY, p INT NULL, v INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE);
  CREATE TABLE d (id INT PRIMARY KEY, code VARCHAR(20) NULL, c INT NULL,
    FOREIGN KEY (code) REFERENCES p (code) ON DELETE SET NULL ON UPDATE CASCADE,
    FOREIGN KEY (c) REFERENCES c (id)) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_general_ci;
  CREATE TABLE tree (id INT PRIMARY KEY, up INT NULL, FOREIGN KEY (up) REFERENCES tree (id));
  CREATE TABLE alone (id INT PRIMARY KEY, v INT)`;
const ALL = ['r.p', 'r.c', 'r.d', 'r.tree', 'r.alone'];

/** Statements of which the source refuses what would break a reference. */
function load(random: SeededRandom, count: number): string[] {
  const id = () => random.int(1, 25);
  const code = () => `'k${random.int(1, 25)}'`;
  const maybe = (value: string | number) => (random.next() < 0.15 ? 'NULL' : value);
  const makers = [
    () => `INSERT INTO r.p VALUES (${id()}, ${code()}, 0)`,
    () => `INSERT INTO r.p VALUES (${id()}, ${code()}, 0)`,
    () => `INSERT INTO r.c VALUES (${id()}, ${maybe(id())}, 0)`,
    () => `INSERT INTO r.c VALUES (${id()}, ${maybe(id())}, 0)`,
    () => `INSERT INTO r.d VALUES (${id()}, ${maybe(code())}, ${maybe(id())})`,
    () => `INSERT INTO r.tree VALUES (${id()}, ${maybe(id())})`,
    () => `INSERT INTO r.alone VALUES (${id()}, 1) ON DUPLICATE KEY UPDATE v = v + 1`,
    () => `UPDATE r.p SET v = v + 1 WHERE id = ${id()}`,
    () => `UPDATE r.p SET id = ${id()} WHERE id = ${id()}`,
    () => `UPDATE r.p SET code = ${code()} WHERE id = ${id()}`,
    () => `UPDATE r.c SET p = ${maybe(id())} WHERE id = ${id()}`,
    () => `UPDATE r.c SET v = v + 1 WHERE p = ${id()}`,
    () => `UPDATE r.d SET c = ${maybe(id())}, code = ${maybe(code())} WHERE id = ${id()}`,
    () => `UPDATE r.tree SET up = ${maybe(id())} WHERE id = ${id()}`,
    () => `DELETE FROM r.p WHERE id = ${id()}`,
    () => `DELETE FROM r.c WHERE id = ${id()}`,
    () => `DELETE FROM r.d WHERE id > ${id()}`,
    () => `DELETE FROM r.tree WHERE id = ${id()}`,
  ];
  return Array.from({ length: count }, () => random.pick(makers)());
}

function cases(targetKind: Kind): void {
  let source: DatabaseServer;
  let target: DatabaseServer;

  beforeAll(async () => {
    [source, target] = await Promise.all([startDatabase('mariadb-10.11'), startDatabase(targetKind)]);
  });
  afterAll(async () => {
    await source?.stop();
    await target?.stop();
  });

  async function prepare(sync: Partial<SubtaskConfig['sync']> = {}): Promise<SubtaskConfig> {
    await target.execute('DROP DATABASE IF EXISTS dm_meta');
    for (const server of [source, target]) {
      await server.execute(`DROP DATABASE IF EXISTS r; CREATE DATABASE r; USE r; ${TABLES}`);
    }
    const config = await incremental(source, target, {
      to: dbConfig(target, { session: { foreign_key_checks: '1' } }),
      blockAllow: { doDbs: ['r'], doTables: [], ignoreDbs: [], ignoreTables: [] },
    });
    return { ...config, sync: { ...config.sync, workerCount: 8, batch: 10, multipleRows: false, ...sync } };
  }

  it.each([1, 2, 3])('keeps the order over lanes, through a crash (seed %i)', async (seed) => {
    const config = await prepare();
    const connection = await source.connect();
    let written = 0;
    const first = startSyncer(config, 1);
    const statements = load(new SeededRandom(seed), 1500);
    for (const [i, statement] of statements.entries()) {
      if (i === 700) first.syncer.destroy();
      await connection.query(statement).then(
        () => written++,
        () => undefined,
      );
    }
    await connection.end();
    expect(written).toBeGreaterThan(300);
    await first.done.catch(() => undefined);
    const second = startSyncer(config, 2);
    await untilSynced(second);
    second.syncer.end();
    await second.done;
    await expectEqualTables(source, target, ALL);
  });

  it('applies many children of one transaction, and a tree from its leaves to the root', async () => {
    const config = await prepare();
    const numbers = (tuple: (i: number) => string) =>
      Array.from({ length: 200 }, (_, i) => tuple(i + 1)).join(',');
    await source.execute(`USE r; BEGIN; INSERT INTO p VALUES ${numbers((i) => `(${i}, 'k${i}', 0)`)};
      INSERT INTO c VALUES ${numbers((i) => `(${i}, ${1 + (i % 20)}, 0)`)}; COMMIT;
      INSERT INTO tree VALUES ${numbers((i) => `(${i}, ${i === 1 ? 'NULL' : i - 1})`)};
      DELETE FROM tree ORDER BY id DESC; DELETE FROM p WHERE id < 10; UPDATE p SET id = id + 1000;
      INSERT INTO c VALUES (1, 1020, 7)`);
    const running = startSyncer(config, 1);
    await untilSynced(running);
    running.syncer.end();
    await running.done;
    await expectEqualTables(source, target, ALL);
  });

  it('does not look at them in DDL of a session that did not', async () => {
    const config = await prepare();
    await source.execute(`USE r; INSERT INTO p VALUES (1, 'k1', 0); INSERT INTO c VALUES (1, 1, 0);
      SET SESSION foreign_key_checks=0; DROP TABLE p;
      CREATE TABLE p (id INT PRIMARY KEY, code VARCHAR(20) NOT NULL, v INT, UNIQUE KEY (code)) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_general_ci;
      SET SESSION foreign_key_checks=1; INSERT INTO p VALUES (2, 'k2', 0); INSERT INTO c VALUES (2, 2, 0); DELETE FROM p WHERE id = 2`);
    const running = startSyncer(config, 1);
    await untilSynced(running);
    running.syncer.end();
    await running.done;
    await expectEqualTables(source, target, ALL);
  });

  it('removes no child in safe mode, and refuses what would', async () => {
    const config = await prepare({ safeMode: true });
    const running = startSyncer(config, 1);
    await source.execute(`USE r; INSERT INTO p VALUES (1, 'k1', 0); INSERT INTO c VALUES (1, 1, 0);
      UPDATE p SET v = 5; INSERT INTO alone VALUES (1, 1); UPDATE alone SET id = 2`);
    await untilSynced(running);
    await expectEqualTables(source, target, ALL);
    await source.execute('UPDATE r.p SET id = 7');
    await expect(running.done).rejects.toMatchObject({ code: 60440 });
    await waitFor(async () => (await target.query('SELECT 1 FROM r.c WHERE p = 1')).length === 1, {
      what: 'the child',
    });
  });
}

describe('foreign keys into MariaDB', () => cases('mariadb-10.11'));
await describeWith('mysql-9.7', 'foreign keys into MySQL', () => cases('mysql-9.7'));
