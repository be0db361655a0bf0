/** The error about columns that the source's table has and the target's lacks. */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { quoteName, quoteTable, type TableName } from '../model/table-name.js';

export interface MissingColumn {
  readonly name: string;
  /** The column as a CREATE TABLE of the source says it: name, type, default. */
  readonly definition: string;
}

/** DmError 60104. */
export function columnsMissing(
  source: TableName,
  target: TableName,
  columns: readonly MissingColumn[],
): DmError {
  const names = columns.map(({ name }) => quoteName(name)).join(', ');
  const adds = columns.map(({ definition }) => `ADD COLUMN ${definition}`).join(', ');
  const plural = columns.length > 1;
  return new DmError(
    CODES.targetColumnMissing,
    `the table ${quoteTable(target)} of the target has no column${plural ? 's' : ''} ${names}, which ${quoteTable(source)} of the source has`,
    {
      workaround: `Please add ${plural ? 'them' : 'it'} on the target, for example with \`ALTER TABLE ${quoteTable(target)} ${adds}\`, and resume the task.`,
    },
  );
}
