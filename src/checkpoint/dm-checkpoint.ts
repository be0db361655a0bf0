/**
 * What a checkpoint that DM has written may look like: positions by the names of its relay log, tables of an
 * earlier layout, copies that are not finished.
 */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { formatPosition, NO_LOCATION, type BinlogLocation } from '../model/location.js';
import { quoteName } from '../model/table-name.js';
import { SqlError, type Session } from '../mysql/session.js';
import { text, type MetaTables } from './tables.js';

/** The widest position that DM's layout holds: stands for this one and all beyond (files over 4 GB). */
export const MAX_POSITION = 0xffffffff;

const UNKNOWN_COLUMN = 1054;
const NO_SUCH_TABLE = 1146;

type Row = Record<string, string | null>;

/**
 * The place in three columns. DM with a relay log writes `mysql-bin|000002.000123`: the file
 * `mysql-bin.000123` in the second directory of the relay log.
 */
export function locationOf(name: string | null, pos: string | null, gtidSet: string | null): BinlogLocation {
  const file = (name ?? '').replace(/\|\d{6,}(?=\.\d+$)/, '');
  if (file === '' && (gtidSet ?? '') === '') return NO_LOCATION;
  return { name: file, pos: Number(pos ?? 0), gtidSet: gtidSet ?? '' };
}

/**
 * Where DM's 32 bits end our own record goes on. `foreign`: the checkpoint is not the one that we saved last,
 * DM has gone on with the task since.
 */
export function reconcile(
  saved: BinlogLocation,
  own: Pick<BinlogLocation, 'name' | 'pos'> | null,
): { location: BinlogLocation; foreign: boolean } {
  if (own === null || own.name === '') return { location: saved, foreign: false };
  const same = own.name === saved.name && Math.min(own.pos, MAX_POSITION) === saved.pos;
  return same ? { location: { ...saved, pos: own.pos }, foreign: false } : { location: saved, foreign: true };
}

/** Rows of a source in the checkpoint table; `columns` that DM 2.0 did not have yet are added to it. */
export async function readRows(
  session: Session,
  tables: MetaTables,
  sourceId: string,
  columns: string,
): Promise<Row[]> {
  const sql = `SELECT ${columns} FROM ${tables.checkpoint} WHERE id=${text(sourceId)}`;
  try {
    return await session.query(sql);
  } catch (error) {
    if (!(error instanceof SqlError) || error.errno !== UNKNOWN_COLUMN) throw error;
    await upgrade(session, tables, sourceId, error);
    return session.query(sql);
  }
}

const LATER_COLUMNS: readonly (readonly [name: string, definition: string])[] = [
  ['exit_safe_binlog_name', "VARCHAR(128) DEFAULT ''"],
  ['exit_safe_binlog_pos', 'INT UNSIGNED DEFAULT 0'],
  ['exit_safe_binlog_gtid', 'TEXT'],
];

async function upgrade(
  session: Session,
  tables: MetaTables,
  sourceId: string,
  cause: SqlError,
): Promise<void> {
  const [{ rows }] = await session.execute(`SHOW COLUMNS FROM ${tables.checkpoint}`);
  const there = new Set(rows.map((row) => (row[0] ?? '').toLowerCase()));
  if (!there.has('table_info') || !there.has('binlog_gtid'))
    throw await tooOld(session, tables, sourceId, cause);
  for (const [name, definition] of LATER_COLUMNS) {
    if (!there.has(name)) {
      await session.execute(`ALTER TABLE ${tables.checkpoint} ADD COLUMN ${name} ${definition}`);
    }
  }
}

/** DM 1.0 keeps no structures of tables, without which its place cannot be gone on from safely. */
async function tooOld(
  session: Session,
  tables: MetaTables,
  sourceId: string,
  cause: SqlError,
): Promise<DmError> {
  const [global] = await session
    .query(
      `SELECT binlog_name AS n, binlog_pos AS p FROM ${tables.checkpoint} WHERE id=${text(sourceId)} AND is_global=1`,
    )
    .catch(() => []);
  const place = global === undefined ? null : locationOf(global.n, global.p, '');
  const meta = place && ` with \`meta\`: { binlog-name: ${place.name}, binlog-pos: ${place.pos} }`;
  return new DmError(
    CODES.checkpointLayout,
    `the table ${tables.checkpoint} on the target is a checkpoint of DM 1.0, which holds no structures of tables` +
      (place === null ? '' : `; source ${sourceId} had come to ${formatPosition(place)}`),
    {
      cause,
      workaround:
        place === null
          ? `Nothing of source ${sourceId} is in it: start the task under another name, or drop the table when no other source needs it.`
          : `Either let DM 2.0 or later take the task over first, or start an incremental task of another name${meta ?? ''} and \`safe-mode: true\` until it has passed the place where DM was stopped.`,
    },
  );
}

/**
 * Throws DmError 60408 where DM was stopped in the middle of its own full copy: what it has loaded is in the
 * target, and only DM can go on with its files.
 */
export async function refuseUnfinishedCopy(
  session: Session,
  options: { readonly metaSchema: string; readonly task: string; readonly sourceId: string },
): Promise<void> {
  const { metaSchema, task, sourceId } = options;
  const table = (suffix: string) => `${quoteName(metaSchema)}.${quoteName(task + suffix)}`;
  const loader = table('_loader_checkpoint');
  const lightning = table('_lightning_checkpoint_list');
  const queries = [
    [loader, `SELECT COUNT(*) AS c FROM ${loader} WHERE id=${text(sourceId)}`],
    [
      lightning,
      `SELECT COUNT(*) AS c FROM ${lightning} WHERE source_name=${text(sourceId)} AND status <> 'init'`,
    ],
  ];
  for (const [name, sql] of queries) {
    const [row] = await session.query(sql).catch((error: unknown) => {
      if (error instanceof SqlError && error.errno === NO_SUCH_TABLE) return [];
      throw error;
    });
    if (Number(row?.c ?? 0) === 0) continue;
    throw new DmError(
      CODES.checkpointCopyOfDm,
      `DM has begun the full copy of source ${sourceId} (${name} on the target) and has not come to the binlog`,
      {
        workaround:
          'Please let DM finish the full copy and stop the task then. Or drop the tables of the task on the target and start it with `--remove-meta`: everything is copied anew.',
      },
    );
  }
}

/** Forgets what DM has noted of its own full copy. */
export async function removeCopyOfDm(
  session: Session,
  options: { readonly metaSchema: string; readonly task: string; readonly sourceId: string },
): Promise<void> {
  const { metaSchema, task, sourceId } = options;
  for (const [suffix, column] of [
    ['_loader_checkpoint', 'id'],
    ['_lightning_checkpoint_list', 'source_name'],
  ]) {
    const table = `${quoteName(metaSchema)}.${quoteName(task + suffix)}`;
    await session
      .execute(`DELETE FROM ${table} WHERE ${column}=${text(sourceId)}`)
      .catch((error: unknown) => {
        if (!(error instanceof SqlError) || error.errno !== NO_SUCH_TABLE) throw error;
      });
  }
}
