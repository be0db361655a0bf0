/** Whether the source has the place that `meta` of an incremental task names. */
import { GtidSyntaxError, parseGtidSet } from '../binlog/gtid.js';
import { MysqlGtidSet } from '../binlog/gtid-mysql.js';
import { metaTables, text } from '../checkpoint/tables.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { SqlError, type Session } from '../mysql/session.js';
import { readVariable } from './probe-source.js';
import type { Finding } from './types.js';

const SUCCESS: Finding = { state: 'success' };

/** A task that has a checkpoint in `target` goes on from there: its `meta` is not looked at. */
export async function checkMetaPosition(
  source: Session,
  target: Session | null,
  config: SubtaskConfig,
): Promise<Finding> {
  const { meta, enableGtid, flavor } = config;
  if (meta === undefined || (target !== null && (await hasCheckpoint(target, config)))) return SUCCESS;
  if (enableGtid && meta.binlogGtid !== '') {
    try {
      parseGtidSet(flavor, meta.binlogGtid);
    } catch (error) {
      if (!(error instanceof GtidSyntaxError)) throw error;
      const instruction =
        flavor === 'mysql'
          ? 'Please give what `SELECT @@global.gtid_executed` showed, such as 2f1a…-8a5d:1-94.'
          : 'Please give what `SELECT @@gtid_binlog_pos` showed, such as 0-1-94.';
      return fail(`binlog-gtid '${meta.binlogGtid}' of meta: ${error.message}`, instruction);
    }
    return source.isMariaDb ? SUCCESS : checkMysqlSet(source, meta.binlogGtid);
  }
  return checkPosition(source, meta.binlogName, meta.binlogPos);
}

async function checkMysqlSet(source: Session, wanted: string): Promise<Finding> {
  const set = async (name: string) =>
    MysqlGtidSet.parse(((await readVariable(source, name)) ?? '').replaceAll('\n', ''));
  const ahead = MysqlGtidSet.parse(wanted);
  ahead.subtract(await set('gtid_executed'));
  if (ahead.toString() !== '') {
    return fail(
      `binlog-gtid of meta: the source has no transactions ${ahead.toString()}`,
      'Please give a set that the source has executed, and check that it is the right server.',
    );
  }
  const purged = await set('gtid_purged');
  purged.subtract(MysqlGtidSet.parse(wanted));
  if (purged.toString() === '') return SUCCESS;
  return fail(
    `binlog-gtid of meta: the source has purged ${purged.toString()}, which would be read next`,
    'Please begin at a later place with a newer copy of the data, or read from a replica that still has them.',
  );
}

async function checkPosition(source: Session, name: string, pos: number): Promise<Finding> {
  const files = await source.query('SHOW BINARY LOGS');
  const named = (row: Record<string, string | null>) => row.Log_name ?? '';
  const file = files.find((row) => named(row) === name);
  const has = files.length === 0 ? 'none' : `${named(files[0])} to ${named(files[files.length - 1])}`;
  if (file === undefined) {
    return fail(
      `binlog-name of meta: the source has no binlog ${name}; it has ${has}`,
      'Please give a name that `SHOW BINARY LOGS` shows. What has been purged cannot be read any more.',
    );
  }
  const size = Number(file.File_size);
  if (pos <= size) return SUCCESS;
  return fail(
    `binlog-pos of meta: ${name} ends at ${size}, before ${pos}`,
    'Please give a position where an event begins, as `SHOW BINLOG EVENTS` shows them.',
  );
}

async function hasCheckpoint(target: Session, config: SubtaskConfig): Promise<boolean> {
  try {
    const { checkpoint } = metaTables(config);
    const rows = await target.query(`SELECT 1 FROM ${checkpoint} WHERE id=${text(config.sourceId)} LIMIT 1`);
    return rows.length > 0;
  } catch (error) {
    // No table yet, or no right to read it: then there is nothing to go on from.
    if (error instanceof SqlError) return false;
    throw error;
  }
}

function fail(errorMsg: string, instruction: string): Finding {
  return { state: 'fail', errorMsg, instruction };
}
