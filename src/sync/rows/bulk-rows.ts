/** Rows of one INSERT in the form of MariaDB's array binding, from which the text can be made as well. */
import type { RowIndex } from '../../binlog/rows.js';
import { BOUND_NULL, BOUND_VALUE } from '../../mysql/bulk.js';
import { ByteWriter } from '../../mysql/byte-writer.js';
import type { TablePlan } from '../lanes/plan.js';
import type { BulkPlan } from './bulk-plan.js';

const COMMA = 0x2c;
const OPEN = 0x28;
const CLOSE = 0x29;

export class BulkRows {
  readonly #out = new ByteWriter(4 * 1024);
  #plan: TablePlan | null = null;
  #bulk: BulkPlan | null = null;
  /** Number of the statement in the packet. */
  statement = 0;
  rows = 0;

  begin(plan: TablePlan, bulk: BulkPlan, statement: number): void {
    this.#plan = plan;
    this.#bulk = bulk;
    this.statement = statement;
    this.rows = 0;
    this.#out.reset();
    this.#out.bytes(bulk.head);
  }

  get bytes(): number {
    return this.#out.length;
  }

  get capacity(): number {
    return this.#out.buffer.length;
  }

  /** Statement to prepare. */
  get sql(): string {
    return this.#bulk?.sql ?? '';
  }

  /** Body of the command, valid until rows are added; its first 4 bytes are the sender's. */
  get body(): Buffer {
    return this.#out.view();
  }

  add(index: RowIndex, image: number): void {
    const [plan, bulk] = [this.#plan, this.#bulk];
    if (plan === null || bulk === null) throw new Error('invariant broken: rows of no table');
    const out = this.#out;
    const { columns } = plan;
    const { bindings } = bulk;
    const { buf, starts, lengths } = index;
    const base = image * index.columnCount;
    for (let i = 0; i < columns.length; i++) {
      const at = base + columns[i];
      const start = starts[at];
      if (start < 0) out.byte(BOUND_NULL);
      else {
        out.byte(BOUND_VALUE);
        bindings[i].bind(buf, start, lengths[at], out);
      }
    }
    this.rows++;
  }

  /** The same as text, as it would have been written from the event. */
  writeText(into: ByteWriter): void {
    const [plan, bulk] = [this.#plan, this.#bulk];
    if (plan === null || bulk === null) throw new Error('invariant broken: rows of no table');
    const { bindings, head } = bulk;
    const from = this.#out.buffer;
    into.bytes(plan.insertHead);
    for (let row = 0, at = head.length; row < this.rows; row++) {
      if (row > 0) into.byte(COMMA);
      into.byte(OPEN);
      for (let i = 0; i < bindings.length; i++) {
        if (i > 0) into.byte(COMMA);
        if (from[at++] === BOUND_NULL) into.ascii('NULL');
        else at = bindings[i].unbind(from, at, into);
      }
      into.byte(CLOSE);
    }
  }
}
