/** The examples of docs/rows.md, as they stand there. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseTaskConfig } from '../../src/config/task-config.js';
import { dbConfig } from '../copy/support.js';
import type { DatabaseServer } from '../servers/database.js';
import { startMariaDb } from '../servers/index.js';
import { expectEqualTables, incremental, startSyncer, untilSynced } from '../sync/support.js';

const PAGE = readFileSync(new URL('../../docs/rows.md', import.meta.url), 'utf8');
const EXAMPLES = [...PAGE.matchAll(/```yaml\n([^]*?)```/g)].map(([, text]) => text);

describe('the examples of docs/rows.md', () => {
  let source: DatabaseServer;
  let target: DatabaseServer;
  beforeAll(async () => {
    [source, target] = await Promise.all([startMariaDb(), startMariaDb()]);
  });
  afterAll(async () => {
    await source?.stop();
    await target?.stop();
  });

  /** The example as a whole task file. */
  function parse(example: string): ReturnType<typeof parseTaskConfig> {
    const server = '\n  host: 127.0.0.1\n  user: root';
    const database = example.includes('target-database:') ? '' : 'target-database:\n';
    const text = `name: docs\ntask-mode: full\n${database}${example}\nmysql-instances:\n  - source-id: a\n    syncer-config-name: global\n`;
    return parseTaskConfig(text.replace('target-database:', `target-database:${server}`), 'rows.md');
  }

  it.each([
    ['merging', 0],
    ['safe mode', 1],
    ['foreign keys', 2],
  ])('%s', async (_, number) => {
    const task = parse(EXAMPLES[number]);
    const [{ sync }] = task.instances;
    await target.execute('DROP DATABASE IF EXISTS dm_meta');
    for (const server of [source, target]) {
      await server.execute(`DROP DATABASE IF EXISTS e; CREATE DATABASE e; USE e; CREATE TABLE p (id INT PRIMARY KEY, v INT);
        CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)`);
    }
    const config = await incremental(source, target, {
      to: dbConfig(target, { session: task.target.session }),
      blockAllow: { doDbs: ['e'], doTables: [], ignoreDbs: [], ignoreTables: [] },
      sync,
    });
    await source.execute(`USE e; INSERT INTO p VALUES (1, 1), (2, 2), (3, 3); INSERT INTO c VALUES (1, 1), (2, 2);
      UPDATE p SET v = v + 1; UPDATE p SET v = v + 1; UPDATE c SET p = 3 WHERE id = 1`);
    if (task.target.session['foreign_key_checks'] === '1')
      await source.execute('DELETE FROM e.p WHERE id = 2');
    const running = startSyncer(config, 1);
    await untilSynced(running);
    running.syncer.end();
    await running.done;
    await expectEqualTables(source, target, ['e.p', 'e.c']);
    expect(EXAMPLES).toHaveLength(3);
  });
});
