/** The real pt-online-schema-change on the source, with rows written while it runs. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DatabaseServer } from '../servers/database.js';
import { describeWith, startDatabase } from '../servers/index.js';
import { waitFor } from '../support/wait-for.js';
import { runOnlineSchemaChange, Writer } from './pt-osc.js';
import { Pair, SCHEMA } from './support.js';

const PARENT = `CREATE TABLE ${SCHEMA}.parent (id INT PRIMARY KEY AUTO_INCREMENT, a VARCHAR(40), n INT NOT NULL DEFAULT 0)`;
const CHILD = `CREATE TABLE ${SCHEMA}.child (id INT PRIMARY KEY AUTO_INCREMENT, parent_id INT,
  CONSTRAINT child_fk FOREIGN KEY (parent_id) REFERENCES ${SCHEMA}.parent (id))`;

let target: DatabaseServer;
beforeAll(async () => {
  target = await startDatabase('mariadb-10.11');
});
afterAll(async () => {
  await target?.stop();
});

function suite(kind: 'mariadb-10.11' | 'mysql-9.7' | 'mysql-5.6'): void {
  let source: DatabaseServer;
  let pair: Pair;
  beforeAll(async () => {
    source = await startDatabase(kind);
    pair = new Pair(source, target);
  });
  afterAll(async () => {
    await pair?.end();
    await source?.stop();
  });

  const rows = (count: number) =>
    `INSERT INTO ${SCHEMA}.parent (a, n) VALUES ${Array.from({ length: count }, (_, i) => `('row ${i}', ${i})`).join(',')}`;

  it('changes a table while it is written to, and the task is broken off again and again', async () => {
    await pair.begin([PARENT, rows(400)]);
    // Its statistics tell the tool whether to copy in chunks.
    await source.execute(`ANALYZE TABLE ${SCHEMA}.parent`);
    const writer = new Writer(source, `${SCHEMA}.parent`).start();
    pair.start();
    const changing = runOnlineSchemaChange(
      source,
      'parent',
      'ADD COLUMN extra INT NOT NULL DEFAULT 5, DROP COLUMN n',
      ['--chunk-size=40', '--sleep=0.1'],
    );
    let running = true;
    const done = changing.finally(() => (running = false));
    done.catch(() => undefined);
    let crashes = 0;
    while (running && crashes < 12) {
      const before = writer.written;
      await waitFor(() => !running || writer.written > before + 3, { what: 'rows', intervalMs: 10 });
      await pair.destroy();
      crashes++;
      pair.start();
    }
    await done;
    await writer.stop();
    await pair.sync();
    await pair.expectEqual(`${SCHEMA}.parent`);
    expect(await pair.tables()).toEqual(['parent']);
    expect(await pair.columns('parent')).toEqual(['id', 'a', 'extra']);
    await pair.expectNoRecords();
    expect(writer.written).toBeGreaterThan(10);
    expect(crashes).toBeGreaterThanOrEqual(2);
  });

  /** What happens after the change of the table that another one refers to. */
  async function referTo(): Promise<void> {
    await pair.run([
      `INSERT INTO ${SCHEMA}.parent (a, extra) VALUES ('after', 9)`,
      `INSERT INTO ${SCHEMA}.child (parent_id) SELECT MAX(id) FROM ${SCHEMA}.parent`,
    ]);
    await pair.sync();
    await pair.expectEqual(`${SCHEMA}.parent`, `${SCHEMA}.child`);
    expect(await pair.tables()).toEqual(['child', 'parent']);
    await pair.expectNoRecords();
  }

  const setup = [PARENT, CHILD, rows(50), `INSERT INTO ${SCHEMA}.child (parent_id) VALUES (1), (2), (NULL)`];

  it('changes the parent of a foreign key', async () => {
    await pair.begin(setup);
    await runOnlineSchemaChange(source, 'parent', 'ADD COLUMN extra INT DEFAULT 5', [
      '--alter-foreign-keys-method=rebuild_constraints',
    ]);
    await referTo();
  });

  it('changes the table that has the foreign key, whose name it changes each time', async () => {
    await pair.begin(setup);
    await runOnlineSchemaChange(source, 'child', 'ADD COLUMN extra INT DEFAULT 5');
    await pair.sync();
    await runOnlineSchemaChange(source, 'child', 'ADD COLUMN more INT');
    const [key] = await source.query(
      `SELECT constraint_name AS n FROM information_schema.table_constraints WHERE table_schema='${SCHEMA}' AND table_name='child' AND constraint_type='FOREIGN KEY'`,
    );
    const now = String(key?.['n']);
    // The tool wants the name that the key has in its own table.
    const inGhost = now.startsWith('__') ? now.slice(2) : `_${now}`;
    await pair.sync();
    const keys = `SELECT constraint_name AS n FROM information_schema.referential_constraints WHERE constraint_schema='${SCHEMA}'`;
    expect(await target.query(keys)).toEqual([{ n: now }]);
    await runOnlineSchemaChange(source, 'child', `DROP FOREIGN KEY ${inGhost}`);
    await pair.run([`INSERT INTO ${SCHEMA}.child (parent_id, extra) VALUES (3, 1)`]);
    await pair.sync();
    await pair.expectEqual(`${SCHEMA}.parent`, `${SCHEMA}.child`);
    expect(await target.query(keys)).toEqual([]);
  });

  it('changes it by drop_swap', async () => {
    await pair.begin(setup);
    if (kind === 'mysql-5.6') {
      // The tool does it there only.
      await runOnlineSchemaChange(source, 'parent', 'ADD COLUMN extra INT DEFAULT 5', [
        '--alter-foreign-keys-method=drop_swap',
      ]);
    } else {
      await pair.run([
        `CREATE TABLE ${SCHEMA}._parent_new LIKE ${SCHEMA}.parent`,
        `ALTER TABLE ${SCHEMA}._parent_new ADD COLUMN extra INT DEFAULT 5`,
        `INSERT INTO ${SCHEMA}._parent_new (id, a, n) SELECT id, a, n FROM ${SCHEMA}.parent`,
        `SET foreign_key_checks=0`,
        `DROP TABLE IF EXISTS \`${SCHEMA}\`.\`parent\``,
      ]);
      await pair.sync();
      await pair.run([`RENAME TABLE ${SCHEMA}._parent_new TO ${SCHEMA}.parent`, `SET foreign_key_checks=1`]);
    }
    await referTo();
  });
}

for (const kind of ['mariadb-10.11', 'mysql-9.7', 'mysql-5.6'] as const) {
  await describeWith(kind, 'pt-online-schema-change', () => suite(kind));
}
