/** The configuration of a process as TOML, as `get-config master|worker` prints it. */
import { stringify } from 'smol-toml';
import type { SecurityConfig } from '../model/subtask-config.js';
import type { LogConfig, MasterConfig, WorkerConfig } from './process-config.js';
import { MASKED } from './secret.js';
import { formatDuration } from './units.js';

/** `parseMasterConfig` of it gives the same, but for passwords inside of `nats-url`. */
export function formatMasterConfig(config: MasterConfig): string {
  return stringify({
    name: config.name,
    ...logKeys(config.log),
    'master-addr': config.masterAddr,
    'advertise-addr': config.advertiseAddr,
    'peer-urls': config.peerUrls,
    'advertise-peer-urls': config.advertisePeerUrls,
    'initial-cluster': config.initialCluster.map(({ name, url }) => `${name}=${url}`).join(','),
    join: config.join.join(','),
    'data-dir': config.dataDir,
    'nats-url': config.natsUrl.map(withoutPassword),
    'nats-server': config.natsServer,
    'rpc-timeout': formatDuration(config.rpcTimeoutMs),
    'metrics-addr': config.metricsAddr,
    ...commonKeys(config.secretKeyPath, config.security),
  });
}

/** `parseWorkerConfig` of it gives the same, but for passwords inside of `nats-url`. */
export function formatWorkerConfig(config: WorkerConfig): string {
  return stringify({
    name: config.name,
    ...logKeys(config.log),
    'worker-addr': config.workerAddr,
    'advertise-addr': config.advertiseAddr,
    join: config.join.join(','),
    'nats-url': config.natsUrl.map(withoutPassword),
    'data-dir': config.dataDir,
    'keepalive-ttl': config.keepaliveTtlMs / 1000,
    'relay-keepalive-ttl': config.relayKeepaliveTtlMs / 1000,
    'metrics-addr': config.metricsAddr,
    ...commonKeys(config.secretKeyPath, config.security),
  });
}

function logKeys(log: LogConfig): Record<string, string> {
  return { 'log-level': log.level, 'log-file': log.file, 'log-format': log.format };
}

function commonKeys(secretKeyPath: string, security: SecurityConfig): Record<string, string | string[]> {
  return {
    'secret-key-path': secretKeyPath,
    'ssl-ca': security.sslCa ?? '',
    'ssl-cert': security.sslCert ?? '',
    'ssl-key': security.sslKey ?? '',
    'cert-allowed-cn': security.certAllowedCn ?? [],
  };
}

/** `nats://user:password@host` -> `nats://user:*****@host`; a lone token is hidden whole. */
function withoutPassword(url: string): string {
  return url.replace(/^((?:[a-z]+:\/\/)?)([^@/]*)@/i, (_all, scheme: string, login: string) => {
    const colon = login.indexOf(':');
    return `${scheme}${colon < 0 ? MASKED : `${login.slice(0, colon)}:${MASKED}`}@`;
  });
}
