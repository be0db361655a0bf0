/** Every complete example file of the manual: what it is read as, or what it is refused with. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseMasterConfig, parseWorkerConfig } from '../../src/config/process-config.js';
import { createSecrets } from '../../src/config/secret.js';
import { parseSourceConfig, type SourceConfig } from '../../src/config/source-config.js';
import { resolveSubtasks } from '../../src/config/subtasks.js';
import { parseTaskConfig } from '../../src/config/task-config.js';
import { DmError } from '../../src/errors/dm-error.js';

const FOLDER = path.join(process.cwd(), 'test/config/manual');

interface Refusal {
  code: number;
  message: string;
}

const rules = (part: object) => ({ doDbs: [], doTables: [], ignoreDbs: [], ignoreTables: [], ...part });

const from = (host: string, password: string) => ({ host, port: 3306, user: 'root', password });
const tls = { sslCa: '/path/to/ca.pem', sslCert: '/path/to/cert.pem', sslKey: '/path/to/key.pem' };

/** The manual's other samples were encrypted with a key that is not the published one. */
const OTHER_KEY = '';

/** Plain password of each source file beside what the file says. */
const SOURCES: Record<string, { expected: object; plain: string } | Refusal> = {
  '2.1.3-source1.yaml': {
    expected: {
      sourceId: 'mysql-replica-01',
      enableGtid: false,
      flavor: '',
      from: from('127.0.0.1', 'fCxfQ9XKCezSzuCD0Wf5dUD+LsKegSg='),
    },
    plain: '123456',
  },
  '2.3.1-source-mysql-01.yaml': {
    expected: {
      sourceId: 'mysql-01',
      from: { ...from('127.0.0.1', 'MKxn0Qo3m3X0yjCnhEMtsUCm83EhGQDZ/T4='), security: tls },
    },
    plain: OTHER_KEY,
  },
  '3.3.3-source1.yaml': {
    expected: { sourceId: 'mysql-replica-01', from: { host: '172.16.10.81', port: 3306 } },
    plain: OTHER_KEY,
  },
  '4.2.1-source1.yaml': { expected: { sourceId: 'mysql-replica-01', serverId: 101 }, plain: OTHER_KEY },
  '4.2.1-source2.yaml': { expected: { sourceId: 'mysql-replica-02', serverId: 102 }, plain: OTHER_KEY },
  '4.2.1-source-from-binary.yaml': { expected: { serverId: 101, flavor: 'mysql' }, plain: OTHER_KEY },
  '5.1.3-source1.yaml': { expected: { sourceId: 'aurora-replica-01' }, plain: '12345678' },
  '5.1.3-source2.yaml': { expected: { sourceId: 'aurora-replica-02' }, plain: '12345678' },
  '8.3.4-source.yaml': {
    expected: {
      sourceId: 'mysql-replica-01',
      enableGtid: false,
      enableRelay: false,
      relayBinlogName: '',
      relayBinlogGtid: '',
      relayDir: 'relay-dir',
      from: { ...from('127.0.0.1', 'ZqMLjZ2j5khNelDEfDoUhkD5aV5fIJ0e0fiog9w='), security: tls },
      purge: { intervalSeconds: 3600, expiresHours: 0, remainSpaceGb: 15 },
      checker: {
        checkEnable: true,
        backoffRollbackMs: 300_000,
        backoffMaxMs: 300_000,
        backoffMinMs: 1000,
        checkIntervalMs: 5000,
        backoffJitter: true,
        backoffFactor: 2,
      },
      caseSensitive: false,
      filters: [],
    },
    plain: '',
  },
  '8.3.4-source-uncommented.yaml': {
    expected: {
      caseSensitive: false,
      filters: [
        {
          schemaPattern: 'dmctl',
          tablePattern: 't_1',
          events: [],
          sqlPattern: ['alter table .* add column `aaa` int'],
          action: 'Ignore',
        },
      ],
    },
    plain: '',
  },
};

function ignore(schemaPattern: string, tablePattern: string, events: string[]): object {
  return { schemaPattern, tablePattern, events, sqlPattern: [], action: 'Ignore' };
}

const TASKS: Record<string, object[] | Refusal> = {
  '1.4.2-online-ddl.yaml': {
    code: 60001,
    message: '1.4.2-online-ddl.yaml:5:13: "shard-mode: pessimistic" is not supported yet',
  },
  '1.4.3-expression-filter.yaml': [
    { expressionFilters: [{ schema: 'expr_filter', table: 'tbl', insertValueExpr: 'c % 2 = 0' }] },
  ],
  '2.1.3-testdm-task.yaml': [
    {
      task: 'testdm',
      taskMode: 'all',
      sourceId: 'mysql-replica-01',
      to: { host: '127.0.0.1', port: 4000, user: 'root', password: '' },
      metaSchema: 'dm_meta',
      blockAllow: rules({ doDbs: ['testdm'] }),
      routes: [],
      dump: { threads: 4, chunkFilesize: 64 * 1024 * 1024, rows: 200_000, consistency: 'auto' },
      load: { poolSize: 16, dir: './dumped_data', importMode: 'logical' },
      sync: { workerCount: 16, batch: 100, queueSize: 1024, safeMode: false, safeModeDurationMs: 60_000 },
    },
  ],
  '2.4.2-one-tidb-secondary.yaml': ['instance-1', 'instance-2', 'instance-3'].map((sourceId) => ({
    sourceId,
    filters: [
      ignore('user', 'log', ['truncate table', 'drop table', 'delete']),
      ignore('user', '', ['drop database']),
      ignore('store', '', ['drop database', 'truncate table', 'drop table', 'delete']),
    ],
  })),
  '2.4.3-shard-merge.yaml': ['instance-1', 'instance-2'].map((sourceId) => ({
    sourceId,
    filters: [
      ignore('store_*', '', ['drop database']),
      ignore('store_*', 'sale_*', ['truncate table', 'drop table', 'delete']),
    ],
  })),
  '2.4.4-incremental.yaml': [
    {
      task: 'task-test',
      taskMode: 'incremental',
      sourceId: 'mysql-01',
      blockAllow: rules({ doDbs: ['log'] }),
      sync: { safeMode: true, safeModeDurationMs: 60_000, workerCount: 16 },
      meta: {
        binlogName: 'mysql-bin.00001',
        binlogPos: 2022,
        binlogGtid: '09bec856-ba95-11ea-850a-58f2b4af5188:1-9',
      },
    },
  ],
  '3.3.4-task.yaml': ['mysql-replica-01', 'mysql-replica-02'].map((sourceId) => ({
    task: 'test',
    sourceId,
    blockAllow: rules({ doTables: [{ dbName: 'test_db', tblName: 'test_table' }] }),
    dump: { threads: 4, rows: 200_000 },
  })),
  '3.4.3-test-full.yaml': [
    {
      task: 'test-full',
      taskMode: 'full',
      sourceId: 'source-1',
      dump: { rows: 32_000, threads: 32 },
      load: { poolSize: 16 },
    },
  ],
  '3.4.3-test-all.yaml': [{ task: 'test-all', sourceId: 'source-1', sync: { workerCount: 16, batch: 100 } }],
  '4.4.1-overall.yaml': {
    code: 60001,
    message: '4.4.1-overall.yaml:4:13: "shard-mode: pessimistic" is not supported yet',
  },
  '5.1.4-aurora.yaml': ['aurora-replica-01', 'aurora-replica-02'].map((sourceId) => ({
    sourceId,
    to: { password: '87654321' },
    blockAllow: rules({ doDbs: ['migrate_me'] }),
    dump: { consistency: 'none' },
    ignoreCheckingItems: ['replication_privilege', 'dump_privileges'],
  })),
};

const MASTERS: Record<string, object> = {
  '3.2.3-dm-master1.toml': {
    name: 'master1',
    log: { level: 'info', file: 'dm-master.log', format: 'text' },
    masterAddr: '192.168.0.4:8261',
    advertiseAddr: '192.168.0.4:8261',
    peerUrls: '192.168.0.4:8291',
    advertisePeerUrls: '192.168.0.4:8291',
    dataDir: 'default.master1',
    initialCluster: [
      { name: 'master1', url: 'http://192.168.0.4:8291' },
      { name: 'master2', url: 'http://192.168.0.5:8291' },
      { name: 'master3', url: 'http://192.168.0.6:8291' },
    ],
  },
  '8.3.2-dm-master.toml': {
    name: 'dm-master',
    masterAddr: ':8261',
    advertiseAddr: '127.0.0.1:8261',
    peerUrls: 'http://127.0.0.1:8291',
    join: [],
    natsUrl: [],
    security: { ...tls, certAllowedCn: ['dm'] },
  },
};

const WORKERS: Record<string, object> = {
  '3.2.3-dm-worker1.toml': {
    name: 'worker1',
    workerAddr: ':8262',
    advertiseAddr: '127.0.0.1:8262',
    join: ['192.168.0.4:8261', '192.168.0.5:8261', '192.168.0.6:8261'],
    keepaliveTtlMs: 60_000,
    relayKeepaliveTtlMs: 1_800_000,
  },
  '8.3.3-dm-worker.toml': {
    name: 'worker1',
    log: { level: 'info', file: 'dm-worker.log', format: 'text' },
    join: ['127.0.0.1:8261', '127.0.0.1:8361', '127.0.0.1:8461'],
    keepaliveTtlMs: 60_000,
    relayKeepaliveTtlMs: 1_800_000,
    security: { ...tls, certAllowedCn: ['dm'] },
  },
};

const read = (name: string) => readFileSync(path.join(FOLDER, name), 'utf8');

function refusalOf(run: () => unknown): Refusal {
  try {
    run();
  } catch (error) {
    if (error instanceof DmError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('was not refused');
}

test('every file of the folder is expected to be something', () => {
  const expected = [SOURCES, TASKS, MASTERS, WORKERS].flatMap((table) => Object.keys(table));
  expect(readdirSync(FOLDER).sort()).toEqual(expected.sort());
});

describe('source files', () => {
  test.each(Object.entries(SOURCES))('%s', (name, outcome) => {
    if ('code' in outcome) {
      expect(refusalOf(() => parseSourceConfig(read(name), name))).toEqual(outcome);
      return;
    }
    const config = parseSourceConfig(read(name), name);
    expect(config).toMatchObject(outcome.expected);
    if (outcome.plain !== '') expect(createSecrets().reveal(config.from.password)).toBe(outcome.plain);
  });
});

function anySource(sourceId: string): [string, SourceConfig] {
  return [
    sourceId,
    parseSourceConfig(`source-id: "${sourceId}"\nfrom: { host: h, user: root }`, 'source.yaml'),
  ];
}

describe('task files', () => {
  test.each(Object.entries(TASKS))('%s', (name, outcome) => {
    if ('code' in outcome) {
      expect(refusalOf(() => parseTaskConfig(read(name), name))).toEqual(outcome);
      return;
    }
    const task = parseTaskConfig(read(name), name);
    const sources = new Map(task.instances.map(({ sourceId }) => anySource(sourceId)));
    expect(resolveSubtasks(task, sources, createSecrets())).toMatchObject(outcome);
  });
});

describe('process files', () => {
  const input = (name: string) => ({ text: read(name), fileName: name, flags: [], hostname: 'host' });
  test.each(Object.entries(MASTERS))('%s', (name, expected) => {
    expect(parseMasterConfig(input(name))).toMatchObject(expected);
  });
  test.each(Object.entries(WORKERS))('%s', (name, expected) => {
    expect(parseWorkerConfig(input(name))).toMatchObject(expected);
  });
});
