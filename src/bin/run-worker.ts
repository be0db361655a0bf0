/** The worker role of a process: joins the masters' NATS and runs the source that it is given. */
import { createWorker } from '../../actors/run-processes.js';
import { ThreadRunner } from '../../actors/thread-runner.js';
import { asDmUnavailable } from '../../actors/unavailable.js';
import type { WorkerConfig } from '../config/process-config.js';
import { loadSecrets } from '../config/secret.js';
import { formatWorkerConfig } from '../config/show-process.js';
import { connectBus } from '../nats/connect.js';
import { requireJetStream } from '../nats/external-server.js';
import { serveMetricsIfFree } from '../http/metrics-server.js';
import { subtaskMetrics } from '../metrics/subtask-metrics.js';
import { atMost } from '../runtime/at-most.js';
import { aborted, natsTls, untilAvailable, type Shell } from './process-shell.js';

/** How long a scrape waits for the threads. */
const STATUS_MS = 2_000;

/** Runs until `shell.stopping`, then hands its source over. Rejects with 60205 when its name is taken. */
export async function runWorker(config: WorkerConfig, shell: Shell): Promise<void> {
  const { ports, stopping } = shell;
  const servers = config.natsUrl.length > 0 ? config.natsUrl : config.join;
  const bus = await untilAvailable(shell, 'the masters', () =>
    connectBus({
      servers,
      name: config.name,
      tls: natsTls(config.security),
      ...ports,
      signal: stopping,
    }).catch((error: unknown) => {
      throw asDmUnavailable(error);
    }),
  );
  try {
    if (config.natsUrl.length > 0) await requireJetStream(bus, ports.clock, stopping);
    const { node, store } = await untilAvailable(shell, 'the masters', () =>
      createWorker(
        { ports, bus, kvStore: bus.kvStore() },
        {
          name: config.name,
          addr: config.advertiseAddr,
          config: formatWorkerConfig(config),
          keepaliveTtlMs: config.keepaliveTtlMs,
          dataDir: config.dataDir,
          log: config.log,
          secrets: loadSecrets(config.secretKeyPath),
          runner: new ThreadRunner({
            clock: ports.clock,
            log: ports.log,
            entry: new URL('../subtask/thread.js', import.meta.url),
          }),
        },
      ),
    );
    const metrics = await serveMetricsIfFree({
      addr: config.metricsAddr,
      fallback: config.workerAddr,
      log: ports.log.child({ component: 'metrics' }),
      collect: async () => subtaskMetrics(await node.measured(STATUS_MS)),
    });
    try {
      await Promise.race([node.run(), aborted(stopping)]);
      await node.drain();
    } catch (error) {
      await node.stop();
      throw error;
    } finally {
      await metrics?.close();
      await atMost(ports.clock, bus.connected ? 2_000 : 500, store.close());
    }
  } finally {
    await atMost(ports.clock, 2_000, bus.close());
  }
}
