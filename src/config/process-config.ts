/** dm-master.toml and dm-worker.toml (manual 8.3.2, 8.3.3) with the flags of the command line over them. */
import type { SecurityConfig } from '../model/subtask-config.js';
import { CODES } from '../errors/codes.js';
import type { ConfigNode, MapEntry, MapNode } from './config-node.js';
import { readSecurity } from './db-config.js';
import { MASTER_NOT_YET, WORKER_NOT_YET, type NotYet } from './not-yet.js';
import { Section, splitCommas } from './section.js';
import { parseTomlTree } from './toml-tree.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogConfig {
  level: LogLevel;
  /** '' = standard output. */
  file: string;
  format: 'text' | 'json';
}

export interface MasterConfig {
  name: string;
  log: LogConfig;
  /** Where the managed nats-server listens for clients: `host:port`, host may be empty. */
  masterAddr: string;
  /** What others connect to; a host is always in it. */
  advertiseAddr: string;
  peerUrls: string;
  advertisePeerUrls: string;
  /** `name=url` of each master that the cluster begins with. */
  initialCluster: { name: string; url: string }[];
  /** Addresses of a cluster to join; empty = begin one. */
  join: string[];
  dataDir: string;
  /** The user's own NATS; empty = a managed nats-server. */
  natsUrl: string[];
  /** Path or name of the nats-server binary. */
  natsServer: string;
  secretKeyPath: string;
  rpcTimeoutMs: number;
  /** Where `/metrics` is served: `host:port`, host may be empty; '' = nowhere. */
  metricsAddr: string;
  security: SecurityConfig;
}

export interface WorkerConfig {
  name: string;
  log: LogConfig;
  workerAddr: string;
  advertiseAddr: string;
  /** Addresses (`host:port`) of masters. */
  join: string[];
  /** Empty = the masters of `join`. */
  natsUrl: string[];
  /** Dump files with a relative `dir` go here. */
  dataDir: string;
  keepaliveTtlMs: number;
  relayKeepaliveTtlMs: number;
  /** Where `/metrics` is served; '' = at `worker-addr`, as long as nobody else listens there. */
  metricsAddr: string;
  secretKeyPath: string;
  security: SecurityConfig;
}

/** A key given on the command line; the position of the word stands for a column. */
export interface FlagValue {
  key: string;
  text: string;
  word: number;
}

export interface ProcessInput {
  /** Text and name of the TOML file; '' and '' without one. */
  text: string;
  fileName: string;
  flags: readonly FlagValue[];
  hostname: string;
}

const DEFAULT_PEER_URL = 'http://127.0.0.1:8291';

/** Flags win over the file. Rejects with 20002 naming file:line:column, or 60001. */
export function parseMasterConfig(input: ProcessInput): MasterConfig {
  const top = open(input, MASTER_NOT_YET);
  const name = top.string('name') || `dm-master-${input.hostname}`;
  const masterAddr = readAddress(top, 'master-addr', ':8261');
  const peerUrls = top.string('peer-urls') || DEFAULT_PEER_URL;
  const advertisePeerUrls = top.string('advertise-peer-urls') || peerUrls;
  const config: MasterConfig = {
    name,
    log: readLog(top),
    masterAddr,
    advertiseAddr: top.string('advertise-addr') || withHost(masterAddr),
    peerUrls,
    advertisePeerUrls,
    initialCluster: readInitialCluster(top, name, advertisePeerUrls),
    join: readAddresses(top, 'join'),
    dataDir: top.string('data-dir') || `default.${name}`,
    natsUrl: readAddresses(top, 'nats-url'),
    natsServer: top.string('nats-server') || 'nats-server',
    secretKeyPath: top.string('secret-key-path'),
    rpcTimeoutMs: top.duration('rpc-timeout', 30_000),
    metricsAddr: readMetricsAddress(top),
    security: readSecurity(top),
  };
  // They tune the reference system's embedded store and its RPC server, which are not here.
  top.ignore('rpc-rate-limit', 'rpc-rate-burst', 'auto-compaction-mode', 'auto-compaction-retention');
  top.ignore('quota-backend-bytes', 'max-txn-ops', 'max-request-bytes', 'v1-sources-path', 'http-addr');
  top.bool('openapi', false);
  const experimental = top.section('experimental');
  experimental?.bool('openapi', false);
  experimental?.end();
  top.end();
  return config;
}

/** As parseMasterConfig, for a worker. `join` or `nats-url` must be given. */
export function parseWorkerConfig(input: ProcessInput): WorkerConfig {
  const top = open(input, WORKER_NOT_YET);
  const workerAddr = readAddress(top, 'worker-addr', ':8262');
  const advertiseAddr = top.string('advertise-addr') || withHost(workerAddr);
  const config: WorkerConfig = {
    name: top.string('name') || advertiseAddr,
    log: readLog(top),
    workerAddr,
    advertiseAddr,
    join: readAddresses(top, 'join').map(withoutScheme),
    natsUrl: readAddresses(top, 'nats-url'),
    dataDir: top.string('data-dir') || '.',
    keepaliveTtlMs: top.int('keepalive-ttl', 60, { min: 1 }) * 1000,
    relayKeepaliveTtlMs: top.int('relay-keepalive-ttl', 1800, { min: 1 }) * 1000,
    metricsAddr: readMetricsAddress(top),
    secretKeyPath: top.string('secret-key-path'),
    security: readSecurity(top),
  };
  top.ignore('relay-dir', 'http-addr');
  // A misspelled key first: it may be the one that is missing.
  top.end();
  if (config.join.length === 0 && config.natsUrl.length === 0) {
    throw top.missing(CODES.configTomlTransform, 'join must be set: the addresses of the masters', 'join');
  }
  return config;
}

function open(input: ProcessInput, notYet: readonly NotYet[]): Section {
  const file: MapNode =
    input.text === ''
      ? {
          kind: 'map',
          place: { file: input.fileName || 'command line', line: 1, column: 1 },
          entries: new Map(),
        }
      : parseTomlTree(input.text, input.fileName);
  const entries = new Map<string, MapEntry>(file.entries);
  for (const { key, text, word } of input.flags) {
    const place = { file: 'command line', line: 1, column: word };
    const value: ConfigNode = { kind: 'scalar', place, value: flagValue(text), text, quoted: false };
    entries.set(key, { place, value });
  }
  return new Section({ ...file, entries }, { formCode: CODES.configTomlTransform, notYet });
}

function flagValue(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function readLog(top: Section): LogConfig {
  // Rotation is by size alone; the old key named an interval.
  top.ignore('log-rotate');
  return {
    level: top.oneOf('log-level', LOG_LEVELS, 'info'),
    file: top.string('log-file'),
    format: top.oneOf('log-format', ['text', 'json'], 'text'),
  };
}

function readAddress(top: Section, key: string, fallback: string): string {
  const address = withoutScheme(top.string(key) || fallback);
  const port = Number(/:(\d+)$/.exec(address)?.[1]);
  if (!(port > 0 && port < 65536)) {
    throw top.error(CODES.configTomlTransform, `${key}: expected host:port or :port, not "${address}"`, key);
  }
  return address;
}

function readMetricsAddress(top: Section): string {
  return top.string('metrics-addr') === '' ? '' : readAddress(top, 'metrics-addr', '');
}

function readAddresses(top: Section, key: string): string[] {
  return top.stringsOrCommas(key) ?? [];
}

function readInitialCluster(top: Section, name: string, url: string): { name: string; url: string }[] {
  const text = top.string('initial-cluster');
  if (text === '') return [{ name, url }];
  return splitCommas(text).map((part) => {
    const equals = part.indexOf('=');
    if (equals <= 0) {
      const message = `initial-cluster: expected name=url, name=url..., not "${part}"`;
      throw top.error(CODES.configTomlTransform, message, 'initial-cluster');
    }
    return { name: part.slice(0, equals), url: part.slice(equals + 1) };
  });
}

/** `:8261` -> `127.0.0.1:8261`: what a process can be reached at when it was told no host. */
export function withHost(address: string): string {
  return address.startsWith(':') ? `127.0.0.1${address}` : address.replace(/^0\.0\.0\.0:/, '127.0.0.1:');
}

/** `http://host:port/` -> `host:port`. */
export function withoutScheme(address: string): string {
  return address.replace(/^[a-z]+:\/\//i, '').replace(/\/+$/, '');
}
