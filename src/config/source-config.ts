import type { DbConfig, EventFilterRule } from '../model/subtask-config.js';
import type { Flavor } from '../model/stage.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { readDbConfig } from './db-config.js';
import { readEventFilter } from './filter-rule.js';
import { SOURCE_NOT_YET } from './not-yet.js';
import { Section } from './section.js';
import { parseYamlTree } from './yaml-tree.js';

/** A source file (manual 8.3.4), defaults filled in as DM does, the password as typed. */
export interface SourceConfig {
  sourceId: string;
  /** '' = to be asked of the server. */
  flavor: Flavor | '';
  enableGtid: boolean;
  /** 0 = chosen by the tool. */
  serverId: number;
  charset: string;
  from: DbConfig;
  enableRelay: boolean;
  relayBinlogName: string;
  relayBinlogGtid: string;
  relayDir: string;
  purge: { intervalSeconds: number; expiresHours: number; remainSpaceGb: number };
  checker: {
    checkEnable: boolean;
    backoffRollbackMs: number;
    backoffMaxMs: number;
    backoffMinMs: number;
    checkIntervalMs: number;
    backoffJitter: boolean;
    backoffFactor: number;
  };
  caseSensitive: boolean;
  filters: EventFilterRule[];
}

/** The checkpoint table's `id` column is this wide. */
const MAX_SOURCE_ID_BYTES = 32;

/** Rejects with a config error (20xxx, or 60001 for what is not supported yet) naming file:line:column. */
export function parseSourceConfig(text: string, fileName: string): SourceConfig {
  const top = new Section(parseYamlTree(text, fileName), {
    formCode: CODES.configYamlTransform,
    notYet: SOURCE_NOT_YET,
  });
  const sourceId = readSourceId(top);
  const flavor = top.oneOf('flavor', ['', 'mysql', 'mariadb'], '');
  const enableGtid = top.bool('enable-gtid', false);
  const serverId = top.int('server-id', 0, { max: 0xffffffff });
  const charset = top.string('charset');
  const enableRelay = top.bool('enable-relay', false);
  const relayBinlogName = top.string('relay-binlog-name');
  const relayBinlogGtid = top.string('relay-binlog-gtid');
  const relayDir = top.string('relay-dir', 'relay-dir');
  const caseSensitive = top.bool('case-sensitive', false);
  const filters = top.items('filters').map(readEventFilter);
  top.ignore('auto-fix-gtid', 'meta-dir', 'tracer');
  const purge = readPurge(top.section('purge'));
  const checker = readChecker(top.section('checker'));
  const fromSection = top.section('from');
  if (!fromSection) {
    throw top.missing(CODES.configYamlTransform, '"from" must be set: the upstream database', 'from');
  }
  top.end();
  const from = readDbConfig(fromSection, { port: 3306 });
  return {
    sourceId,
    flavor,
    enableGtid,
    serverId,
    charset,
    from,
    enableRelay,
    relayBinlogName,
    relayBinlogGtid,
    relayDir,
    purge,
    checker,
    caseSensitive,
    filters,
  };
}

function readSourceId(top: Section): string {
  const id = top.string('source-id');
  if (id === '') throw top.missing(CODES.configEmptySourceId, 'empty source-id not valid', 'source-id');
  if (Buffer.byteLength(id) > MAX_SOURCE_ID_BYTES) {
    throw top.error(CODES.configTooLongSourceId, `too long source-id not valid: ${id}`, 'source-id');
  }
  return id;
}

function readPurge(section: Section | undefined): SourceConfig['purge'] {
  const purge = {
    intervalSeconds: section?.int('interval', 3600) ?? 3600,
    expiresHours: section?.int('expires', 0) ?? 0,
    remainSpaceGb: section?.int('remain-space', 15) ?? 15,
  };
  section?.end();
  return purge;
}

function readChecker(section: Section | undefined): SourceConfig['checker'] {
  const checker = {
    checkEnable: section?.bool('check-enable', true) ?? true,
    backoffRollbackMs: section?.duration('backoff-rollback', 300_000) ?? 300_000,
    backoffMaxMs: section?.duration('backoff-max', 300_000) ?? 300_000,
    backoffMinMs: section?.duration('backoff-min', 1000) ?? 1000,
    checkIntervalMs: section?.duration('check-interval', 5000) ?? 5000,
    backoffJitter: section?.bool('backoff-jitter', true) ?? true,
    backoffFactor: section?.number('backoff-factor', 2) ?? 2,
  };
  section?.end();
  if (section && checker.backoffMaxMs < checker.backoffMinMs) {
    throw section.error(
      CODES.configCheckerMaxTooSmall,
      `\`backoff-max\` value ${checker.backoffMaxMs / 1000}s is less than \`backoff-min\` value ${checker.backoffMinMs / 1000}s`,
      'backoff-max',
    );
  }
  return checker;
}

/** Refuses source files of one command that name the same source or the same server. */
export function assertDistinctSources(sources: readonly { file: string; config: SourceConfig }[]): void {
  const byId = new Map<string, string>();
  for (const { file, config } of sources) {
    const other = byId.get(config.sourceId);
    if (other !== undefined) {
      throw new DmError(
        CODES.configDuplicateItem,
        `the following mysql configs have duplicate items, please remove the duplicates: source-id ${config.sourceId} in ${other} and ${file}`,
      );
    }
    byId.set(config.sourceId, file);
  }
}
