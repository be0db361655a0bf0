/**
 * One lane transaction being built: SQL bytes written straight from the events, in the order of the
 * changes, with consecutive changes of one kind on one table merged into one statement.
 *
 * Layout: `COMMIT;BEGIN;` body `;UPDATE lane ...`. The leading COMMIT is left out where nothing is open.
 */
import { ByteWriter } from '../../mysql/byte-writer.js';
import type { RowIndex } from '../../binlog/rows.js';
import { MAX_CASE_COLUMNS, type CasePlan } from '../rows/case-plan.js';
import { CaseUpdate } from '../rows/case-update.js';
import { comparesAsList, type TablePlan } from './plan.js';
import { changedColumns, needsLaxMode, rowBytes, sameNumbers } from '../rows/row-image.js';
import { writeComparable, writeLiteral, writeTuple, writeWhere } from '../rows/row-sql.js';
import type { BulkPlan } from '../rows/bulk-plan.js';
import { BoundStatements } from '../rows/bound-statements.js';
import type { BulkRows } from '../rows/bulk-rows.js';
import type { Compacted } from '../rows/compactor.js';
import { RowSpans } from '../rows/row-spans.js';
import { Upsert } from '../rows/upsert.js';

const COMMIT = 'COMMIT;';
const LAX =
  "SET @sluice_sql_mode=@@SESSION.sql_mode,SESSION sql_mode=REPLACE(REPLACE(@@SESSION.sql_mode,'STRICT_TRANS_TABLES',''),'STRICT_ALL_TABLES','')";
const STRICT = 'SET SESSION sql_mode=@sluice_sql_mode';
/** Undoes what a packet that broke off has left in its session. */
export const RESTORE_MODE =
  'SET SESSION sql_mode=IFNULL(@sluice_sql_mode,@@SESSION.sql_mode),SESSION foreign_key_checks=IFNULL(@sluice_fk,@@SESSION.foreign_key_checks)';
/** The rows of a REPLACE are there again: nothing that refers to them is to be refused, changed or removed. */
const UNCHECKED = 'SET @sluice_fk=@@SESSION.foreign_key_checks,SESSION foreign_key_checks=0';
const CHECKED = 'SET SESSION foreign_key_checks=@sluice_fk';
const HEAD = `${COMMIT}BEGIN;`;
const SEMICOLON = 0x3b;
const COMMA = 0x2c;
const OPEN = 0x28;
const CLOSE = 0x29;

/** Waits until `lane` has committed sequence number `seq`. */
export interface Dependency {
  readonly lane: number;
  readonly seq: number;
}

/**
 * `bound`: an INSERT whose rows are in the last of `bound`; `update`: one UPDATE, of which `#tuple` holds the whole row; `upsert`: what follows the rows is to be written;
 * `cases`: all of it is to be written, from `#cases`.
 */
type OpenStatement = 'none' | 'insert' | 'bound' | 'replace' | 'delete' | 'update' | 'upsert' | 'cases';

/** Bytes of a row in the binlog beyond which an UPDATE of what has changed is cheaper than the row. */
const MAX_UPSERT_ROW = 1024;

export class Packet {
  #out = new ByteWriter(8 * 1024);
  #bodyEnd = 0;
  #open: OpenStatement = 'none';
  #plan: TablePlan | null = null;
  /** Written columns that the last update has changed, by their place in `plan.columns`. */
  #changed: number[] = [];
  #nowChanged: number[] = [];
  #tuple: ByteWriter | null = null;
  #tupleKeyEnd = 0;
  #cases: CaseUpdate | null = null;
  readonly upserts: Upsert[] = [];
  /** Statements whose rows are bound; none once `useText` has been called. */
  readonly bound = new BoundStatements();
  /** Whether many rows of one INSERT are bound (send-packet.ts). */
  binds = false;
  /** Where the rows of each statement stand; only where rows may be taken out again. */
  readonly #spans: (RowSpans | null)[] = [];
  readonly #compact: boolean;
  /** The last change of each key, by its hash (compactor.ts). */
  readonly compacted = new Map<number, Compacted>();
  /** The last row written: statement and number; -1 where it cannot be taken out. */
  lastStatement = -1;
  lastRow = -1;
  /** Statements that should touch one row; more are rows that a REPLACE has removed. */
  readonly replaces: number[] = [];
  /** Where each statement of the body starts, and how many rows it should touch (0: not checked). */
  readonly starts: number[] = [];
  readonly expected: number[] = [];
  /** The plan of each statement, null for one that is no change of a table. */
  readonly plans: (TablePlan | null)[] = [];
  readonly dependencies: Dependency[] = [];
  rows = 0;
  firstSeq = 0;
  lastSeq = 0;
  /** Place of the last change: the lane's position once this is committed. */
  name = '';
  pos = 0;
  gtid = '';
  row = 0;
  /** Transaction of the first change, '' while there is none, and end of the last one's event: for errors. */
  firstName = '';
  firstPos = 0;
  firstGtid = '';
  endPos = 0;
  /** Source time of the last change, seconds. */
  timestamp = 0;

  /** @param compact Whether rows may be taken out by `remove`. */
  constructor(compact = false) {
    this.#compact = compact;
    this.reset();
  }

  reset(): void {
    this.#out.reset();
    this.#out.ascii(HEAD);
    this.#bodyEnd = 0;
    this.#open = 'none';
    this.#plan = null;
    this.starts.length = 0;
    this.expected.length = 0;
    this.plans.length = 0;
    this.dependencies.length = 0;
    this.upserts.length = 0;
    this.bound.reset();
    this.#spans.length = 0;
    this.compacted.clear();
    this.replaces.length = 0;
    this.rows = 0;
    this.firstName = '';
  }

  /** Bytes of the body so far. */
  get bytes(): number {
    const open = this.#open === 'cases' ? (this.#cases?.bytes ?? 0) : 0;
    return this.#out.length + open + this.bound.bytes;
  }

  /** What the packet holds on to in memory. */
  get capacity(): number {
    return this.#out.buffer.length + this.bound.capacity;
  }

  /** A REPLACE that may remove rows of other keys stands alone, so that it can be seen. */
  insert(plan: TablePlan, index: RowIndex, image: number, replace: boolean): void {
    const unchecked = replace && plan.foreignKeys !== null;
    if (unchecked) this.#statement(plan, UNCHECKED);
    this.#insert(plan, index, image, replace);
    if (unchecked) this.#statement(plan, CHECKED);
  }

  #insert(plan: TablePlan, index: RowIndex, image: number, replace: boolean): void {
    if (replace && plan.identity !== null && plan.uniques.length > 0) {
      this.#replaceAlone(plan, index, image);
      return;
    }
    const kind = replace ? 'replace' : 'insert';
    const out = this.#out;
    const lax = needsLaxMode(plan, index, image);
    if (this.binds && !replace && !lax && !this.#compact && plan.bulk !== null && !plan.bulk.refused) {
      const follows = this.#open === 'bound' && this.#plan === plan;
      if (follows || !this.bound.full) {
        this.#bind(plan, plan.bulk, follows, index, image);
        return;
      }
    }
    if (lax) this.#statement(plan, LAX);
    if (this.#open === kind && this.#plan === plan) {
      out.byte(COMMA);
    } else {
      this.#begin(kind, plan);
      out.bytes(replace ? plan.replaceHead : plan.insertHead);
    }
    const start = out.length;
    writeTuple(out, plan, 0, index, image);
    this.#written(start);
    if (lax) this.#statement(plan, STRICT);
    this.rows++;
  }

  #bind(plan: TablePlan, bulk: BulkPlan, follows: boolean, index: RowIndex, image: number): void {
    if (!follows) {
      this.#begin('bound', plan);
      this.bound.begin(plan, bulk, this.starts.length - 1);
    }
    this.bound.last.add(index, image);
    this.rows++;
  }

  /** With the row of the same key removed before, more than one affected row are rows of other keys. */
  #replaceAlone(plan: TablePlan, index: RowIndex, image: number): void {
    const out = this.#out;
    this.#begin('none', plan);
    out.bytes(plan.deleteHead);
    writeWhere(out, plan, index, image);
    const lax = needsLaxMode(plan, index, image);
    if (lax) this.#statement(plan, LAX);
    this.#begin('none', plan);
    out.bytes(plan.replaceHead);
    writeTuple(out, plan, 0, index, image);
    this.replaces.push(this.starts.length - 1);
    this.lastStatement = -1;
    if (lax) this.#statement(plan, STRICT);
    this.rows++;
  }

  /**
   * By key, as part of one DELETE with those before it; without a key one row of the same content. Where the
   * row may be gone already (`mayMiss`), that it is is not worth a warning.
   */
  delete(plan: TablePlan, index: RowIndex, image: number, mayMiss = false): void {
    const out = this.#out;
    const expected = mayMiss ? 0 : 1;
    // A server removes rows in the order of the key: a parent before a child of the same table.
    const open = plan.foreignKeys?.toItself === true ? 'none' : 'delete';
    if (plan.identity === null) {
      this.#begin('none', plan);
      out.bytes(plan.deleteHead);
      writeWhere(out, plan, index, image);
      out.ascii(' LIMIT 1');
      this.expected[this.expected.length - 1] = expected;
    } else if (comparesAsList(plan.where)) {
      const [key] = plan.where;
      if (this.#open === 'delete' && this.#plan === plan) {
        // Overwrites the closing bracket.
        out.length--;
        out.byte(COMMA);
      } else {
        this.#begin(open, plan);
        out.bytes(plan.deleteHead);
        out.utf8(key.name);
        out.ascii(' IN (');
      }
      const start = out.length;
      writeComparable(out, plan, key, index, image);
      this.#written(start);
      out.byte(CLOSE);
      this.expected[this.expected.length - 1] += expected;
    } else {
      if (this.#open === 'delete' && this.#plan === plan && !this.#compact) {
        out.ascii(' OR ');
      } else {
        this.#begin(open, plan);
        out.bytes(plan.deleteHead);
      }
      out.byte(OPEN);
      writeWhere(out, plan, index, image);
      out.byte(CLOSE);
      this.#written(this.starts[this.starts.length - 1]);
      this.expected[this.expected.length - 1] += expected;
    }
    this.rows++;
  }

  /**
   * Sets what has changed, and what the target would otherwise change by itself. With `keyKept` (the key
   * has the same bytes before and after) neighbours that change the same columns become one statement.
   * `also` names columns to set besides. Returns what is set, by place in `plan.columns`, valid until the
   * next update.
   */
  update(
    plan: TablePlan,
    index: RowIndex,
    before: number,
    after: number,
    keyKept = false,
    also: readonly number[] | null = null,
  ): readonly number[] {
    const out = this.#out;
    const lax = needsLaxMode(plan, index, after);
    const changed = changedColumns(this.#nowChanged, plan, index, before, after, also);
    if (keyKept && !lax && !this.#compact && plan.cases !== null && fitsCases(plan.cases, changed)) {
      this.#updateByCases(plan, plan.cases, changed, index, after);
      return changed;
    }
    // The key comes first in `columns`: where it would be set, nothing has changed or the target sets it.
    const mergeable =
      keyKept &&
      !lax &&
      plan.upserts !== null &&
      changed[0] >= plan.upserts.keyColumns &&
      rowBytes(index, after) <= MAX_UPSERT_ROW;
    const follows = this.#plan === plan && (this.#open === 'update' || this.#open === 'upsert');
    if (mergeable && follows && sameNumbers(changed, this.#changed)) {
      this.#joinUpsert(plan, plan.upserts.keyColumns, index, after);
      return changed;
    }
    if (lax) this.#statement(plan, LAX);
    this.#begin('none', plan);
    out.bytes(plan.updateHead);
    for (let i = 0; i < changed.length; i++) {
      if (i > 0) out.byte(COMMA);
      out.utf8(plan.assignments[changed[i]]);
      writeLiteral(out, plan, index, after, plan.columns[changed[i]]);
    }
    out.ascii(' WHERE ');
    writeWhere(out, plan, index, before);
    if (plan.identity === null) out.ascii(' LIMIT 1');
    this.expected[this.expected.length - 1] = 1;
    this.#written(this.starts[this.starts.length - 1]);
    if (lax) this.#statement(plan, STRICT);
    else if (mergeable) {
      this.#open = 'update';
      const tuple = (this.#tuple ??= new ByteWriter(256));
      tuple.reset();
      this.#tupleKeyEnd = writeTuple(tuple, plan, plan.upserts.keyColumns, index, after);
    }
    this.#nowChanged = this.#changed;
    this.#changed = changed;
    this.rows++;
    return changed;
  }

  #updateByCases(plan: TablePlan, cases: CasePlan, changed: number[], index: RowIndex, after: number): void {
    const update = (this.#cases ??= new CaseUpdate());
    const follows =
      this.#open === 'cases' &&
      this.#plan === plan &&
      sameNumbers(changed, this.#changed) &&
      update.add(plan, cases, changed, index, after);
    if (!follows) {
      this.#begin('cases', plan);
      update.begin(changed.length);
      update.add(plan, cases, changed, index, after);
      this.#nowChanged = this.#changed;
      this.#changed = changed;
    }
    this.expected[this.expected.length - 1] = update.rows;
    this.rows++;
  }

  /** The row that ends here began at `start`. */
  #written(start: number): void {
    if (!this.#compact) return;
    this.lastStatement = this.starts.length - 1;
    const spans = (this.#spans[this.lastStatement] ??= new RowSpans(this.lastStatement));
    this.lastRow = spans.addSpan(start, this.#out.length);
  }

  /** Takes a row out again; `expects` is what it has added to the rows that its statement should touch. */
  remove(statement: number, row: number, expects: number): void {
    if (statement === this.starts.length - 1) {
      this.#close();
      this.#open = 'none';
    }
    this.#spans[statement]?.remove(row);
    this.expected[statement] = Math.max(0, this.expected[statement] - expects);
    this.rows--;
  }

  #joinUpsert(plan: TablePlan, keyColumns: number, index: RowIndex, after: number): void {
    const out = this.#out;
    const tuple = this.#tuple;
    if (this.#open === 'update' && tuple !== null) {
      const statement = this.starts.length - 1;
      out.length = this.starts[statement];
      out.bytes(plan.insertHead);
      const start = out.length;
      out.bytes(tuple.buffer, 0, tuple.length);
      const upsert = new Upsert(plan, statement);
      upsert.add(start, start + this.#tupleKeyEnd, out.length);
      this.upserts.push(upsert);
      this.#spans[statement] = upsert;
      this.expected[statement] = 0;
      this.#open = 'upsert';
    }
    out.byte(COMMA);
    const start = out.length;
    const keyEnd = start + writeTuple(out, plan, keyColumns, index, after);
    this.lastStatement = this.starts.length - 1;
    this.lastRow = this.upserts[this.upserts.length - 1].add(start, keyEnd, out.length);
    this.rows++;
  }

  /** Ends a statement whose last words are still to be written. */
  #close(): void {
    if (this.#open === 'cases' && this.#plan !== null && this.#cases !== null) {
      this.#open = 'none';
      this.#cases.write(this.#out, this.#plan, this.#changed);
      return;
    }
    if (this.#open === 'bound') {
      this.#open = 'none';
      this.bound.endLast(this.#out);
      return;
    }
    if (this.#open !== 'upsert' || this.#plan?.upserts == null) return;
    this.#open = 'none';
    const { assignments } = this.#plan.upserts;
    this.#out.ascii(' ON DUPLICATE KEY UPDATE ');
    this.#changed.forEach((column, i) => {
      if (i > 0) this.#out.byte(COMMA);
      this.#out.utf8(assignments[column]);
    });
  }

  /** SELECTs that tell which rows of an upsert are there, one statement a row. */
  probes(upsert: Upsert): Buffer {
    return upsert.probes(this.#out.buffer);
  }

  /** Leaves out what has no row in the target (`isMissing` counts as `probes`); returns the keys. To be called when `finish` has been. */
  leaveOut(upsert: Upsert, isMissing: (row: number) => boolean): string[] {
    const { statement } = upsert;
    const missing = upsert.keys(this.#out.buffer).filter((_, i) => isMissing(i));
    for (const { row } of missing) upsert.remove(row);
    upsert.verified = true;
    upsert.blank(this.#out.buffer, this.starts[statement], this.#endOf(statement));
    return missing.map(({ key }) => `${key})`);
  }

  /** A statement of our own that belongs to the same transaction. */
  own(sql: string): void {
    this.#begin('none', null);
    this.#out.utf8(sql);
    this.rows++;
  }

  /** The bytes to send; `laneUpdate` is the statement that moves the lane's position. */
  finish(laneUpdate: string, withCommit: boolean): Buffer {
    this.#close();
    if (this.#bodyEnd === 0) {
      this.#bodyEnd = this.#out.length;
      for (const spans of this.#spans) {
        if (spans?.anyGone === true)
          spans.blank(this.#out.buffer, this.starts[spans.statement], this.#endOf(spans.statement));
      }
    }
    this.#out.length = this.#bodyEnd;
    this.#out.byte(SEMICOLON);
    this.#out.utf8(laneUpdate);
    const view = this.#out.view();
    return withCommit ? view : view.subarray(COMMIT.length);
  }

  /** What to send, where some rows are bound; `text` is what `finish` has returned. */
  parts(text: Buffer): (Buffer | BulkRows)[] {
    return this.bound.parts(text, this.starts, this.#out.length - text.length);
  }

  /** Bound rows become text. To be called after `finish`, which is to be called again. */
  useText(): void {
    if (!this.bound.any) return;
    const from = this.#out;
    const bound = new Map(this.bound.all.map((rows) => [rows.statement, rows]));
    const out = (this.#out = new ByteWriter(from.buffer.length + this.bytes * 2));
    out.ascii(HEAD);
    for (let i = 0; i < this.starts.length; i++) {
      if (i > 0) out.byte(SEMICOLON);
      const start = out.length;
      const rows = bound.get(i);
      if (rows === undefined) out.bytes(from.buffer, this.starts[i], this.#endOf(i));
      else rows.writeText(out);
      this.#spans[i]?.shift(start - this.starts[i]);
      this.starts[i] = start;
    }
    this.#bodyEnd = out.length;
    this.bound.reset();
  }

  /** Text of one statement of the body, for error messages. */
  statement(number: number, limit: number): string {
    const start = this.starts[number];
    if (start === undefined) return '';
    return this.#out.buffer.toString('utf8', start, Math.min(this.#endOf(number), start + limit));
  }

  /** A statement of the body as it is sent, valid until the packet changes. To be called after `finish`. */
  statementBytes(number: number): Buffer {
    return this.#out.buffer.subarray(this.starts[number], this.#endOf(number));
  }

  #endOf(statement: number): number {
    if (statement + 1 < this.starts.length) return this.starts[statement + 1] - 1;
    return this.#bodyEnd === 0 ? this.#out.length : this.#bodyEnd;
  }

  #statement(plan: TablePlan, sql: string): void {
    this.#begin('none', plan);
    this.#out.ascii(sql);
  }

  #begin(open: OpenStatement, plan: TablePlan | null): void {
    this.#close();
    if (this.starts.length > 0) this.#out.byte(SEMICOLON);
    this.starts.push(this.#out.length);
    this.expected.push(0);
    this.plans.push(plan);
    this.#open = open;
    this.#plan = plan;
  }
}

function fitsCases(cases: CasePlan, changed: readonly number[]): boolean {
  if (changed.length > MAX_CASE_COLUMNS) return false;
  for (const column of changed) if (cases.fits[column] === 0) return false;
  return true;
}
