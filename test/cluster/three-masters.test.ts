/** Three dm-masters with their own nats-servers as one cluster: the death of the leading one is survived. */
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMariaDb } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { startCluster, type DmProcess, type TestCluster } from '../support/cluster.js';
import { waitFor } from '../support/wait-for.js';

let upstream: DatabaseServer;
let target: DatabaseServer;

beforeAll(async () => {
  [upstream, target] = await Promise.all([startMariaDb(), startMariaDb()]);
});
afterAll(async () => {
  await Promise.all([upstream?.stop(), target?.stop()]);
});

function endpoint({ host, port, user, password }: DatabaseServer): string {
  return [`  host: ${host}`, `  port: ${port}`, `  user: ${user}`, `  password: "${password}"`].join('\n');
}

const sourceYaml = (): string => `source-id: one\nenable-gtid: true\nfrom:\n${endpoint(upstream)}\n`;

const taskYaml = (): string => `name: copy
task-mode: all
target-database:
${endpoint(target)}
mysql-instances:
  - source-id: one
    block-allow-list: own
block-allow-list:
  own:
    do-dbs: ["shop"]
`;

interface Members {
  readonly leader: string;
  /** Whether it is alive, by master. */
  readonly masters: Record<string, boolean>;
}

/** What list-member says when it is asked at these addresses only. */
async function members(cluster: TestCluster, addresses: string): Promise<Members | null> {
  const { json } = await cluster.dmctl(['list-member', '--master', '--leader'], { masterAddr: addresses });
  if (json?.result !== true) return null;
  const found: Members = { leader: '', masters: {} };
  for (const part of json.members) {
    if (part.leader) Object.assign(found, { leader: part.leader.name });
    for (const one of part.master?.masters ?? []) found.masters[one.name] = one.alive;
  }
  return found;
}

/** What they say once each of the three has joined: one that starts slowly comes in while the task already runs. */
async function allThree(cluster: TestCluster): Promise<Members> {
  let seen: Members | null = null;
  await waitFor(
    async () => {
      seen = await members(cluster, cluster.masterAddr);
      return Object.values(seen?.masters ?? {}).filter((alive) => alive).length === 3;
    },
    {
      what: 'three living masters',
      details: () => `${JSON.stringify(seen)}\n${cluster.describe()}`,
    },
  );
  return seen!;
}

async function untilRows(count: number, cluster: TestCluster): Promise<void> {
  let found: unknown;
  await waitFor(
    async () => {
      found = await target.query('SELECT COUNT(*) AS n FROM shop.t').catch((error: unknown) => String(error));
      return Number((found as { n: unknown }[])[0]?.n) === count;
    },
    {
      what: `${count} rows on the target`,
      details: () => `${JSON.stringify(found)}\n${cluster.describe()}`,
    },
  );
}

function others(cluster: TestCluster, one: DmProcess): DmProcess[] {
  return cluster.masters.filter((master) => master !== one);
}

describe('three masters', () => {
  it('lose the leading one, go on with another, and take it back', async () => {
    await upstream.query('CREATE DATABASE shop');
    await upstream.query('CREATE TABLE shop.t (id INT PRIMARY KEY, v VARCHAR(20))');
    await upstream.query("INSERT INTO shop.t VALUES (1,'a'),(2,'b')");
    await using cluster = await startCluster({ masters: 3, workers: 2, keepaliveTtl: 5 });
    await cluster.must(['operate-source', 'create', await cluster.file('one.yaml', sourceYaml())]);
    await cluster.must(['start-task', await cluster.file('task.yaml', taskYaml())]);
    await untilRows(2, cluster);
    const before = await allThree(cluster);
    const killed = cluster.masters.find((master) => master.name === before.leader)!;
    const living = others(cluster, killed);
    const dead: Record<string, boolean> = { master1: true, master2: true, master3: true };
    dead[killed.name] = false;
    const began = performance.now();
    await killed.signal('SIGKILL');
    await upstream.query("INSERT INTO shop.t VALUES (3,'c')");
    let seen: Members | null = null;
    await waitFor(
      async () => {
        seen = await members(cluster, living[0]!.addr);
        return (
          seen !== null && ![killed.name, ''].includes(seen.leader) && isDeepStrictEqual(seen.masters, dead)
        );
      },
      {
        what: 'another master to lead and to know of the death',
        details: () => `${JSON.stringify(seen)}\n${cluster.describe()}`,
      },
    );
    expect(performance.now() - began).toBeLessThan(60_000);
    await untilRows(3, cluster);

    // Through each living master alone, the leader or not, and through a list that begins with the dead one.
    for (const addresses of [
      ...living.map(({ addr }) => addr),
      [killed, ...living].map((m) => m.addr).join(),
    ]) {
      // The masters' nats-servers may have been without a leader for longer than the worker's lease: it moves then.
      let said = '';
      await waitFor(
        async () => {
          const answer = await cluster.dmctl(['query-status', 'copy'], { masterAddr: addresses });
          said = answer.describe();
          return answer.json.sources?.[0]?.subTaskStatus?.[0]?.stage === 'Running';
        },
        {
          what: `the task to run, as told at ${addresses}`,
          details: () => `${said}\n${cluster.describe()}`,
        },
      );
    }
    await cluster.must(['pause-task', 'copy']);
    await upstream.query("INSERT INTO shop.t VALUES (4,'d')");
    await cluster.must(['resume-task', 'copy']);
    await untilRows(4, cluster);

    await killed.restart();
    await waitFor(async () => (seen = await members(cluster, killed.addr))?.masters[killed.name] === true, {
      what: 'the killed master to be back',
      details: () => `${JSON.stringify(seen)}\n${cluster.describe()}`,
    });
    // Now one of the others may go: the one that came back counts again.
    await living[0]!.stop();
    await upstream.query("INSERT INTO shop.t VALUES (5,'e')");
    await untilRows(5, cluster);
    await waitFor(
      async () => (seen = await members(cluster, killed.addr))?.masters[living[0]!.name] === false,
      {
        what: 'the master that was stopped to be offline',
        details: () => `${JSON.stringify(seen)}\n${cluster.describe()}`,
      },
    );
  });
});
