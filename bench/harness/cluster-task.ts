/** One source and one task on a real cluster, for benchmarks that measure whole processes. */
import type { DatabaseServer } from '../../test/servers/database.js';
import type { TestCluster } from '../../test/support/cluster.js';
import { allReplicating, awaitStates } from '../../test/support/task-status.js';
import type { Place } from './replication.js';

const login = ({ host, port, user, password }: DatabaseServer): string =>
  `{ host: "${host}", port: ${port}, user: "${user}", password: "${password}" }`;

export async function addSource(cluster: TestCluster, source: DatabaseServer): Promise<void> {
  const text = `source-id: s1\nenable-gtid: true\nfrom: ${login(source)}\n`;
  await cluster.must(['operate-source', 'create', await cluster.file('source.yaml', text)]);
}

/** Starts a task over one schema; with a place it is incremental from there. */
export async function startTask(
  cluster: TestCluster,
  target: DatabaseServer,
  how: { readonly name: string; readonly schema: string; readonly from?: Place },
): Promise<void> {
  const meta = how.from
    ? `, meta: { binlog-name: "${how.from.name}", binlog-pos: ${how.from.pos}, binlog-gtid: "${how.from.gtid}" }`
    : '';
  const text = `name: ${how.name}
task-mode: ${how.from ? 'incremental' : 'all'}
target-database: ${login(target)}
mysql-instances: [{ source-id: s1, block-allow-list: own${meta} }]
block-allow-list: { own: { do-dbs: ["${how.schema}"] } }
`;
  await cluster.must(['start-task', await cluster.file(`${how.name}.yaml`, text)]);
}

/** Until the copy is over and the task follows the binlog. */
export async function untilReplicating(cluster: TestCluster, name: string, timeoutMs: number): Promise<void> {
  await awaitStates(cluster, name, (states) => allReplicating(states, 1), {
    what: 'the task to replicate',
    timeoutMs,
    intervalMs: 1_000,
  });
}
