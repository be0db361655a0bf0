/**
 * What a statement of the source comes down to before it is planned: without what it does to sequences, and
 * with the structure written out where it is made like a table that the target does not have.
 */
import { CODES } from '../../errors/codes.js';
import { DmError } from '../../errors/dm-error.js';
import { quoteTable } from '../../model/table-name.js';
import { readDefinition } from '../../dump/source-tables.js';
import type { Log } from '../../runtime/ports.js';
import type { SchemaTracker } from '../../schema/apply.js';
import type { CreateTable, ParsedStatement } from '../../schema/ddl-types.js';
import { parseDdl, type ParseOptions } from '../../schema/ddl.js';
import type { NameFilter } from '../../schema/fetch.js';
import type { ControlSession } from '../control-session.js';
import { isSequence, type Sequences } from '../sequences.js';

export interface SettleOptions {
  readonly source: Pick<ControlSession, 'retry'>;
  readonly filter: NameFilter;
  readonly dialect: Pick<ParseOptions, 'flavor' | 'serverVersion'>;
  readonly log: Log;
}

/** Null where nothing of the statement concerns tables. Throws DmError 44007. */
export async function settle(
  statement: ParsedStatement,
  sequences: Sequences,
  tracker: SchemaTracker,
  options: SettleOptions,
): Promise<ParsedStatement | null> {
  const left = await sequences.without(statement, async (now, before) => {
    if (options.dialect.flavor !== 'mariadb' || tracker.get(before) !== undefined) return false;
    return options.source.retry((session) => isSequence(session, now));
  });
  if (left?.kind === 'create-table' && left.like !== undefined) return expandLike(left, options);
  return left;
}

/** CREATE TABLE ... LIKE a table that is not migrated, as the table is now: nobody has followed its changes. */
async function expandLike(statement: CreateTable, options: SettleOptions): Promise<ParsedStatement> {
  const { filter, source, log, dialect } = options;
  const { table, like } = statement;
  if (like === undefined || !filter.allows(table.name) || filter.allows(like.name)) return statement;
  const definition = await source.retry((session) => readDefinition(session, like.name));
  if (definition === null) {
    throw new DmError(
      CODES.schemaTrackerCannotFetchTable,
      `${quoteTable(table.name)} is made like ${quoteTable(like.name)}, which is not migrated and is no longer on the source`,
      {
        workaround:
          'Please use `binlog replace` with a CREATE TABLE that lists the columns, or `binlog skip` where the table is not needed.',
      },
    );
  }
  log.info('a table is made like one that is not migrated: its present structure is taken', {
    table: quoteTable(table.name),
    like: quoteTable(like.name),
  });
  const head = `CREATE ${statement.orReplace ? 'OR REPLACE ' : ''}TABLE ${statement.ifNotExists ? 'IF NOT EXISTS ' : ''}`;
  const sql = likeDefinition(definition).replace(
    /^CREATE TABLE `(?:[^`]|``)+`/,
    () => head + quoteTable(table.name),
  );
  return parseDdl(sql, { ...dialect, defaultSchema: table.name.schema });
}

/** LIKE takes no foreign keys over, and no AUTO_INCREMENT counter. */
function likeDefinition(createSql: string): string {
  const lines = createSql
    .split('\n')
    .filter((line) => !/^ {2}CONSTRAINT `(?:[^`]|``)+` FOREIGN KEY /.test(line));
  const last = lines.findIndex((line) => line.startsWith(')'));
  if (last > 0) {
    lines[last - 1] = lines[last - 1].replace(/,$/, '');
    lines[last] = lines[last].replace(/ AUTO_INCREMENT=\d+/, '');
  }
  return lines.join('\n');
}
