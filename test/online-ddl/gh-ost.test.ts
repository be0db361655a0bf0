/** gh-ost's statements, played on the source: what the target makes of them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatabaseServer } from '../servers/database.js';
import { describeWith, startDatabase } from '../servers/index.js';
import { ghostBegin, ghostCopy, ghostEnd, ghostTidy, Pair, SCHEMA } from './support.js';

const T = `CREATE TABLE ${SCHEMA}.t (id INT PRIMARY KEY AUTO_INCREMENT, a VARCHAR(20), b INT)`;
const ROWS = `INSERT INTO ${SCHEMA}.t VALUES (1, 'x', 1), (2, 'y', 2), (3, NULL, NULL)`;

let target: DatabaseServer;
beforeAll(async () => {
  target = await startDatabase('mariadb-10.11');
});
afterAll(async () => {
  await target?.stop();
});

function suite(kind: 'mariadb-10.11' | 'mysql-9.7'): void {
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

  it('changes the real table when the ghost takes its place', async () => {
    await pair.begin([T, ROWS]);
    await pair.run([
      ...ghostBegin('t', 'ADD COLUMN c INT NOT NULL DEFAULT 7, DROP COLUMN b'),
      ...ghostCopy('t', 'id, a'),
      // gh-ost carries changes of the real table over by itself.
      `INSERT INTO ${SCHEMA}.t VALUES (4, 'late', 4)`,
      `REPLACE /* gh-ost */ INTO ${SCHEMA}._t_gho (id, a) VALUES (4, 'late')`,
      `UPDATE ${SCHEMA}.t SET a='X' WHERE id=1`,
      `REPLACE /* gh-ost */ INTO ${SCHEMA}._t_gho (id, a) VALUES (1, 'X')`,
      ...ghostEnd('t'),
      `INSERT INTO ${SCHEMA}.t (a, c) VALUES ('after', 9)`,
    ]);
    await pair.sync();
    await pair.expectEqual(`${SCHEMA}.t`);
    expect(await pair.tables()).toEqual(['t']);
    expect(await pair.columns('t')).toEqual(['id', 'a', 'c']);
    await pair.expectNoRecords();
  });
}

for (const kind of ['mariadb-10.11', 'mysql-9.7'] as const)
  await describeWith(kind, 'gh-ost', () => suite(kind));
