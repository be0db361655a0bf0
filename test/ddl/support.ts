/** A task over two servers that lives through a whole file of DDL cases, each in databases of its own. */
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import { collectingLog } from '../copy/support.js';
import type { DatabaseServer } from '../servers/database.js';
import { compareTables } from '../support/compare-tables.js';
import { waitFor } from '../support/wait-for.js';
import { incremental, startSyncer, type RunningSyncer } from '../sync/support.js';

/** Databases of a case: `$db` and `$other` are migrated, `$out` is not. */
export interface DdlCase {
  readonly name: string;
  /** Run one by one in `$db` by a connection of its own. */
  readonly sql: readonly string[];
  /** Servers that know the statements; all when left out. */
  readonly only?: readonly ('mariadb' | 'mysql')[];
}

/** Everything a database holds, as text, so that two sides can be compared. */
export interface SchemaText {
  readonly database: string;
  readonly tables: Readonly<Record<string, string>>;
}

export class DdlTask {
  readonly source: DatabaseServer;
  readonly target: DatabaseServer;
  readonly #extra: Partial<SubtaskConfig>;
  readonly log = collectingLog();
  #running: RunningSyncer | null = null;
  #failure: unknown = undefined;
  #cases: number;
  #markers: number;
  /** `$db` of the last case. */
  lastDatabase = '';
  #epoch: number;

  /** `first`: the number of the first case, for several tasks over the same servers. */
  constructor(source: DatabaseServer, target: DatabaseServer, extra: Partial<SubtaskConfig> = {}, first = 1) {
    this.#cases = first - 1;
    this.#markers = first - 1;
    this.#epoch = first - 1;
    this.source = source;
    this.target = target;
    this.#extra = extra;
  }

  /** Runs a case and waits until the target has it; rejects with the task's failure. */
  async run(ddl: Pick<DdlCase, 'sql'>): Promise<{ db: string; other: string; out: string }> {
    const n = ++this.#cases;
    const names = { db: `d${n}`, other: `d${n}_other`, out: `x${n}` };
    await this.#ensure();
    this.lastDatabase = names.db;
    for (const name of Object.values(names)) await this.source.query(`CREATE DATABASE ${name}`);
    await this.more(ddl.sql);
    return names;
  }

  /** Goes on in the databases of the last case. */
  async more(statements: readonly string[]): Promise<void> {
    const db = this.lastDatabase;
    const writer = await this.source.connect({ database: db, multipleStatements: false });
    try {
      for (const sql of statements) {
        await writer.query(
          sql
            .replaceAll('$db', db)
            .replaceAll('$other', `${db}_other`)
            .replaceAll('$out', `x${db.slice(1)}`),
        );
      }
    } finally {
      await writer.end();
    }
    await this.#reach();
  }

  async #ensure(): Promise<void> {
    if (this.#running !== null && this.#failure === undefined) return;
    await this.#running?.done.catch(() => undefined);
    this.#failure = undefined;
    const config = await incremental(this.source, this.target, {
      blockAllow: { doDbs: ['~^d[0-9]'], doTables: [], ignoreDbs: [], ignoreTables: [] },
      ...this.#extra,
      metaSchema: `meta${++this.#epoch}`,
    });
    const running = startSyncer(config, 1, this.log);
    running.done.then(
      (end) => (this.#failure = new Error(`ended: ${JSON.stringify(end)}`)),
      (error: unknown) => (this.#failure = error),
    );
    this.#running = running;
    await waitFor(
      () => this.#failure !== undefined || this.log.lines.some((l) => l.includes('sync starts')),
      {
        what: 'the start',
      },
    );
    this.log.lines.length = 0;
  }

  async #reach(): Promise<void> {
    const n = ++this.#markers;
    await this.source.query(`CREATE DATABASE d0_marker${n}`);
    const seen = async () => (await this.target.query(`SHOW DATABASES LIKE 'd0\\_marker${n}'`)).length > 0;
    await waitFor(async () => this.#failure !== undefined || (await seen()), {
      what: 'the target to have the statements',
      intervalMs: 10,
    });
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  async stop(): Promise<void> {
    this.#running?.syncer.end();
    await this.#running?.done.catch(() => undefined);
  }
}

export async function schemaText(server: DatabaseServer, db: string): Promise<SchemaText> {
  const [found] = await server.query(
    'SELECT schema_name AS s FROM information_schema.schemata WHERE schema_name=?',
    [db],
  );
  if (found === undefined) return { database: '', tables: {} };
  const [row] = await server.query(`SHOW CREATE DATABASE \`${db}\``);
  const tables: Record<string, string> = {};
  for (const { t } of await server.query(
    "SELECT table_name AS t FROM information_schema.tables WHERE table_schema=? AND table_type IN ('BASE TABLE','SYSTEM VERSIONED') ORDER BY 1",
    [db],
  )) {
    const [create] = await server.query(`SHOW CREATE TABLE \`${db}\`.\`${String(t)}\``);
    tables[String(t)] = String(create?.['Create Table']).replace(/ AUTO_INCREMENT=\d+/, '');
  }
  return { database: String(row?.['Create Database']), tables };
}

/** What two flavours can be asked to agree on. */
export async function schemaOutline(server: DatabaseServer, db: string): Promise<string[]> {
  const columns = await server.query(
    `SELECT table_name AS t, column_name AS n, is_nullable AS o, data_type AS d FROM information_schema.columns
     WHERE table_schema=? ORDER BY table_name, ordinal_position`,
    [db],
  );
  const indexes = await server.query(
    `SELECT table_name AS t, index_name AS i, seq_in_index AS s, column_name AS n, sub_part AS p, non_unique AS u
     FROM information_schema.statistics WHERE table_schema=? ORDER BY 1, 2, 3`,
    [db],
  );
  const text = (row: Record<string, unknown>) => Object.values(row).map(String).join(' ');
  return [...columns.map((c) => text(c).replace(/ json$/, ' longtext')), ...indexes.map(text)];
}

/** Tables of the database whose rows differ between the two servers. */
export async function unequalTables(
  source: DatabaseServer,
  target: DatabaseServer,
  db: string,
  tables: readonly string[],
): Promise<string[]> {
  const compared = await compareTables(
    source,
    target,
    tables.map((table) => `${db}.${table}`),
  );
  return compared
    .filter((table) => !table.equal)
    .map(
      (table) => `${table.table}: ${table.rowsA} and ${table.rowsB} rows\n${table.differences.join('\n')}`,
    );
}
