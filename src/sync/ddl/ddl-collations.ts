/**
 * A DDL as the target is to be told of it: character sets and collations (collation-clauses.ts), and what
 * MariaDB does not take from MySQL. What the servers know is asked once and kept.
 */
import { collationCharset } from '../../binlog/collations.js';
import { charsetName, collationName, type TargetDialect } from '../../load/target-ddl.js';
import { readDialect } from '../../load/target-objects.js';
import type { SubtaskConfig } from '../../model/subtask-config.js';
import type { Session } from '../../mysql/session.js';
import type { Log } from '../../runtime/ports.js';
import type { SchemaTracker } from '../../schema/apply.js';
import type { CharsetPair } from '../../schema/charsets.js';
import { chooseCollations } from '../../schema/collation-clauses.js';
import type { Dialect } from '../../schema/dialect.js';
import { withoutGeneratedNotNull } from '../../schema/generated-not-null.js';
import { fetchCollationDefaults, type CollationDefaults } from '../../schema/fetch-collations.js';
import type { ControlSession } from '../control-session.js';
import type { QueryEvent } from './ddl.js';

export interface DdlCollationsOptions {
  readonly config: Pick<SubtaskConfig, 'collationCompatible'>;
  readonly tracker: Pick<SchemaTracker, 'schemaDefault'>;
  readonly source: Pick<ControlSession, 'retry'>;
  readonly log: Log;
}

export class DdlCollations {
  readonly #options: DdlCollationsOptions;
  #target: TargetDialect | null = null;
  #source: CollationDefaults | null = null;

  constructor(options: DdlCollationsOptions) {
    this.#options = options;
  }

  /** What a database gets that is created without a clause; undefined for other statements. */
  async serverDefault({ sql, status }: QueryEvent): Promise<CharsetPair | undefined> {
    if (status.charset === undefined || !/\b(database|schema)\b/i.test(sql)) return undefined;
    const collation = (await this.#defaults()).byId.get(status.charset.server);
    const charset = collationCharset(status.charset.server);
    return collation === undefined || charset === undefined ? undefined : { charset, collation };
  }

  async #defaults(): Promise<CollationDefaults> {
    this.#source ??= await this.#options.source.retry(fetchCollationDefaults);
    return this.#source;
  }

  /** `schema`: on the source, of a table that is created; undefined when not known. */
  async translate(
    session: Session,
    event: QueryEvent,
    original: string,
    dialect: Dialect,
    schema: string | undefined,
  ): Promise<string> {
    const { config, tracker } = this.#options;
    const toMariaDb = session.isMariaDb && dialect.flavor !== 'mariadb';
    const sql =
      toMariaDb && /\bnot\s+null\b/i.test(original) && /\bas\s*\(/i.test(original)
        ? withoutGeneratedNotNull(original, dialect)
        : original;
    const strict = config.collationCompatible === 'strict';
    if (!strict && !/\b(charset|character|collate)\b/i.test(sql)) return sql;
    this.#target ??= await readDialect(session);
    const defaults = strict ? await this.#defaults() : null;
    const to = this.#target;
    const replaced: string[] = [];
    const { status } = event;
    const text = chooseCollations(sql, dialect, {
      collation: (name) => {
        const known = collationName(name, to);
        if (known !== name) replaced.push(`${name} -> ${known}`);
        return known;
      },
      charset: (name) => charsetName(name, to),
      explicit: defaults && {
        ofCharset: (charset) => {
          const name = charset.toLowerCase();
          // A MySQL session may have chosen another default for utf8mb4.
          const own = name === 'utf8mb4' ? status.defaultCollationForUtf8mb4 : undefined;
          return (own !== undefined ? defaults.byId.get(own) : undefined) ?? defaults.ofCharset.get(name);
        },
        database: status.charset && defaults.byId.get(status.charset.server),
        table: schema === undefined ? undefined : tracker.schemaDefault(schema).collation,
      },
    });
    if (replaced.length > 0) {
      this.#options.log.warn('collations that the target does not know: the nearest it has are used', {
        collations: [...new Set(replaced)].join(', '),
      });
    }
    return text;
  }
}
