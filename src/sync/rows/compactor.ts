/**
 * `compact: true`: within a packet, a change takes the place of the one before of the same key, as DM's
 * compactor does: INSERT + UPDATE = INSERT, INSERT + DELETE = DELETE, UPDATE + UPDATE = UPDATE,
 * UPDATE + DELETE = DELETE, DELETE + INSERT = REPLACE; an UPDATE of the key counts as DELETE + INSERT.
 *
 * The change before is taken out and the new one stands at its own place in the order. So it is left alone
 * where another row may have relied on it: where it has let go of the value of another unique key.
 * Tables without a key and changes in safe mode are never compacted.
 */
import type { RowIndex } from '../../binlog/rows.js';
import type { Packet } from '../lanes/packet.js';
import { keyHash, keyUnchanged, type TablePlan } from '../lanes/plan.js';

export interface Compacted {
  readonly plan: TablePlan;
  /** The key's bytes: two keys of one hash are two keys. */
  readonly key: string;
  readonly kind: 'insert' | 'replace' | 'update' | 'delete';
  readonly statement: number;
  readonly row: number;
  /** What the row has added to the rows that its statement should touch. */
  readonly expects: number;
  /** Of an update: what it sets, by place in `plan.columns`. */
  readonly changed: readonly number[] | null;
  /** Of an update: no other unique key changes. */
  readonly uniquesKept: boolean;
}

export function isCompactable(plan: TablePlan): boolean {
  return plan.identity !== null && plan.foreignKeys === null;
}

export function compactInsert(packet: Packet, plan: TablePlan, index: RowIndex, image: number): void {
  const { key, hash, last } = lastOf(packet, plan, index, image);
  const replace = last?.kind === 'delete' && plan.uniques.length === 0;
  if (replace) take(packet, last);
  packet.insert(plan, index, image, replace);
  note(packet, hash, { plan, key, kind: replace ? 'replace' : 'insert' });
}

export function compactDelete(packet: Packet, plan: TablePlan, index: RowIndex, image: number): void {
  const { key, hash, last } = lastOf(packet, plan, index, image);
  const inserted = last?.kind === 'insert' || last?.kind === 'replace';
  if (last !== null && (inserted || (last.kind === 'update' && last.uniquesKept))) take(packet, last);
  packet.delete(plan, index, image, inserted);
  note(packet, hash, { plan, key, kind: 'delete', expects: inserted ? 0 : 1 });
}

/** The key stays, or both its values are of this packet's lane. */
export function compactUpdate(
  packet: Packet,
  plan: TablePlan,
  index: RowIndex,
  before: number,
  after: number,
  keyKept: boolean,
): void {
  if (!keyKept) {
    compactDelete(packet, plan, index, before);
    compactInsert(packet, plan, index, after);
    return;
  }
  const { key, hash, last } = lastOf(packet, plan, index, after);
  const uniquesKept = plan.uniques.every((unique) => keyUnchanged(unique, index, before, after));
  if (last !== null && uniquesKept && (last.kind === 'insert' || last.kind === 'replace')) {
    take(packet, last);
    packet.insert(plan, index, after, last.kind === 'replace');
    note(packet, hash, { plan, key, kind: last.kind });
    return;
  }
  const merges = last?.kind === 'update' && last.uniquesKept && uniquesKept;
  if (merges) take(packet, last);
  const changed = packet.update(plan, index, before, after, true, merges ? last.changed : null);
  note(packet, hash, { plan, key, kind: 'update', expects: 1, changed: changed.slice(), uniquesKept });
}

/** What is given out otherwise: nothing may take its place or go round it. */
export function notCompacted(packet: Packet, plan: TablePlan, index: RowIndex, image: number): void {
  if (plan.identity !== null) packet.compacted.delete(keyHash(plan, plan.identity, index, image));
}

function lastOf(
  packet: Packet,
  plan: TablePlan,
  index: RowIndex,
  image: number,
): { key: string; hash: number; last: Compacted | null } {
  const hash = plan.identity === null ? -1 : keyHash(plan, plan.identity, index, image);
  const key = keyBytes(plan, index, image);
  const last = packet.compacted.get(hash);
  return { key, hash, last: last?.plan === plan && last.key === key ? last : null };
}

function take(packet: Packet, last: Compacted): void {
  packet.remove(last.statement, last.row, last.expects);
}

function note(
  packet: Packet,
  hash: number,
  change: Pick<Compacted, 'plan' | 'key' | 'kind'> & Partial<Compacted>,
): void {
  const { lastStatement: statement, lastRow: row } = packet;
  if (statement < 0) packet.compacted.delete(hash);
  else
    packet.compacted.set(hash, { expects: 0, changed: null, uniquesKept: true, ...change, statement, row });
}

function keyBytes(plan: TablePlan, index: RowIndex, image: number): string {
  let key = '';
  for (const { column } of plan.where) {
    const at = image * index.columnCount + column;
    const start = index.starts[at];
    const length = index.lengths[at];
    key += start < 0 ? 'N' : `${length}:${index.buf.latin1Slice(start, start + length)}`;
  }
  return key;
}
