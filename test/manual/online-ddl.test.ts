/** 1.3.1.4 and 1.4.2 Online DDL tools: each way to turn it on, and the printed statements with what DM does at each. */
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { assertTablesEqual } from '../support/compare-tables.js';
import { ManualSetup } from './support.js';

let setup: ManualSetup;
beforeAll(async () => {
  setup = await ManualSetup.start();
});
afterEach(() => setup.wipe());
afterAll(() => setup?.stop());

const OLD_COLUMNS =
  '`id`, `date`, `account_id`, `conversion_price`, `ocpc_matched_conversions`, `ad_cost`, `c12`';

/** `test`.`test4` as the manual's statements take it to be. */
const TEST4 = `CREATE DATABASE test; CREATE TABLE test.test4 (id int(11) NOT NULL AUTO_INCREMENT,
  date date DEFAULT NULL, account_id bigint(20) DEFAULT NULL, conversion_price decimal(20,3) DEFAULT NULL,
  ocpc_matched_conversions bigint(20) DEFAULT NULL, ad_cost decimal(20,3) DEFAULT NULL,
  c12 varchar(20) COLLATE utf8mb4_bin NOT NULL, PRIMARY KEY (id)) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
  INSERT INTO test.test4 VALUES (1, '2021-01-01', 1, 1.5, 1, 2.5, 'a'), (2, '2021-01-02', 2, 2.5, 2, 3.5, 'b')`;

/** 1.4.2.4.1, steps 1 to 4; the `.....` of the manual are filled in. */
const GHOST_BEGIN = [
  'Create /* gh-ost */ table `test`.`_test4_ghc` (id bigint auto_increment, last_update timestamp not null DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, hint varchar(64) charset ascii not null, value varchar(4096) charset ascii not null, primary key(id), unique key hint_uidx(hint)) auto_increment=256 ;',
  'Create /* gh-ost */ table `test`.`_test4_gho` like `test`.`test4` ;',
  'Alter /* gh-ost */ table `test`.`_test4_gho` add column c11 varchar(20) not null ;',
  "Insert /* gh-ost */ into `test`.`_test4_ghc` values (1, now(), 'a', 'b');",
  `Insert /* gh-ost \`test\`.\`test4\` */ ignore into \`test\`.\`_test4_gho\` (${OLD_COLUMNS}) (select ${OLD_COLUMNS} from \`test\`.\`test4\` force index (\`PRIMARY\`) where (((\`id\` > _binary'1') or ((\`id\` = _binary'1'))) and ((\`id\` < _binary'2') or ((\`id\` = _binary'2')))) lock in share mode) ;`,
];
const GHOST_SWAP =
  'Rename /* gh-ost */ table `test`.`test4` to `test`.`_test4_del`, `test`.`_test4_gho` to `test`.`test4`;';

/** 1.4.2.5, steps 1 to 4. */
const PT_BEGIN = [
  'CREATE TABLE `test`.`_test4_new` ( id int(11) NOT NULL AUTO_INCREMENT, date date DEFAULT NULL, account_id bigint(20) DEFAULT NULL, conversion_price decimal(20,3) DEFAULT NULL, ocpc_matched_conversions bigint(20) DEFAULT NULL, ad_cost decimal(20,3) DEFAULT NULL,c12 varchar(20) COLLATE utf8mb4_bin NOT NULL,PRIMARY KEY (id) ) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ;',
  'ALTER TABLE `test`.`_test4_new` add column c3 int;',
  'CREATE TRIGGER `test`.`pt_osc_test_test4_del` AFTER DELETE ON `test`.`test4` FOR EACH ROW DELETE IGNORE FROM `test`.`_test4_new` WHERE id <=> OLD.id',
  `CREATE TRIGGER \`test\`.\`pt_osc_test_test4_upd\` AFTER UPDATE ON \`test\`.\`test4\` FOR EACH ROW REPLACE INTO \`test\`.\`_test4_new\` (id, c12) VALUES (NEW.id, NEW.c12)`,
  `CREATE TRIGGER \`test\`.\`pt_osc_test_test4_ins\` AFTER INSERT ON \`test\`.\`test4\` FOR EACH ROW REPLACE INTO \`test\`.\`_test4_new\` (id, c12) VALUES (NEW.id, NEW.c12)`,
  `INSERT LOW_PRIORITY IGNORE INTO \`test\`.\`_test4_new\` (${OLD_COLUMNS}) SELECT ${OLD_COLUMNS} FROM \`test\`.\`test4\` LOCK IN SHARE MODE /*pt-online-schema-change 3227 copy table*/`,
];
const PT_SWAP = 'RENAME TABLE `test`.`test4` TO `test`.`_test4_old`, `test`.`_test4_new` TO `test`.`test4`';
const PT_TIDY = [
  'DROP TABLE IF EXISTS `test`.`_test4_old`;',
  'DROP TRIGGER IF EXISTS `test`.`pt_osc_test_test4_del`',
  'DROP TRIGGER IF EXISTS `test`.`pt_osc_test_test4_upd`',
  'DROP TRIGGER IF EXISTS `test`.`pt_osc_test_test4_ins`',
];

const columns = (): Promise<unknown[]> =>
  setup.values(
    "SELECT column_name FROM information_schema.columns WHERE table_schema = 'test' AND table_name = 'test4' ORDER BY ordinal_position",
  );

/** `ghost_schema.ghost_table: statements` of `{task}_onlineddl`. */
async function remembered(task: string): Promise<string[]> {
  const rows = await setup.target.query(
    `SELECT ghost_schema, ghost_table, ddls FROM dm_meta.${task}_onlineddl`,
  );
  return rows.map((row) => {
    const { ddls } = JSON.parse(String(row['ddls'])) as { ddls: string[] };
    return `${String(row['ghost_schema'])}.${String(row['ghost_table'])}: ${ddls.join('; ')}`;
  });
}

const old = ['id', 'date', 'account_id', 'conversion_price', 'ocpc_matched_conversions', 'ad_cost', 'c12'];

async function runGhost(task: string): Promise<void> {
  await setup.follow(...GHOST_BEGIN);
  expect(await setup.arrived()).toEqual({ test: ['test4'] });
  expect(await columns()).toEqual(old);
  expect(await remembered(task)).toEqual([
    expect.stringMatching(
      /^test\._test4_gho: alter .*table `test`.`_test4_gho` add column c11 varchar\(20\)/i,
    ),
  ]);
  await setup.follow(GHOST_SWAP);
  expect(await columns()).toEqual([...old, 'c11']);
  expect(await remembered(task)).toEqual([]);
  await setup.follow("INSERT INTO test.test4 (id, c12, c11) VALUES (7, 'after', 'new')");
}

async function runPt(task: string): Promise<void> {
  await setup.follow(...PT_BEGIN, "INSERT INTO test.test4 (id, c12) VALUES (5, 'amid')");
  expect(await setup.arrived()).toEqual({ test: ['test4'] });
  expect(await columns()).not.toContain('c3');
  expect(await remembered(task)).toEqual([
    expect.stringMatching(/^test\._test4_new: ALTER TABLE `test`.`_test4_new` add column c3 int$/i),
  ]);
  await setup.follow(PT_SWAP, ...PT_TIDY);
  expect((await columns()).at(-1)).toBe('c3');
  expect(await remembered(task)).toEqual([]);
  await setup.follow("INSERT INTO test.test4 (id, c12, c3) VALUES (8, 'after', 3)");
}

/** All sides are equal, and there is nothing of the tools on the target. */
async function expectEqual(): Promise<void> {
  await assertTablesEqual(setup.source, setup.target, ['test.test4']);
  expect(await setup.arrived()).toEqual({ test: ['test4'] });
  expect(await setup.target.query('SHOW TRIGGERS FROM test')).toEqual([]);
}

describe('1.3.1.4.2 parameter configuration', () => {
  it.each([
    ['online-ddl: true', 'both'],
    ['online-ddl-scheme: "gh-ost"', 'gh_ost'],
    ['online-ddl-scheme: "pt"', 'pt'],
  ])('%s: both tools', async (line, name) => {
    await setup.source.execute(TEST4);
    await setup.replicating(line, { name });
    await runGhost(name);
    await setup.source.execute(
      'DROP TABLE test._test4_ghc; DROP TABLE test._test4_del; ALTER TABLE test.test4 DROP COLUMN c11',
    );
    await runPt(name);
    await expectEqual();
  });
});

describe('1.4.2.3 configuration', () => {
  // As printed it is refused for its shard-mode (shard-mode.test.ts).
  const example = readFileSync(
    new URL('../config/manual/1.4.2-online-ddl.yaml', import.meta.url),
    'utf8',
  ).replace(/^shard-mode: .*\n/m, '');

  it('gh-ost', async () => {
    await setup.source.execute(TEST4);
    await setup.replicating(example);
    await runGhost('test');
    await expectEqual();
  });

  it('pt-online-schema-change', async () => {
    await setup.source.execute(TEST4);
    await setup.replicating(example);
    await runPt('test');
    await expectEqual();
  });
});

it('1.4.2.2 without online-ddl the target does as the tool does', async () => {
  await setup.source.execute(TEST4);
  await setup.replicating('online-ddl: false', { name: 'off' });
  await setup.follow(...GHOST_BEGIN);
  expect(await setup.arrived()).toEqual({ test: ['_test4_ghc', '_test4_gho', 'test4'] });
  await setup.follow(GHOST_SWAP);
  expect(await setup.arrived()).toEqual({ test: ['_test4_del', '_test4_ghc', 'test4'] });
  await assertTablesEqual(setup.source, setup.target, ['test.test4', 'test._test4_del', 'test._test4_ghc']);
});

it('1.3.1.4.1 begun in the midst of a run, an error is reported', async () => {
  await setup.source.execute(TEST4);
  for (const sql of GHOST_BEGIN) await setup.source.execute(sql);
  const task = await setup.replicating('online-ddl: true', { name: 'amid' });
  expect(await setup.arrived()).toEqual({ test: ['test4'] });
  await setup.source.execute(GHOST_SWAP);
  const [error] = await task.failed();
  expect(error.ErrCode).toBe(36046);
  expect(error.Workaround).not.toBe('');
});
