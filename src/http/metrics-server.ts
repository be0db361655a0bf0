/** `/metrics` over HTTP, in Prometheus' text format. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { Log } from '../runtime/ports.js';

export interface MetricsServerOptions {
  /** `host:port`; without a host on all addresses. */
  readonly addr: string;
  readonly log: Log;
  /** What is told beside the figures of the process itself; made for each scrape. */
  readonly collect: () => Promise<Registry>;
}

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Rejects with 60210 where the address cannot be listened on. */
export async function serveMetrics(options: MetricsServerOptions): Promise<MetricsServer> {
  const { addr, log, collect } = options;
  const own = new Registry();
  collectDefaultMetrics({ register: own });
  const answer = async (response: ServerResponse): Promise<void> => {
    const registry = Registry.merge([own, await collect()]);
    response.writeHead(200, { 'content-type': registry.contentType });
    response.end(await registry.metrics());
  };
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace(/\?.*$/, '');
    if (path !== '/metrics' || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(path === '/metrics' ? 405 : 404, { 'content-type': 'text/plain' });
      response.end('there is only GET /metrics\n');
      return;
    }
    answer(response).catch((error: unknown) => {
      log.warn('metrics could not be told', { error: String(error) });
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
      response.end('metrics could not be told\n');
    });
  });
  const colon = addr.lastIndexOf(':');
  const host = addr.slice(0, colon).replace(/^\[|\]$/g, '');
  await new Promise<void>((resolve, reject) => {
    const failed = (cause: Error): void =>
      reject(new DmError(CODES.metricsAddress, `cannot serve metrics at ${addr}`, { cause }));
    server.once('error', failed);
    server.listen({ port: Number(addr.slice(colon + 1)), ...(host === '' ? {} : { host }) }, () => {
      server.off('error', failed);
      resolve();
    });
  });
  server.on('error', (error) => log.warn('the server of the metrics', { error: String(error) }));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * As `serveMetrics`, at `fallback` where no address is configured; there somebody else may listen, and the
 * process goes on without metrics. Null where none are served.
 */
export async function serveMetricsIfFree(
  options: MetricsServerOptions & { readonly fallback: string },
): Promise<MetricsServer | null> {
  const { addr, fallback, log } = options;
  if (addr !== '') return serveMetrics(options);
  if (fallback === '') return null;
  try {
    return await serveMetrics({ ...options, addr: fallback });
  } catch (error) {
    log.warn('metrics are not served', { error: String(error) });
    return null;
  }
}
