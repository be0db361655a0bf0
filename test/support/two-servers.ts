/** The set-up that files of tests share: a source and a target of their own, started once and stopped at the end. */
import { afterAll, beforeAll } from 'vitest';
import type { DatabaseServer } from '../servers/database.js';
import { startMariaDb } from '../servers/mariadb.js';

export interface TwoServers {
  readonly source: DatabaseServer;
  readonly target: DatabaseServer;
}

/**
 * For the tests of the file, or of the `describe` that it is called in. `assign` is told before the first of them:
 * `useTwoServers((servers) => ({ source, target } = servers))`.
 */
export function useTwoServers(
  assign: (servers: TwoServers) => void,
  start: () => Promise<[DatabaseServer, DatabaseServer]> = () =>
    Promise.all([startMariaDb(), startMariaDb()]),
): void {
  let started: DatabaseServer[] = [];
  beforeAll(async () => {
    const [source, target] = await start();
    started = [source, target];
    assign({ source, target });
  });
  afterAll(async () => {
    await Promise.all(started.map((server) => server.stop()));
  });
}
