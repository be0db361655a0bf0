/** Servers for benchmarks: larger than those of the tests, the same for us and for the peers. */
import type { DatabaseServer } from '../../test/servers/database.js';
import { startMariaDb } from '../../test/servers/mariadb.js';

const LARGE = { redoLogMb: 1024, settings: ['innodb-buffer-pool-size=256M'] };

export function startSource(settings: readonly string[] = []): Promise<DatabaseServer> {
  return startMariaDb({ ...LARGE, settings: [...LARGE.settings, ...settings] });
}

/** Without a binlog of its own. */
export function startTarget(): Promise<DatabaseServer> {
  return startMariaDb({ ...LARGE, binlog: 'off' });
}
