/** The set-up of tests through the commands: an upstream, a target and a cluster, for all tests of a file. */
import { afterAll, beforeAll } from 'vitest';
import type { DatabaseServer } from '../servers/database.js';
import { startMariaDb } from '../servers/mariadb.js';
import { startCluster, type ClusterOptions, type TestCluster } from '../support/cluster.js';
import { BareClient, sourceYaml } from './support.js';

export interface OneCluster {
  readonly upstream: DatabaseServer;
  readonly target: DatabaseServer;
  readonly cluster: TestCluster;
  readonly nats: BareClient;
}

/**
 * `assign` is told before the first test: `useOneCluster({ workers: 1 }, (all) => ({ upstream, nats } = all))`.
 * With `source` the upstream is one of the cluster's sources from the beginning.
 */
export function useOneCluster(
  options: ClusterOptions & { readonly source?: string },
  assign: (all: OneCluster) => void,
): void {
  const { source, ...clusterOptions } = options;
  const started: { stop(): Promise<void> }[] = [];
  let nats: BareClient | undefined;
  const kept = async <T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const one = await starting;
    started.push(one);
    return one;
  };
  beforeAll(async () => {
    const [upstream, target, cluster] = await Promise.all([
      kept(startMariaDb()),
      kept(startMariaDb({ binlog: 'off' })),
      kept(startCluster(clusterOptions)),
    ]);
    nats = await BareClient.connect(cluster);
    if (source !== undefined) {
      const config = [sourceYaml(source, upstream, { gtid: true })];
      await nats.must('operate-source', { op: 'create', config });
    }
    assign({ upstream, target, cluster, nats });
  });
  afterAll(async () => {
    await nats?.[Symbol.asyncDispose]();
    await Promise.all(started.map((one) => one.stop()));
  });
}
