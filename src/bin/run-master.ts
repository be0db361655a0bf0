/** The master role of a process: NATS (its own child, or the user's) and the supervisor. */
import { asDmUnavailable } from '../../actors/unavailable.js';
import { createMaster } from '../../actors/run-processes.js';
import { probeSource } from '../check/probe-source.js';
import { runChecks } from '../check/run-checks.js';
import type { MasterConfig } from '../config/process-config.js';
import { loadSecrets } from '../config/secret.js';
import { formatMasterConfig } from '../config/show-process.js';
import { connectBus } from '../nats/connect.js';
import { replicasOn, requireJetStream } from '../nats/external-server.js';
import { ensureInspectStream } from '../nats/inspect-stream.js';
import { ManagedNatsServer, replicasFor } from '../nats/managed-server.js';
import { serveMetricsIfFree } from '../http/metrics-server.js';
import { masterMetrics } from '../metrics/master-metrics.js';
import { atMost } from '../runtime/at-most.js';
import { peersOf, type Peer } from './join-cluster.js';
import { aborted, natsTls, untilAvailable, type Shell } from './process-shell.js';

const CLUSTER_NAME = 'dm';
/**
 * How soon another master leads after the death of the leader: at most 1.25 of it and one attempt. Renewed every
 * third of it: on a busy machine that stalls for a second or two the leader goes on leading.
 */
const LEADER_LEASE_MS = 5_000;

/** Runs until `shell.stopping`, then gives the lead back and ends NATS. */
export async function runMaster(config: MasterConfig, shell: Shell): Promise<void> {
  const { ports, stopping } = shell;
  const external = config.natsUrl.length > 0;
  const peers = external ? config.initialCluster : await peersOf(config, shell);
  const server = external ? null : await startServer(config, peers, shell);
  try {
    const bus = await untilAvailable(shell, 'NATS', () =>
      connectBus({
        servers: server ? [server.url] : config.natsUrl,
        name: config.name,
        tls: natsTls(config.security),
        ...ports,
        signal: stopping,
      }).catch((error: unknown) => {
        throw asDmUnavailable(error);
      }),
    );
    try {
      if (external) await requireJetStream(bus, ports.clock, stopping);
      const replicas = external ? replicasOn(bus, config.natsUrl) : replicasFor(peers.length);
      const kvStore = bus.kvStore({ replicas, mayGrow: !external && bus.clustered });
      const secrets = loadSecrets(config.secretKeyPath);
      const { node, store } = await untilAvailable(shell, 'a majority of the masters', async () => {
        const opened = await createMaster(
          { ports, bus, kvStore },
          {
            name: config.name,
            addr: config.advertiseAddr,
            peerUrls: config.advertisePeerUrls.split(','),
            config: formatMasterConfig(config),
            rpcTimeoutMs: config.rpcTimeoutMs,
            leaseMs: LEADER_LEASE_MS,
            handlers: {
              secrets,
              check: (subtask, anew) => runChecks(subtask, { anew }),
              probeSource: (from) => probeSource({ from }),
            },
          },
        );
        await ensureInspectStream(bus, { clock: ports.clock, replicas }).catch((error: unknown) => {
          throw asDmUnavailable(error);
        });
        return opened;
      });
      const metrics = await serveMetricsIfFree({
        addr: config.metricsAddr,
        fallback: '',
        log: ports.log.child({ component: 'metrics' }),
        collect: () => Promise.resolve(masterMetrics(config.name, node.leading)),
      });
      const running = node.run();
      await Promise.race([running, aborted(stopping)]);
      await metrics?.close();
      // A NATS that is away cannot be told anything: then there is no reason to wait for it.
      if (!(await atMost(ports.clock, bus.connected ? 5_000 : 500, node.stop()))) {
        ports.log.warn('the lead could not be given back: another master takes it when it expires');
      }
      await atMost(ports.clock, bus.connected ? 2_000 : 500, store.close());
    } finally {
      await atMost(ports.clock, 2_000, bus.close());
    }
  } finally {
    await server?.stop();
  }
}

async function startServer(
  config: MasterConfig,
  peers: readonly Peer[],
  shell: Shell,
): Promise<ManagedNatsServer> {
  return ManagedNatsServer.start({
    // The bare name stands for the one on PATH.
    ...(config.natsServer === 'nats-server' ? {} : { binary: config.natsServer }),
    clientListen: config.masterAddr,
    ...(peers.length > 1
      ? {
          clusterListen: config.peerUrls.split(',')[0],
          routes: peers.map(({ url }) => url),
        }
      : {}),
    serverName: config.name,
    clusterName: CLUSTER_NAME,
    dataDir: config.dataDir,
    log: shell.ports.log,
    clock: shell.ports.clock,
  });
}
