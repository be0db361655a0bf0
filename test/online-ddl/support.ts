/** What the tests of online DDL share: servers with one schema, a syncer over them, and the tools' statements. */
import { expect } from 'vitest';
import { DEFAULT_SHADOW_RULE, DEFAULT_TRASH_RULE } from '../../src/online-ddl/rules.js';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import type { Log } from '../../src/runtime/ports.js';
import { silentLog } from '../copy/support.js';
import type { DatabaseServer } from '../servers/database.js';
import {
  expectEqualTables,
  incremental,
  startSyncer,
  untilSynced,
  type RunningSyncer,
} from '../sync/support.js';

export const SCHEMA = 'shop';

export const ONLINE: Partial<SubtaskConfig> = {
  onlineDdl: true,
  shadowTableRules: [DEFAULT_SHADOW_RULE],
  trashTableRules: [DEFAULT_TRASH_RULE],
  blockAllow: { doDbs: [SCHEMA], doTables: [], ignoreDbs: [], ignoreTables: [] },
};

/** A source and a target that begin alike, and a task of binlog replication between them. */
export class Pair {
  config!: SubtaskConfig;
  #running: RunningSyncer | null = null;
  #epoch = 0;

  constructor(
    readonly source: DatabaseServer,
    readonly target: DatabaseServer,
  ) {}

  async begin(setup: readonly string[], extra: Partial<SubtaskConfig> = {}): Promise<void> {
    await this.end();
    for (const server of [this.source, this.target]) {
      for (const schema of [SCHEMA, 'other', 'dm_meta'])
        await server.execute(`DROP DATABASE IF EXISTS ${schema}`);
      await server.execute(`CREATE DATABASE ${SCHEMA}; CREATE DATABASE other`);
      for (const sql of setup) await server.execute(sql);
    }
    this.config = await incremental(this.source, this.target, { ...ONLINE, ...extra });
  }

  start(log: Log = silentLog): RunningSyncer {
    this.#running ??= startSyncer(this.config, ++this.#epoch, log);
    return this.#running;
  }

  async run(statements: readonly string[]): Promise<void> {
    for (const sql of statements) await this.source.execute(sql);
  }

  /** Applies what the source has, and ends. */
  async sync(log?: Log): Promise<void> {
    const running = this.start(log);
    try {
      await untilSynced(running);
    } finally {
      await this.end();
    }
  }

  async end(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    running?.syncer.end();
    await running?.done.catch(() => undefined);
  }

  /** As a crash. */
  async destroy(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    running?.syncer.destroy();
    await running?.done.catch(() => undefined);
  }

  async expectEqual(...tables: string[]): Promise<void> {
    await expectEqualTables(this.source, this.target, tables);
  }

  /** Tables of the target's schema. */
  async tables(schema = SCHEMA): Promise<string[]> {
    const rows = await this.target.query(`SHOW TABLES FROM ${schema}`);
    return rows.map((row) => String(Object.values(row)[0])).sort();
  }

  async columns(table: string): Promise<string[]> {
    const rows = await this.target.query(`SHOW COLUMNS FROM ${SCHEMA}.${table}`);
    return rows.map((row) => String(row['Field']));
  }

  /** What is kept of ghost tables. */
  async records(): Promise<unknown[]> {
    const rows = await this.target.query(
      'SELECT id, ghost_schema, ghost_table, ddls FROM dm_meta.sync_onlineddl ORDER BY ghost_schema, ghost_table',
    );
    return rows.map((row) => {
      const value = JSON.parse(String(row['ddls'])) as { schema: string; table: string; ddls: string[] };
      return [
        row['id'],
        `${String(row['ghost_schema'])}.${String(row['ghost_table'])}`,
        `${value.schema}.${value.table}`,
        value.ddls,
      ];
    });
  }

  async expectNoRecords(): Promise<void> {
    expect(await this.records()).toEqual([]);
  }
}

/** What gh-ost runs before it copies, statement by statement. */
export function ghostBegin(table: string, alter: string): string[] {
  const t = (name: string) => `\`${SCHEMA}\`.\`${name}\``;
  return [
    `drop /* gh-ost */ table if exists ${t(`_${table}_gho`)}`,
    `drop /* gh-ost */ table if exists ${t(`_${table}_del`)}`,
    `create /* gh-ost */ table ${t(`_${table}_ghc`)} (id bigint auto_increment, last_update timestamp not null DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, hint varchar(64) charset ascii not null, value varchar(4096) charset ascii not null, primary key(id), unique key hint_uidx(hint)) auto_increment=256`,
    `create /* gh-ost */ table ${t(`_${table}_gho`)} like ${t(table)}`,
    `alter /* gh-ost */ table ${t(`_${table}_gho`)} ${alter}`,
    `insert /* gh-ost */ into ${t(`_${table}_ghc`)} (id, hint, value) values (NULLIF(2, 0), 'state', 'GhostTableMigrated') on duplicate key update last_update=NOW(), value=VALUES(value)`,
  ];
}

/** Copies the rows as gh-ost does in chunks. */
export function ghostCopy(table: string, columns: string): string[] {
  return [
    `insert /* gh-ost \`${SCHEMA}\`.\`${table}\` */ ignore into \`${SCHEMA}\`.\`_${table}_gho\` (${columns}) (select ${columns} from \`${SCHEMA}\`.\`${table}\` lock in share mode)`,
  ];
}

/** gh-ost's atomic cut-over: a sentry table, locks, and one RENAME. */
export function ghostEnd(table: string): string[] {
  const t = (name: string) => `\`${SCHEMA}\`.\`${name}\``;
  return [
    `create /* gh-ost */ table ${t(`_${table}_del`)} (id int auto_increment primary key) engine=InnoDB comment='ghost-cut-over-sentry'`,
    `drop /* gh-ost */ table if exists ${t(`_${table}_del`)}`,
    `rename /* gh-ost */ table ${t(table)} to ${t(`_${table}_del`)}, ${t(`_${table}_gho`)} to ${t(table)}`,
    ...ghostTidy(table),
  ];
}

export function ghostTidy(table: string): string[] {
  return ['ghc', 'del'].map(
    (suffix) => `drop /* gh-ost */ table if exists \`${SCHEMA}\`.\`_${table}_${suffix}\``,
  );
}
