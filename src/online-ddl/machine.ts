/**
 * What a statement of the source comes to where tools for online DDL are followed.
 *
 * The rows of ghost and trash tables are not migrated; what is changed in a ghost table is recorded, and run
 * on the real table when the ghost takes its place. The tracker follows the ghost itself, so that the rows of
 * the real table decode by what the source really has, whatever the replay makes of the target.
 *
 * A trash table is tracked exactly while the real one has gone into it and nothing has taken its place: then
 * the target's real table holds what the source has in the trash table.
 *
 * Pure: the caller gives a world to change, and runs what comes out.
 */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { quoteTable, tableKey, type TableName } from '../model/table-name.js';
import type { Log } from '../runtime/ports.js';
import type { SchemaTracker } from '../schema/apply.js';
import { renderCreateTable } from '../schema/create-sql.js';
import type { ParsedStatement } from '../schema/ddl-types.js';
import type { TableSchema } from '../schema/table.js';
import { computedColumns } from './computed.js';
import { renamedKeys, textForReal } from './foreign-keys.js';
import type { MigratedTables } from './migrated-tables.js';
import { dropStatement, recordedText, renameStatement, retarget, type Part, type Reparse } from './parts.js';
import type { GhostRecord } from './store.js';

export interface Records {
  get(ghost: TableName): GhostRecord | undefined;
  set(ghost: TableName, record: GhostRecord | null): void;
  all(): readonly GhostRecord[];
}

export interface World {
  readonly migrated: MigratedTables;
  readonly tracker: SchemaTracker;
  readonly records: Records;
  readonly reparse: Reparse;
  /** Reads what was recorded under another sql_mode. */
  readonly parseAs: (sql: string, mode: bigint | null) => ParsedStatement;
  /** sql_mode of the statement. */
  readonly mode: bigint | null;
  /** Time zone of the statement; null where it does not matter to it. */
  readonly zone: string | null;
  /** The statement's session does not look at foreign keys. */
  readonly withoutForeignKeys: boolean;
  /** A full copy was made after the statement. */
  readonly copied: (real: TableName) => boolean;
  /** The target's table has a foreign key of this name. */
  readonly hasForeignKey: (real: TableName, key: string) => boolean;
  readonly log: Log;
}

/** A statement about migrated tables, by the source's names. */
export interface Run {
  readonly statement: ParsedStatement;
  /** The table that it alters, as it was; undefined where that is not known. */
  readonly before?: TableSchema;
  /** The sql_mode that it was first run with; null where that is the event's, or not known. */
  readonly mode: bigint | null;
  /** The time zone, likewise. */
  readonly zone?: string | null;
  /** The ghost table whose place in the source the statement brings about: the target must have a table. */
  readonly ghost?: TableName;
}

type Kind = 'real' | 'ghost' | 'trash' | 'none';

export class OnlineDdlMachine {
  readonly #world: World;
  readonly runs: Run[] = [];
  /** Tables of the tracker that have changed, come or gone. */
  readonly changed: TableName[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** Throws DmError where the target could not be made to hold what the source has. */
  step(part: Part): void {
    switch (part.kind) {
      case 'plain':
        this.#plain(part.statement);
        break;
      case 'create':
        this.#create(part.table, part.statement);
        break;
      case 'change':
        this.#change(part.table, part.statement);
        break;
      case 'drop':
        this.#drop(part.table, part.ifExists);
        break;
      case 'rename':
        this.#rename(part.from, part.to);
        break;
      case 'drop-schema':
        for (const { ghost } of this.#world.records.all())
          if (this.#same(ghost, { ...ghost, schema: part.schema })) this.#world.records.set(ghost, null);
        this.#run(part.statement);
        this.#track(part.statement);
        break;
      case 'nothing':
        break;
    }
  }

  #kind(name: TableName): Kind {
    const { migrated } = this.#world;
    if (migrated.follows(name)) return this.#classify(name).kind;
    return migrated.allows(name) ? 'real' : 'none';
  }

  #classify(name: TableName): { kind: Kind; real: TableName } {
    return this.#world.migrated.rules?.classify(name) ?? { kind: 'real', real: name };
  }

  #same(a: TableName, b: TableName): boolean {
    const { tracker } = this.#world;
    return tableKey(tracker.fold(a)) === tableKey(tracker.fold(b));
  }

  #run(statement: ParsedStatement, more: Partial<Run> = {}): void {
    this.runs.push({ mode: null, ...more, statement });
  }

  #track(statement: ParsedStatement): void {
    this.changed.push(...this.#world.tracker.apply(statement));
  }

  /** Follows a statement about a table of a tool as far as the model can. */
  #tryTrack(table: TableName, statement: ParsedStatement): void {
    try {
      this.#track(statement);
    } catch (error) {
      this.#world.log.warn('the structure of a ghost table is not known', {
        table: quoteTable(table),
        error: String(error),
      });
      this.#forget(table);
    }
  }

  #forget(table: TableName): void {
    if (this.#world.tracker.get(table) === undefined) return;
    this.#world.tracker.drop(table);
    this.changed.push(table);
  }

  /** The trash table that holds what the target has under the real name. */
  trashOf(real: TableName): TableSchema | undefined {
    const { tracker, migrated } = this.#world;
    return tracker.tables().find((table) => {
      if (!migrated.follows(table)) return false;
      const found = this.#classify(table);
      return found.kind === 'trash' && this.#same(found.real, real);
    });
  }

  #droppedFor(real: TableName): GhostRecord | undefined {
    return this.#world.records.all().find((record) => record.dropped && this.#same(record.real, real));
  }

  /** The target still has a table of this name, the source has none. */
  vacated(real: TableName): boolean {
    return this.trashOf(real) !== undefined || this.#droppedFor(real) !== undefined;
  }

  /** Something new takes the name on the source: what the target still has under it goes. */
  #clear(real: TableName): void {
    if (!this.vacated(real)) return;
    this.#run(dropStatement(real, true, this.#world.reparse));
    this.#release(real);
  }

  #release(real: TableName): void {
    for (let trash = this.trashOf(real); trash !== undefined; trash = this.trashOf(real)) this.#forget(trash);
    const dropped = this.#droppedFor(real);
    if (dropped !== undefined) this.#world.records.set(dropped.ghost, { ...dropped, dropped: false });
  }

  #plain(statement: ParsedStatement): void {
    const { migrated, tracker, copied, reparse } = this.#world;
    const name = 'table' in statement ? statement.table.name : undefined;
    if (name !== undefined && (!migrated.allows(name) || copied(name))) return;
    if (statement.kind !== 'create-table') {
      this.#run(statement);
      this.#track(statement);
      return;
    }
    if (name !== undefined) this.#clear(name);
    const like = statement.like && migrated.follows(statement.like.name) ? statement.like.name : undefined;
    const model = like && tracker.get(like);
    // The target does not have the table to which it is to be alike.
    this.#run(
      model === undefined || name === undefined
        ? statement
        : reparse(renderCreateTable({ ...model, ...name })),
    );
    this.#track(statement);
  }

  #create(table: TableName, statement: ParsedStatement): void {
    const { tracker } = this.#world;
    if (this.#kind(table) !== 'ghost') return;
    const exists =
      statement.kind === 'create-table' && statement.ifNotExists && tracker.get(table) !== undefined;
    if (exists) return;
    this.#abandon(table);
    this.#tryTrack(table, statement);
  }

  #change(table: TableName, statement: ParsedStatement): void {
    const { tracker, records, mode, zone, reparse, log } = this.#world;
    const { kind, real } = this.#classify(table);
    if (kind === 'trash') {
      if (tracker.get(table) === undefined) return;
      this.#run(retarget(statement, table, real, reparse));
      this.#track(statement);
      return;
    }
    const known = records.get(table);
    const text = textForReal(statement, tracker.get(table), tracker.get(real));
    const again = known !== undefined && known.ddls.length > 0 && known.ddls.at(-1) === text;
    if (!again) {
      records.set(table, {
        ghost: table,
        real,
        ddls: [...(known?.ddls ?? []), text],
        modes: [...(known?.modes ?? []), mode],
        zones: [...(known?.zones ?? []), zone],
        dropped: known?.dropped ?? false,
      });
    }
    const computed = computedColumns(statement);
    if (computed.length > 0) {
      log.warn(
        'the values of new columns may differ: the tool computes them row by row, the target at once',
        {
          table: quoteTable(real),
          columns: computed.join(', '),
        },
      );
    }
    // Its creation was not seen: a tool begins with a table like the real one.
    const base = tracker.get(real);
    if (tracker.get(table) === undefined && base !== undefined)
      tracker.set({ ...base, ...tracker.fold(table) });
    this.#tryTrack(table, statement);
  }

  #drop(table: TableName, ifExists: boolean): void {
    const { records, copied, reparse, withoutForeignKeys, tracker } = this.#world;
    switch (this.#kind(table)) {
      case 'real': {
        if (copied(table) || (ifExists && this.vacated(table))) return;
        const ghost = records
          .all()
          .find(({ real, ddls }) => this.#same(real, table) && ddls.some((ddl) => ddl !== ''));
        // pt-online-schema-change with `drop_swap`: the ghost table comes next.
        if (ghost !== undefined && ifExists && withoutForeignKeys) {
          records.set(ghost.ghost, { ...ghost, dropped: true });
        } else this.#run(dropStatement(table, ifExists, reparse));
        this.#forget(table);
        return;
      }
      case 'ghost':
        this.#abandon(table);
        return;
      case 'trash': {
        const { real } = this.#classify(table);
        if (tracker.get(table) === undefined) return;
        this.#run(dropStatement(real, true, reparse));
        this.#forget(table);
        return;
      }
      case 'none':
        return;
    }
  }

  /** What is recorded of a ghost table will never be run. */
  #abandon(ghost: TableName): void {
    const { records } = this.#world;
    const record = records.get(ghost);
    records.set(ghost, null);
    if (record?.dropped === true) this.#run(dropStatement(record.real, true, this.#world.reparse));
    this.#forget(ghost);
  }

  #rename(from: TableName, to: TableName): void {
    switch (this.#kind(from)) {
      case 'real':
        this.#renameReal(from, to);
        return;
      case 'ghost':
        this.#renameGhost(from, to);
        return;
      case 'trash':
        this.#renameTrash(from, to);
        return;
      case 'none':
        if (this.#kind(to) === 'ghost') this.#abandon(to);
    }
  }

  #renameReal(from: TableName, to: TableName): void {
    const { copied, reparse, log } = this.#world;
    if (copied(from)) return;
    const statement = renameStatement(from, to, reparse);
    switch (this.#kind(to)) {
      case 'real':
        this.#clear(to);
        this.#run(statement);
        this.#track(statement);
        return;
      case 'trash':
        if (this.#same(this.#classify(to).real, from)) {
          this.#track(statement);
          return;
        }
        log.warn('a migrated table has become a trash table of another; the target keeps it', {
          from: quoteTable(from),
          to: quoteTable(to),
        });
        this.#forget(from);
        return;
      case 'ghost':
        throw new DmError(
          CODES.syncOnlineDdlRenameToGhost,
          `rename table to ghost table ${quoteTable(to)} not supported: its rows are not migrated`,
        );
      case 'none':
        return;
    }
  }

  #renameGhost(from: TableName, to: TableName): void {
    const { records, log, tracker, reparse } = this.#world;
    const { real } = this.#classify(from);
    const kind = this.#kind(to);
    if (kind === 'real' && this.#same(real, to)) {
      this.#swap(from, to);
      return;
    }
    const record = records.get(from);
    if (kind === 'ghost' && record !== undefined && this.#same(this.#classify(to).real, real)) {
      const { parseAs } = this.#world;
      const ddls = record.ddls.map((ddl, i) => {
        if (ddl === '') return ddl;
        return recordedText(
          retarget(parseAs(ddl, record.modes[i]), from, to, (sql) => parseAs(sql, record.modes[i])),
        );
      });
      records.set(from, null);
      records.set(to, { ...record, ghost: to, ddls });
      if (tracker.get(from) !== undefined) this.#tryTrack(to, renameStatement(from, to, reparse));
      return;
    }
    this.#refuseToFill(to, from);
    // As an operator does it with what an aborted run has left.
    log.warn('a ghost table gets a name that is not its real one: its rows have not been migrated', {
      from: quoteTable(from),
      to: quoteTable(to),
    });
    this.#abandon(from);
  }

  #renameTrash(from: TableName, to: TableName): void {
    const { tracker, reparse, log } = this.#world;
    const { real } = this.#classify(from);
    const kind = this.#kind(to);
    const statement = renameStatement(from, to, reparse);
    const home = kind === 'real' && this.#same(real, to);
    if (tracker.get(from) !== undefined) {
      // The target has under the real name what the source has here.
      if (home || (kind === 'trash' && this.#same(this.#classify(to).real, real))) {
        this.#track(statement);
      } else if (kind === 'real') {
        this.#clear(to);
        this.#run(renameStatement(real, to, reparse));
        this.#track(statement);
      } else this.#forget(from);
      return;
    }
    if (home && !this.#world.copied(to)) throw rowsUnknown(to, from);
    this.#refuseToFill(to, from);
    if (kind === 'real' && !home) {
      log.warn('a trash table gets another name: its rows have not been migrated', {
        from: quoteTable(from),
        to: quoteTable(to),
      });
    }
  }

  /** A migrated table has made room for one whose rows the target does not have. */
  #refuseToFill(to: TableName, from: TableName): void {
    if (this.#kind(to) === 'real' && this.vacated(to) && !this.#world.copied(to)) throw rowsUnknown(to, from);
  }

  /** Later statements name the foreign keys as the ghost does. */
  #nameKeys(real: TableName, ghost: TableSchema): void {
    const { tracker, reparse, hasForeignKey } = this.#world;
    const replayed = tracker.get(real);
    const sql = replayed && renamedKeys(real, replayed, ghost, (key) => hasForeignKey(real, key));
    if (sql !== null && sql !== undefined) this.#run(reparse(sql), { before: replayed });
  }

  /** The ghost takes the place of the real table. */
  #swap(ghost: TableName, real: TableName): void {
    const { records, tracker, copied, reparse, parseAs } = this.#world;
    if (copied(real)) {
      records.set(ghost, null);
      this.#forget(ghost);
      return;
    }
    const record = records.get(ghost);
    if (record === undefined || record.ddls.length === 0) {
      throw new DmError(
        CODES.syncOnlineDdlUnknown,
        `online ddls on ghost table ${quoteTable(ghost)}: nothing is known of what was changed in it before it takes the place of ${quoteTable(real)}`,
      );
    }
    const trash = this.trashOf(real);
    if (trash !== undefined) tracker.set({ ...trash, ...tracker.fold(real) });
    record.ddls.forEach((ddl, i) => {
      if (ddl === '') return;
      const mode = record.modes[i];
      const statement = retarget(parseAs(ddl, mode), record.ghost, real, (sql) => parseAs(sql, mode));
      const before = tracker.get(real);
      this.#run(statement, { before, mode, zone: record.zones[i], ghost });
      if (before !== undefined) this.#tryTrack(real, statement);
    });
    const structure = tracker.get(ghost);
    if (structure !== undefined) {
      this.#nameKeys(real, structure);
      tracker.drop(real);
      this.#track(renameStatement(ghost, real, reparse));
    }
    this.#release(real);
    records.set(ghost, null);
    this.changed.push(real);
  }
}

/** The target cannot have the rows with which a table comes. */
export function rowsUnknown(to: TableName, from: TableName): DmError {
  return new DmError(
    CODES.syncOnlineDdlRowsUnknown,
    `${quoteTable(from)} takes the place of ${quoteTable(to)}, and its rows have not been migrated`,
  );
}
