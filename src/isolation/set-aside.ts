/** What the target keeps of tables that are set aside, for commands about single statements of the source. */
import type { Place } from '../checkpoint/operators.js';
import type { ProcessError } from '../model/status.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import type { TableName } from '../model/table-name.js';
import { text } from '../checkpoint/tables.js';
import type { Session } from '../mysql/session.js';
import { isolationTables, loadParked } from './store.js';

export interface SetAside {
  readonly target: TableName;
  readonly error: ProcessError;
  /** Where the transaction of its first kept change begins: from there on it will read its statements again; null: nothing is kept. */
  readonly from: Place | null;
}

export async function readSetAside(session: Session, config: SubtaskConfig): Promise<SetAside[]> {
  const tables = isolationTables(config);
  const found: SetAside[] = [];
  for (const { number, target, error } of await loadParked(session, tables, config.sourceId)) {
    const [row] = await session.query(
      `SELECT place FROM ${tables.log} WHERE id=${text(config.sourceId)} AND table_no=${number} AND kind<>'table'` +
        ' ORDER BY seq LIMIT 1',
    );
    found.push({ target, error, from: row === undefined ? null : placeOf(row.place ?? '') });
  }
  return found;
}

/** `mysql-bin.000001:1234`, as the log has it. */
function placeOf(text: string): Place | null {
  const colon = text.lastIndexOf(':');
  return colon < 0 ? null : { name: text.slice(0, colon), pos: Number(text.slice(colon + 1)) };
}
