import { describe, expect, test } from 'vitest';
import { DmError } from '../errors/dm-error.js';
import { createSecrets } from './secret.js';
import { parseSourceConfig } from './source-config.js';
import { resolveSubtasks, subtaskServerId } from './subtasks.js';
import { parseTaskConfig } from './task-config.js';

const HEAD = `name: test
task-mode: all
target-database: { host: "127.0.0.1", user: root }
`;
const ONE = 'mysql-instances:\n  - source-id: a\n';

const parse = (text: string) => parseTaskConfig(text, 't.yaml');

function refusal(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof DmError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'accepted';
}

describe('what is wrong is told with its place, code and the nearest right word', () => {
  test.each([
    ['task-mode: all', '20004 t.yaml:1:1: task name should not be empty'],
    ['nam: x', '20004 t.yaml:1:1: task name should not be empty; did you mean "name" by "nam"?'],
    ['name: x\ntask-mod: all', /^20020 t\.yaml:2:1: .*; did you mean "task-mode" by "task-mod"\?$/],
    ['name: x\ntask-mode: al', /^20020 t\.yaml:2:12: please specify right task-mode, support `full`/],
    ['name: x\ntask-mode: dump', '60001 t.yaml:2:12: task-mode "dump" is not supported yet'],
    ['name: x\ntask-mode: all', '20021 t.yaml:1:1: must specify target-database'],
    [HEAD, '20013 t.yaml:1:1: must specify at least one mysql-instances'],
    [`${HEAD}${ONE}meta-shema: x`, '20003 t.yaml:6:1: unknown key "meta-shema", did you mean "meta-schema"?'],
    [`${HEAD}${ONE}metaschema: x`, '20003 t.yaml:6:1: unknown key "metaschema", did you mean "meta-schema"?'],
    [
      `${HEAD}${ONE}    syncer: {on-table-error: park}`,
      /^20003 t\.yaml:6:\d+: .*on-table-error.*stop.*isolate/,
    ],
    [
      `${HEAD}${ONE}    syncer: {isolate-max-bytes: 1Pound}`,
      /^20003 t\.yaml:6:\d+: invalid `isolate-max-bytes` 1Pound: expected a number of bytes or a size such as 1GiB/,
    ],
    [`${HEAD}${ONE}zzzzzzzzz: x`, '20003 t.yaml:6:1: unknown key "zzzzzzzzz"'],
    [
      `${HEAD}${ONE}    route_rules: []`,
      /unknown key "route_rules" in mysql-instances\.0, did you mean "route-rules"\?/,
    ],
    [
      `${HEAD}${ONE}  - source-id: a`,
      '20014 t.yaml:6:16: mysql-instance (0) and (1) have same source-id (a)',
    ],
    [
      `${HEAD}mysql-instances:\n  - meta: {}`,
      '20005 t.yaml:5:5: mysql-instance(0): empty source-id not valid',
    ],
    [
      `${HEAD}timezone: Mars/Phobos\n${ONE}`,
      '20008 t.yaml:4:11: invalid timezone string: Mars/Phobos; an offset such as +08:00 or a name such as Asia/Shanghai is expected',
    ],
    [`${HEAD}shard-mode: both\n${ONE}`, '60001 t.yaml:4:13: "shard-mode: both" is not supported yet'],
    [`${HEAD}collation_compatible: any\n${ONE}`, '20052 t.yaml:4:23: collation compatible any not supported'],
    [
      `${HEAD}case-sensitive: maybe\n${ONE}`,
      '20003 t.yaml:4:17: case-sensitive: expected true or false, not "maybe"',
    ],
    [
      `${HEAD}ignore-checking-items: [nothing]\n${ONE}`,
      /^20001 t\.yaml:4:24: checking item nothing is not supported/,
    ],
    [`${HEAD}column-mapping: {a: {}}\n${ONE}`, /^20064 /],
    [`${HEAD}is-sharding: true\n${ONE}`, '60001 t.yaml:4:14: "is-sharding: true" is not supported yet'],
    [
      `${HEAD.replace('root }', 'root, session: { Foreign_Key_Checks: on } }')}${ONE}    syncer: { compact: true }`,
      "60011 t.yaml:3:60: `foreign_key_checks` of the target's session conflicts with `compact: true` of the syncer of a",
    ],
    [
      `${HEAD}${ONE}    syncer-config-name: g`,
      "20030 t.yaml:6:25: mysql-instance(0)'s syncer config g not exist in syncer",
    ],
    [
      `${HEAD}${ONE}    route-rules: [r1]\nroutes: {r2: {schema-pattern: a, target-schema: b}}`,
      /^20023 t\.yaml:6:18: mysql-instance\(0\)'s route-rules r1 not exist in routes, did you mean "r2"\?$/,
    ],
    [
      `${HEAD}${ONE}    block-allow-list: x`,
      /^20026 .*mysql-instance\(0\)'s list x not exist in block allow list$/,
    ],
    [
      `${HEAD}${ONE}routes: {r: {schema-pattern: a, target-schema: b}}`,
      "20038 t.yaml:6:9: The configurations as following [routes.r] are set in global configuration but instances don't use them",
    ],
    [
      `${HEAD}${ONE}routes: {r: {schema-pattern: a}}`,
      '20045 t.yaml:6:10: target schema of table route rule should not be empty',
    ],
    [
      `${HEAD}${ONE}    route-rules: [p, q]\nroutes:\n  p: &same {schema-pattern: a, target-schema: b}\n  q: *same`,
      /^20045 t\.yaml:6:18: generate table router error: two routes match a$/,
    ],
    [
      `${HEAD}${ONE}block-allow-list: {x: {do-tables: [{db-name: a}]}}`,
      /^20044 .*both db-name and tbl-name must be set/,
    ],
    [
      `${HEAD}${ONE}block-allow-list: {x: {do-dbs: ["~(?!a)"]}}`,
      /^20044 t\.yaml:6:32: do-dbs: "~\(\?!a\)" is not a regular expression/,
    ],
    [`${HEAD}${ONE}block-allow-list: {x: {do-dbs: [a, ""]}}`, '20044 t.yaml:6:32: do-dbs: "" is empty'],
    [
      `${HEAD}${ONE}block-allow-list: {x: {do-tables: [{db-name: a, tbl-name: "b*c"}]}}`,
      /^20044 t\.yaml:6:59: tbl-name: "b\*c" has a `\*` that is not at the end/,
    ],
    [
      `${HEAD}${ONE}routes: {r: {schema-pattern: "a[b", target-schema: b}}`,
      '20045 t.yaml:6:30: schema-pattern: "a[b" has a `[` without `]`',
    ],
    [
      `${HEAD}${ONE}    mydumper-config-name: m\n    mydumper: {threads: 2}\nmydumpers: {m: {}}`,
      '20015 t.yaml:6:27: mydumper-config-name and mydumper should only specify one',
    ],
    [
      `${HEAD}${ONE}    mydumper: {extra-args: "--tables-list a.b"}`,
      /^20003 .*extra-args: --tables-list: tables are chosen with block-allow-list$/,
    ],
    [
      `${HEAD}${ONE}    mydumper: {extra-args: "--consistancy none"}`,
      /unknown flag --consistancy, did you mean "--consistency"\?$/,
    ],
    [`${HEAD}${ONE}    mydumper: {chunk-filesize: big}`, /^20047 t\.yaml:6:32: invalid `chunk-filesize` big/],
    [
      `${HEAD}${ONE}    syncer: {safe-mode: true, safe-mode-duration: 0s}`,
      '20061 t.yaml:6:51: safe-mode(true) conflicts with safe-mode-duration(0s)',
    ],
    [`${HEAD}${ONE}    loader: {import-mode: fast}`, /^60001 /],
    [
      `${HEAD}${ONE}    loader: {on-duplicate-logical: maybe}`,
      "20054 t.yaml:6:36: invalid load on-duplicate-logical option 'maybe'",
    ],
    [
      HEAD.replace('all', 'incremental') + ONE,
      '20022 t.yaml:5:5: mysql-instance(0) must set meta for task-mode incremental',
    ],
    [`${HEAD.replace('all', 'incremental')}${ONE}    meta: {binlog-pos: 4}`, /^20011 t\.yaml:6:11: /],
    ['name: "x', /^20003 t\.yaml:1:/],
    ['- a', '20003 t.yaml:1:1: expected "key: value" lines at the top of the file'],
    ['', '20003 t.yaml:1:1: the file is empty'],
    ['a: 1\na: 2', /^20003 t\.yaml:2:1: the key "a" stands here for the second time/],
    ['name: *nobody', /^20003 t\.yaml:1:7: /],
  ])('%j', (text, expected) => {
    if (typeof expected === 'string') expect(refusal(text)).toBe(expected);
    else expect(refusal(text)).toMatch(expected);
  });

  test('values that mean "off" are accepted for what is not supported yet', () => {
    const off = `shard-mode: ""
is-sharding: false
enable-heartbeat: false
collation_compatible: loose
filters: {}
expression-filter:
strict-optimistic-shard-mode: false
`;
    const unit =
      '    syncer: {compact: true, multiple-rows: true}\n    loader: {import-mode: sql}\n    filter-rules: []\n';
    expect(refusal(`${HEAD}${off}${ONE}${unit}`)).toBe('accepted');
  });
});

describe('what is right', () => {
  test('the rules of online DDL', () => {
    const rules = (text: string) => {
      const task = parse(`${HEAD}${ONE}${text}`);
      return [task.onlineDdl, ...task.shadowTableRules, ...task.trashTableRules];
    };
    const defaults = ['^_(.+)_(?:new|gho)$', '^_(.+)_(?:ghc|del|old)$'];
    expect(rules('')).toEqual([false, ...defaults]);
    expect(rules('online-ddl: true\n')).toEqual([true, ...defaults]);
    expect(rules('online-ddl-scheme: pt\n')).toEqual([true, ...defaults]);
    expect(rules("shadow-table-rules: ['^(.+)~$']\ntrash-table-rules: []\n")).toEqual([
      false,
      '^(.+)~$',
      defaults[1],
    ]);
    expect(refusal(`${HEAD}${ONE}trash-table-rules: ['^_(.+_old$']\n`)).toMatch(
      /^20048 t\.yaml:\d+:\d+: config 'trash-table-rules' regex pattern '\^_\(\.\+_old\$' invalid, reason: it is not a regular/,
    );
    expect(refusal(`${HEAD}${ONE}shadow-table-rules: [_gho]\n`)).toMatch(/^20048 .*it has no group/);
  });

  test('threads of the instance win over the configuration it refers to', () => {
    const task = parse(`${HEAD}${ONE}    mydumper-config-name: g
    mydumper-thread: 2
    loader-thread: 3
    syncer-thread: 5
mydumpers:
  g: {threads: 8, rows: 5, extra-args: "-F 32 -s 2000 --consistency=lock --where 'id > 5'"}
`);
    expect(task.instances[0]).toMatchObject({
      dump: {
        threads: 2,
        rows: 5,
        chunkFilesize: 32 * 1024 * 1024,
        statementSize: 2000,
        consistency: 'lock',
        where: 'id > 5',
      },
      load: { poolSize: 3 },
      sync: { workerCount: 5 },
    });
  });

  test('anchors and merge keys', () => {
    const task = parse(`${HEAD}mysql-instances:
  - &first
    source-id: a
    block-allow-list: x
  - <<: *first
    source-id: b
block-allow-list: {x: {do-dbs: ["~^test.*"]}}
`);
    expect(task.instances.map(({ sourceId, blockAllow }) => [sourceId, blockAllow.doDbs])).toEqual([
      ['a', ['~^test.*']],
      ['b', ['~^test.*']],
    ]);
  });

  test('the old name of the block-allow list', () => {
    const text = `${HEAD}${ONE}    black-white-list: x\nblack-white-list: {x: {ignore-dbs: [log]}}`;
    expect(parse(text).instances[0]?.blockAllow.ignoreDbs).toEqual(['log']);
  });

  test('a safe-mode-duration follows the flush interval; numbers keep their text in strings', () => {
    const task = parse(
      `${HEAD.replace('user: root', 'user: root, password: 007, session: {tidb_txn_mode: optimistic, a: 1e3}')}${ONE}    syncer: {checkpoint-flush-interval: 5}`,
    );
    expect(task.instances[0]?.sync).toMatchObject({
      checkpointFlushIntervalMs: 5000,
      safeModeDurationMs: 10_000,
    });
    expect(task.target).toMatchObject({
      password: '007',
      session: { tidb_txn_mode: 'optimistic', a: '1e3' },
    });
  });

  test('meta of a full task is a warning', () => {
    const task = parse(`${HEAD}${ONE}    meta: {binlog-name: bin.000001, binlog-pos: 4}`);
    expect(task.instances[0]?.meta).toBeUndefined();
    expect(task.warnings).toHaveLength(1);
  });

  test('a source with GTID begins at a GTID set or a position, one without only at a position', () => {
    const incremental = `${HEAD.replace('all', 'incremental')}${ONE}`;
    const resolve = (meta: string, gtid: boolean) => {
      const source = parseSourceConfig(`source-id: a\nenable-gtid: ${gtid}\nfrom: {host: h}`, 's.yaml');
      const task = parse(`${incremental}    meta: {${meta}}`);
      return resolveSubtasks(task, new Map([['a', source]]), createSecrets())[0].meta;
    };
    const position = { binlogName: 'bin.000001', binlogPos: 4, binlogGtid: '' };
    expect(resolve('binlog-name: bin.000001, binlog-pos: 4', true)).toEqual(position);
    expect(resolve('binlog-name: bin.000001, binlog-pos: 4', false)).toEqual(position);
    expect(resolve('binlog-gtid: 0-1-1', true)).toMatchObject({ binlogGtid: '0-1-1' });
    expect(() => resolve('binlog-gtid: 0-1-1', false)).toThrow(/binlog-name/);
  });

  test('a start time takes the place of a meta', () => {
    const text = `${HEAD.replace('all', 'incremental')}${ONE}`;
    expect(() => parse(text)).toThrow(/must set meta/);
    expect(parseTaskConfig(text, 't.yaml', { startsAtTime: true }).instances[0].meta).toBeUndefined();
  });

  test('server ids are stable and differ by task and source', () => {
    const ids = [subtaskServerId('t', 'a'), subtaskServerId('t', 'b'), subtaskServerId('u', 'a')];
    expect(new Set(ids).size).toBe(3);
    expect(subtaskServerId('t', 'a')).toBe(ids[0]);
    for (const id of ids) expect(id).toBeGreaterThan(2 ** 32 / 10);
  });
});
