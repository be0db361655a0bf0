/** The manual's examples that are a part of a task file: completed to a whole one, then read. */
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { parseTaskConfig } from '../../src/config/task-config.js';
import type { TaskInstance } from '../../src/config/task-instances.js';

const REFERENCES: Record<string, (names: string[]) => string[]> = {
  routes: (names) => [`    route-rules: [${names.join(', ')}]`],
  filters: (names) => [`    filter-rules: [${names.join(', ')}]`],
};

/** A task with one instance for each block-allow list (or one), which refers to all other rules. */
function complete(snippet: string): string {
  const value = parseYaml(snippet) as Record<string, object | undefined>;
  const lists = Object.keys(value['block-allow-list'] ?? {});
  const references = Object.entries(REFERENCES).flatMap(([key, lines]) =>
    value[key] === undefined ? [] : lines(Object.keys(value[key])),
  );
  const instances = (lists.length === 0 ? [''] : lists).flatMap((list, i) => [
    `  - source-id: source-${i}`,
    ...(list === '' ? [] : [`    block-allow-list: ${list}`]),
    ...references,
  ]);
  const target = snippet.includes('target-database:')
    ? ''
    : 'target-database: { host: 127.0.0.1, user: root }\n';
  const mode = snippet.includes('task-mode:') ? '' : 'task-mode: all\n';
  const list = snippet.includes('mysql-instances:') ? '' : `mysql-instances:\n${instances.join('\n')}\n`;
  const name = /^name:/m.test(snippet) ? '' : 'name: test\n';
  return `${snippet}\n${name}${mode}${target}${list}`;
}

const read = (snippet: string) => parseTaskConfig(complete(snippet), 'task.yaml').instances;

const ACCEPTED: [string, string, Partial<TaskInstance>[]][] = [
  [
    '1.3.1.3.1 binlog event filter',
    `filters:
  rule-1:
    schema-pattern: "test_*"
    table-pattern: "t_*"
    events: ["truncate table", "drop table"]
    sql-pattern: ["^DROP\\\\s+PROCEDURE", "^CREATE\\\\s+PROCEDURE"]
    action: Ignore
`,
    [
      {
        filters: [
          {
            schemaPattern: 'test_*',
            tablePattern: 't_*',
            events: ['truncate table', 'drop table'],
            sqlPattern: ['^DROP\\s+PROCEDURE', '^CREATE\\s+PROCEDURE'],
            action: 'Ignore',
          },
        ],
      },
    ],
  ],
  [
    '1.3.1.3.3 only migrate sharding DML',
    `filters:
  do-table-rule:
    schema-pattern: "test_*"
    table-pattern: "t_*"
    events: ["create table", "all dml"]
    action: Do
  do-schema-rule:
    schema-pattern: "test_*"
    events: ["create database"]
    action: Do
`,
    [
      {
        filters: [
          {
            schemaPattern: 'test_*',
            tablePattern: 't_*',
            events: ['create table', 'all dml'],
            sqlPattern: [],
            action: 'Do',
          },
          {
            schemaPattern: 'test_*',
            tablePattern: '',
            events: ['create database'],
            sqlPattern: [],
            action: 'Do',
          },
        ],
      },
    ],
  ],
  [
    '1.3.1.3.3 statements that the parser does not know',
    `filters:
  filter-partition-rule:
    schema-pattern: "*"
    sql-pattern: ["ALTER\\\\s+TABLE[\\\\s\\\\S]*ADD\\\\s+PARTITION", "ALTER\\\\s+TABLE[\\\\s\\\\S]*DROP\\\\s+PARTITION"]
    action: Ignore
`,
    [
      {
        filters: [
          {
            schemaPattern: '*',
            tablePattern: '',
            events: [],
            sqlPattern: [
              'ALTER\\s+TABLE[\\s\\S]*ADD\\s+PARTITION',
              'ALTER\\s+TABLE[\\s\\S]*DROP\\s+PARTITION',
            ],
            action: 'Ignore',
          },
        ],
      },
    ],
  ],
  [
    '1.3.1.1.1 table routing',
    `routes:
  rule-1:
    schema-pattern: "test_*"
    table-pattern: "t_*"
    target-schema: "test"
    target-table: "t"
  rule-2:
    schema-pattern: "test_*"
    target-schema: "test"
`,
    [
      {
        routes: [
          { schemaPattern: 'test_*', tablePattern: 't_*', targetSchema: 'test', targetTable: 't' },
          { schemaPattern: 'test_*', tablePattern: '', targetSchema: 'test', targetTable: '' },
        ],
      },
    ],
  ],
  [
    '1.3.1.1.3 merge sharded schemas',
    `routes:
  rule-1:
    schema-pattern: "test_*"
    target-schema: "test"
`,
    [{ routes: [{ schemaPattern: 'test_*', tablePattern: '', targetSchema: 'test', targetTable: '' }] }],
  ],
  [
    '1.3.1.1.3 incorrect table routing: two rules match one table, which the router tells of that table',
    `routes:
  rule-1:
    schema-pattern: "test_*"
    table-pattern: "t_*"
    target-schema: "test"
    target-table: "t"
  rule-2:
    schema-pattern: "test_1_bak"
    table-pattern: "t_1_bak"
    target-schema: "test"
    target-table: "t_bak"
`,
    [
      {
        routes: [
          { schemaPattern: 'test_*', tablePattern: 't_*', targetSchema: 'test', targetTable: 't' },
          {
            schemaPattern: 'test_1_bak',
            tablePattern: 't_1_bak',
            targetSchema: 'test',
            targetTable: 't_bak',
          },
        ],
      },
    ],
  ],
  [
    '1.3.1.2.1 block and allow lists',
    `block-allow-list: # Use black-white-list if the DM version is earlier than or equal to v2.0.0-beta.2.
  rule-1:
    do-dbs: ["test*"] # Starting with characters other than "~" indicates that it is a wildcard;
    do-tables:
      - db-name: "test[123]" # Matches test1, test2, and test3.
        tbl-name: "t[1-5]" # Matches t1, t2, t3, t4, and t5.
      - db-name: "test"
        tbl-name: "t"
  rule-2:
    do-dbs: ["~^test.*"] # Starting with "~" indicates that it is a regular expression.
    ignore-dbs: ["mysql"]
    do-tables:
      - db-name: "~^test.*"
        tbl-name: "~^t.*"
      - db-name: "test"
        tbl-name: "t"
    ignore-tables:
      - db-name: "test"
        tbl-name: "log"
`,
    [
      {
        blockAllow: {
          doDbs: ['test*'],
          doTables: [
            { dbName: 'test[123]', tblName: 't[1-5]' },
            { dbName: 'test', tblName: 't' },
          ],
          ignoreDbs: [],
          ignoreTables: [],
        },
      },
      {
        blockAllow: {
          doDbs: ['~^test.*'],
          doTables: [
            { dbName: '~^test.*', tblName: '~^t.*' },
            { dbName: 'test', tblName: 't' },
          ],
          ignoreDbs: ['mysql'],
          ignoreTables: [{ dbName: 'test', tblName: 'log' }],
        },
      },
    ],
  ],
  [
    '1.3.1.2.4 usage example',
    `block-allow-list:
  bw-rule:
    do-dbs: ["forum_backup_2018", "forum"]
    ignore-dbs: ["~^forum_backup_"]
    do-tables:
      - db-name: "logs"
        tbl-name: "~_2018$"
      - db-name: "~^forum.*"
        tbl-name: "messages"
    ignore-tables:
      - db-name: "~.*"
        tbl-name: "^messages.*"
`,
    [
      {
        blockAllow: {
          doDbs: ['forum_backup_2018', 'forum'],
          doTables: [
            { dbName: 'logs', tblName: '~_2018$' },
            { dbName: '~^forum.*', tblName: 'messages' },
          ],
          ignoreDbs: ['~^forum_backup_'],
          ignoreTables: [{ dbName: '~.*', tblName: '^messages.*' }],
        },
      },
    ],
  ],
  [
    '4.2.1.4 starting points of an upgraded task',
    `task-mode: incremental
mysql-instances:
- source-id: "mysql-replica-01" # Corresponds to the \`id\` of the checkpoint information.
  meta:
    binlog-name: "mysql-bin.000123" # excluding the part of \`|000001\`.
    binlog-pos: 15847

- source-id: "mysql-replica-02"
  meta:
    binlog-name: "mysql-bin.000456"
    binlog-pos: 10485
`,
    [
      { meta: { binlogName: 'mysql-bin.000123', binlogPos: 15847, binlogGtid: '' } },
      { meta: { binlogName: 'mysql-bin.000456', binlogPos: 10485, binlogGtid: '' } },
    ],
  ],
  [
    '4.4.1.2 downstream cluster',
    `---
#### ***** Basic configuration *****
name: test          # The name of the task. Should be globally unique.

#### ***** Data source configuration *****
mysql-instances:
- source-id: "mysql-replica-01"
- source-id: "mysql-replica-02"

#### ***** Downstream TiDB database configuration *****
target-database:    # Configuration of target TiDB database.
  host: "127.0.0.1"
  port: 4000
  user: "root"
  password: ""
`,
    [{ sourceId: 'mysql-replica-01' }, { sourceId: 'mysql-replica-02' }],
  ],
];

describe('1.3.1.4.2 online DDL', () => {
  test.each(['online-ddl: true', 'online-ddl-scheme: "gh-ost"', 'online-ddl-scheme: "pt"'])('%s', (line) => {
    const task = parseTaskConfig(complete(`${line}\n`), 'task.yaml');
    expect(task).toMatchObject({
      onlineDdl: true,
      shadowTableRules: ['^_(.+)_(?:new|gho)$'],
      trashTableRules: ['^_(.+)_(?:ghc|del|old)$'],
    });
  });
});

describe('accepted', () => {
  test.each(ACCEPTED)('%s', (_name, snippet, expected) => {
    expect(read(snippet)).toMatchObject(expected);
  });

  test('9.1.2.2 TLS of the target', () => {
    const text = complete(`target-database:
  host: "127.0.0.1"
  security:
    ssl-ca: "/path/to/tidb-ca.pem"
    ssl-cert: "/path/to/tidb-client-cert.pem"
    ssl-key: "/path/to/tidb-client-key.pem"
`);
    expect(parseTaskConfig(text, 'task.yaml').target.security).toEqual({
      sslCa: '/path/to/tidb-ca.pem',
      sslCert: '/path/to/tidb-client-cert.pem',
      sslKey: '/path/to/tidb-client-key.pem',
    });
  });
});
