/** What the next checkpoint has to save besides the place: structures of tables, the state of online DDL. */
import { tableKey, type TableName } from '../model/table-name.js';
import type { OnlineDdlStore } from '../online-ddl/store.js';
import type { SchemaTracker } from '../schema/apply.js';
import type { TableSchema } from '../schema/table.js';

export interface Taken {
  readonly changed: TableSchema[];
  readonly dropped: TableName[];
  /** Statements for the same transaction. */
  readonly also: string[];
  readonly empty: boolean;
  /** To be called when all of it is committed: what has changed again meanwhile stays unsaved. */
  readonly saved: () => void;
}

export class Unsaved {
  readonly #changed = new Map<string, TableSchema>();
  readonly #dropped = new Map<string, TableName>();
  online: OnlineDdlStore | null = null;

  change(table: TableSchema): void {
    this.#dropped.delete(tableKey(table));
    this.#changed.set(tableKey(table), table);
  }

  drop(name: TableName): void {
    this.#changed.delete(tableKey(name));
    this.#dropped.set(tableKey(name), name);
  }

  /** The table as the tracker has it now. */
  note(tracker: SchemaTracker, name: TableName): void {
    const table = tracker.get(name);
    if (table === undefined) this.drop(tracker.fold(name));
    else this.change(table);
  }

  take(): Taken {
    const changed = [...this.#changed];
    const dropped = [...this.#dropped];
    const online = this.online?.unsaved() ?? { statements: [], saved: () => undefined };
    return {
      changed: changed.map(([, table]) => table),
      dropped: dropped.map(([, name]) => name),
      also: online.statements,
      empty: changed.length + dropped.length + online.statements.length === 0,
      saved: () => {
        for (const [key, table] of changed) if (this.#changed.get(key) === table) this.#changed.delete(key);
        for (const [key, name] of dropped) if (this.#dropped.get(key) === name) this.#dropped.delete(key);
        online.saved();
      },
    };
  }
}
