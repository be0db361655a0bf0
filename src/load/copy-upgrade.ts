/** The copy's meta tables of a task that an older version began: it knew fewer columns, and shorter ones. */
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteTable } from '../model/table-name.js';
import type { Session } from '../mysql/session.js';
import { isGone } from '../dump/source-tables.js';

const LATER = {
  _load_table: [['deferred_indexes', 'LONGTEXT NULL']],
  _load_chunk: [
    ['read_name', "VARCHAR(255) NOT NULL DEFAULT ''"],
    ['read_pos', 'BIGINT NOT NULL DEFAULT 0'],
  ],
} as const;

/** Bounds of chunks were integers once. */
const WIDENED = ['key_low', 'key_high'];

/** Adds what is missing; nothing where the tables are not there. */
export async function upgradeCopyMeta(
  session: Session,
  config: Pick<SubtaskConfig, 'task' | 'metaSchema'>,
): Promise<void> {
  for (const suffix of ['_load_table', '_load_chunk'] as const) {
    const table = quoteTable({ schema: config.metaSchema, table: config.task + suffix });
    const types = await columnTypes(session, table);
    if (types === null) continue;
    const changes = [
      ...LATER[suffix].filter(([name]) => !types.has(name)).map((column) => `ADD COLUMN ${column.join(' ')}`),
      ...WIDENED.filter((name) => types.get(name)?.startsWith('varchar')).map(
        (name) => `MODIFY COLUMN ${name} TEXT NULL`,
      ),
    ];
    // One by one: not every TiDB takes several changes in one statement.
    for (const change of changes) await session.execute(`ALTER TABLE ${table} ${change}`);
  }
}

/** Type by column name, in lower case; null where the table is not there. */
async function columnTypes(session: Session, table: string): Promise<Map<string, string> | null> {
  try {
    const [{ rows }] = await session.execute(`SHOW COLUMNS FROM ${table}`);
    return new Map(rows.map(([name, type]) => [(name ?? '').toLowerCase(), (type ?? '').toLowerCase()]));
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}
