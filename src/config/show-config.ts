/** Configurations as `get-config` prints them, and as they are kept. */
import { isMap, isScalar, parseDocument, stringify, type Document } from 'yaml';
import type { DbConfig, SecurityConfig } from '../model/subtask-config.js';
import { MASKED } from './secret.js';
import type { SourceConfig } from './source-config.js';

/**
 * The YAML of a source: the four parts that the manual shows, then what differs from the defaults.
 * `parseSourceConfig` of it gives the same configuration. Kept like this, with what was found out
 * (the flavor) filled in.
 */
export function formatSourceConfig(config: SourceConfig, options: { mask?: boolean } = {}): string {
  const { from, purge, checker } = config;
  const value: Record<string, unknown> = { 'enable-gtid': config.enableGtid };
  if (config.flavor !== '') value['flavor'] = config.flavor;
  value['source-id'] = config.sourceId;
  value['from'] = dbValue(from, options.mask ?? false);
  if (config.serverId !== 0) value['server-id'] = config.serverId;
  if (config.charset !== '') value['charset'] = config.charset;
  if (config.enableRelay) value['enable-relay'] = true;
  if (config.relayBinlogName !== '') value['relay-binlog-name'] = config.relayBinlogName;
  if (config.relayBinlogGtid !== '') value['relay-binlog-gtid'] = config.relayBinlogGtid;
  if (config.relayDir !== 'relay-dir') value['relay-dir'] = config.relayDir;
  if (purge.intervalSeconds !== 3600 || purge.expiresHours !== 0 || purge.remainSpaceGb !== 15) {
    value['purge'] = {
      interval: purge.intervalSeconds,
      expires: purge.expiresHours,
      'remain-space': purge.remainSpaceGb,
    };
  }
  const checkerValue = checkerDifferences(checker);
  if (Object.keys(checkerValue).length > 0) value['checker'] = checkerValue;
  if (config.caseSensitive) value['case-sensitive'] = true;
  if (config.filters.length > 0) {
    value['filters'] = config.filters.map((rule) => ({
      'schema-pattern': rule.schemaPattern,
      'table-pattern': rule.tablePattern,
      events: rule.events,
      'sql-pattern': rule.sqlPattern,
      action: rule.action,
    }));
  }
  return stringify(value, { singleQuote: true, lineWidth: 0 });
}

function checkerDifferences(checker: SourceConfig['checker']): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  const duration = (key: string, ms: number, usual: number) => {
    if (ms !== usual) value[key] = `${ms}ms`;
  };
  if (!checker.checkEnable) value['check-enable'] = false;
  duration('backoff-rollback', checker.backoffRollbackMs, 300_000);
  duration('backoff-max', checker.backoffMaxMs, 300_000);
  duration('backoff-min', checker.backoffMinMs, 1000);
  duration('check-interval', checker.checkIntervalMs, 5000);
  if (!checker.backoffJitter) value['backoff-jitter'] = false;
  if (checker.backoffFactor !== 2) value['backoff-factor'] = checker.backoffFactor;
  return value;
}

function dbValue(db: DbConfig, mask: boolean): Record<string, unknown> {
  const value: Record<string, unknown> = {
    host: db.host,
    port: db.port,
    user: db.user,
    password: mask ? MASKED : db.password,
  };
  if (db.maxAllowedPacket !== 0) value['max-allowed-packet'] = db.maxAllowedPacket;
  if (Object.keys(db.session).length > 0) value['session'] = db.session;
  if (db.security) value['security'] = securityValue(db.security, mask);
  return value;
}

function securityValue(security: SecurityConfig, mask: boolean): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  const put = (key: string, text: unknown) => {
    if (text !== undefined) value[key] = text;
  };
  put('ssl-ca', security.sslCa);
  put('ssl-cert', security.sslCert);
  put('ssl-key', security.sslKey);
  put('cert-allowed-cn', security.certAllowedCn);
  put('ssl-ca-base64', security.sslCaBase64);
  put('ssl-cert-base64', security.sslCertBase64);
  put('ssl-key-base64', mask && security.sslKeyBase64 !== undefined ? MASKED : security.sslKeyBase64);
  return value;
}

/** A task file as it was written, comments and all, with the target's secrets masked. */
export function maskTaskText(text: string): string {
  const doc: Document = parseDocument(text);
  const target = doc.get('target-database', true);
  if (isMap(target)) {
    const password = target.get('password', true);
    if (isScalar(password)) password.value = MASKED;
    const security = target.get('security', true);
    const key = isMap(security) ? security.get('ssl-key-base64', true) : undefined;
    if (isScalar(key)) key.value = MASKED;
  }
  return doc.toString({ lineWidth: 0 });
}
