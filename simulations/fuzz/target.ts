/** The target's side of the fuzzer: a server of the tests, or the TiDB that DM_TEST_TIDB names. */
import { createConnection } from 'mysql2/promise';
import { targets } from '../../test/servers/availability.js';
import type { DatabaseAddress, Row } from '../../test/servers/database.js';

export interface FuzzTarget extends DatabaseAddress {
  readonly kind: string;
  query(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Several statements. */
  execute(script: string): Promise<void>;
  /** Of a server that the fuzzer has started. */
  readonly running?: boolean;
  restart?(): Promise<void>;
  stop(): Promise<void>;
}

/** Throws unless DM_TEST_TIDB is set. */
export async function connectTiDb(): Promise<FuzzTarget> {
  const known = targets().find((target) => target.name === 'tidb');
  if (known === undefined) throw new Error('set DM_TEST_TIDB=host:port to fuzz with TiDB as the target');
  const address = await known.start();
  const { host, port, user, password } = address;
  const connection = await createConnection({
    host,
    port,
    user,
    password,
    multipleStatements: true,
    supportBigNumbers: true,
    dateStrings: true,
    charset: 'utf8mb4',
  });
  return {
    host,
    port,
    user,
    password,
    kind: 'tidb',
    query: async (sql, values) => {
      const [rows] = await connection.query(sql, values);
      return Array.isArray(rows) ? (rows as Row[]) : [];
    },
    execute: async (script) => void (await connection.query(script)),
    stop: () => connection.end(),
  };
}
