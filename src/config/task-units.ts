/** The `mydumpers`, `loaders`, `syncers` and `validators` configurations of a task file. */
import type { DumpConfig, LoadConfig, SyncConfig } from '../model/subtask-config.js';
import { CODES } from '../errors/codes.js';
import { parseExtraArgs } from './extra-args.js';
import type { Section } from './section.js';
import { parseDuration, parseSize } from './units.js';

const MIB = 1024 * 1024;
/** What is read comes in pieces of this order: a lower limit would be one of seconds for each piece. */
const LEAST_BYTES_PER_SECOND = 1024;

export function defaultDump(): DumpConfig {
  return {
    threads: 4,
    chunkFilesize: 64 * MIB,
    rows: 200_000,
    statementSize: 1_000_000,
    consistency: 'auto',
    skipTzUtc: true,
    maxBytesPerSecond: 0,
    sourceLatencyBudgetMs: 0,
  };
}

export function defaultLoad(): LoadConfig {
  return { poolSize: 16, dir: './dumped_data', importMode: 'logical', onDuplicate: 'replace' };
}

export function defaultSync(): SyncConfig {
  return {
    workerCount: 16,
    batch: 100,
    queueSize: 1024,
    checkpointFlushIntervalMs: 30_000,
    compact: false,
    multipleRows: false,
    maxRetry: 0,
    safeMode: false,
    safeModeDurationMs: 60_000,
    enableAnsiQuotes: false,
    disableDetect: false,
    onTableError: 'stop',
    isolateMaxBytes: 1024 * MIB,
    maxRowsPerSecond: 0,
    maxBytesPerSecond: 0,
    targetLatencyBudgetMs: 0,
  };
}

export function readDump(section: Section): DumpConfig {
  const config = defaultDump();
  section.ignore('mydumper-path');
  config.threads = section.int('threads', config.threads, { min: 1, max: 1024 });
  const filesize = section.optionalString('chunk-filesize');
  if (filesize !== undefined) {
    const bytes = parseSize(filesize, MIB);
    if (bytes === null || bytes === 0) {
      throw section.error(
        CODES.configInvalidChunkFileSize,
        `invalid \`chunk-filesize\` ${filesize}: expected a number of MiB or a size such as 64MiB`,
        'chunk-filesize',
      );
    }
    config.chunkFilesize = bytes;
  }
  config.statementSize = section.int('statement-size', config.statementSize, { min: 1 });
  config.rows = section.int('rows', config.rows);
  config.skipTzUtc = section.bool('skip-tz-utc', config.skipTzUtc);
  config.maxBytesPerSecond = readBytesPerSecond(section, 'max-bytes-per-second');
  config.sourceLatencyBudgetMs = readBudget(section, 'source-latency-budget');
  const where = section.string('where');
  if (where !== '') config.where = where;
  const extra = parseExtraArgs(section.string('extra-args'));
  section.end();
  if ('problem' in extra) {
    throw section.error(CODES.configYamlTransform, `extra-args: ${extra.problem}`, 'extra-args');
  }
  return { ...config, ...extra };
}

export function readLoad(section: Section): LoadConfig {
  const config = defaultLoad();
  config.poolSize = section.int('pool-size', config.poolSize, { min: 1, max: 1024 });
  config.dir = section.string('dir', config.dir);
  if (/^[a-z0-9]+:\/\//i.test(config.dir)) {
    throw section.error(
      CODES.notSupportedYet,
      `dir "${config.dir}" is not supported yet: use a local path`,
      'dir',
    );
  }
  const mode = section.oneOf(
    'import-mode',
    ['logical', 'physical', 'sql', 'loader'],
    'logical',
    CODES.configInvalidLoadMode,
    `invalid load mode '${section.string('import-mode')}'`,
  );
  config.importMode = mode === 'physical' ? 'physical' : 'logical';
  const ways = ['replace', 'error', 'ignore'] as const;
  for (const key of ['on-duplicate', 'on-duplicate-logical']) {
    const text = section.string(key);
    if (text === '') continue;
    const message = `invalid load on-duplicate-logical option '${text}'`;
    config.onDuplicate = section.oneOf(key, ways, 'replace', CODES.configInvalidDuplicateResolution, message);
  }
  // They only steer the physical import, which `import-mode` refuses.
  section.ignore(
    'on-duplicate-physical',
    'sorting-dir-physical',
    'disk-quota-physical',
    'checksum-physical',
    'analyze',
    'range-concurrency',
    'compress-kv-pairs',
    'pd-addr',
    'security',
  );
  section.end();
  return config;
}

export function readSync(section: Section): SyncConfig {
  const config = defaultSync();
  section.ignore('meta-file', 'auto-fix-gtid', 'enable-gtid');
  config.workerCount = section.int('worker-count', config.workerCount, { min: 1, max: 1024 });
  config.batch = section.int('batch', config.batch, { min: 1, max: 100_000 });
  config.queueSize = section.int('queue-size', config.queueSize, { min: 1 });
  config.checkpointFlushIntervalMs =
    section.int('checkpoint-flush-interval', config.checkpointFlushIntervalMs / 1000, { min: 1 }) * 1000;
  config.compact = section.bool('compact', false);
  config.multipleRows = section.bool('multiple-rows', false);
  config.maxRetry = section.int('max-retry', config.maxRetry);
  config.safeMode = section.bool('safe-mode', false);
  config.enableAnsiQuotes = section.bool('enable-ansi-quotes', false);
  config.disableDetect = section.bool('disable-detect', false);
  config.onTableError = section.oneOf('on-table-error', ['stop', 'isolate'], config.onTableError);
  config.isolateMaxBytes = readBytes(section, 'isolate-max-bytes', config.isolateMaxBytes);
  config.maxRowsPerSecond = section.int('max-rows-per-second', config.maxRowsPerSecond);
  config.maxBytesPerSecond = readBytesPerSecond(section, 'max-bytes-per-second');
  config.targetLatencyBudgetMs = readBudget(section, 'target-latency-budget');
  const duration = section.string('safe-mode-duration');
  config.safeModeDurationMs = 2 * config.checkpointFlushIntervalMs;
  if (duration !== '') {
    const ms = parseDuration(duration);
    if (ms === null || ms < 0) {
      const message = `safe-mode-duration config '${duration}' parsing failed: expected a duration such as 60s`;
      throw section.error(CODES.configInvalidSafeModeDuration, message, 'safe-mode-duration');
    }
    config.safeModeDurationMs = ms;
  }
  section.end();
  if (config.safeMode && config.safeModeDurationMs === 0) {
    throw section.error(
      CODES.configSafeModeConflict,
      'safe-mode(true) conflicts with safe-mode-duration(0s)',
      'safe-mode-duration',
    );
  }
  return config;
}

function readBytes(section: Section, key: string, otherwise: number): number {
  const text = section.optionalString(key);
  if (text === undefined) return otherwise;
  const bytes = parseSize(text, 1);
  if (bytes === null || bytes === 0) {
    const message = `invalid \`${key}\` ${text}: expected a number of bytes or a size such as 1GiB`;
    throw section.error(CODES.configYamlTransform, message, key);
  }
  return bytes;
}

/** 0 = no limit. */
function readBytesPerSecond(section: Section, key: string): number {
  const text = section.optionalString(key);
  if (text === undefined) return 0;
  const bytes = parseSize(text.replace(/\/s$/i, ''), 1);
  if (bytes === null || (bytes > 0 && bytes < LEAST_BYTES_PER_SECOND)) {
    const message =
      `invalid \`${key}\` ${text}: expected 0 (no limit), or a number of bytes of at least ` +
      `${LEAST_BYTES_PER_SECOND} or a size such as 16MiB`;
    throw section.error(CODES.configYamlTransform, message, key);
  }
  return bytes;
}

/** A time within which a server is to answer; 0 = none. */
function readBudget(section: Section, key: string): number {
  const text = section.optionalString(key);
  if (text === undefined) return 0;
  const ms = parseDuration(text);
  if (ms === null || ms < 0 || (ms > 0 && ms < 1)) {
    const message = `invalid \`${key}\` ${text}: expected 0 (no budget), or a duration of at least 1ms such as 50ms`;
    throw section.error(CODES.configYamlTransform, message, key);
  }
  return ms;
}

/** Known in full so that a wrong key is told; `mode` itself is refused by the table of not-yet keys. */
export function readValidator(section: Section): void {
  section.oneOf('mode', ['none', 'fast', 'full'], 'none');
  section.int('worker-count', 4, { min: 1 });
  section.duration('validate-interval', 10_000);
  section.duration('check-interval', 5000);
  section.duration('row-error-delay', 1_800_000);
  section.duration('meta-flush-interval', 300_000);
  section.int('batch-query-size', 100, { min: 1 });
  section.string('max-pending-row-size');
  section.int('max-pending-row-count', 0x7fffffff);
  section.ignore('start-time');
  section.end();
}
