/**
 * What safe mode has cost: rows that a REPLACE has removed because they held a unique value of the row that
 * was written. In the part of the binlog that is applied a second time they come back by later changes; a
 * row that never was in the source does not.
 */
import { quoteTable, type TableName } from '../../model/table-name.js';

export interface ReplacedInTable {
  /** Quoted name in the target. */
  readonly table: string;
  readonly rows: number;
}

export class ReplacedRows {
  readonly #rows = new Map<string, number>();

  add(target: TableName, rows: number): void {
    const table = quoteTable(target);
    this.#rows.set(table, (this.#rows.get(table) ?? 0) + rows);
  }

  /** Since the unit has begun; tables without such rows are not named. */
  list(): ReplacedInTable[] {
    return Array.from(this.#rows, ([table, rows]) => ({ table, rows }));
  }
}
