/** Reads the side log in pieces of bounded size. */
import type { Session } from '../mysql/session.js';
import type { Entry, EntryKind } from './entry.js';
import type { ParkedTable } from './parked-table.js';
import type { IsolationStore } from './store.js';

const PAGE_PARTS = 1000;
const PAGE_BYTES = 4 * 1024 * 1024;

/** The next entries after what is applied, whole ones that are committed; empty at the end. */
export async function readPage(
  session: Session,
  store: IsolationStore,
  table: ParkedTable,
): Promise<Entry[]> {
  const where = store.where(table.number);
  const committed = `(SELECT last_seq FROM ${store.tables.parked} WHERE ${where})`;
  const range = `${where} AND seq>${table.appliedSeq} AND seq<=${committed}`;
  const sizes = await session.query(
    `SELECT seq, LENGTH(payload) AS size FROM ${store.tables.log} WHERE ${range} ORDER BY seq, part LIMIT ${PAGE_PARTS}`,
  );
  const [first] = sizes;
  if (first === undefined) return [];
  let last = Number(first.seq);
  let bytes = 0;
  for (const { seq, size } of sizes) {
    bytes += Number(size);
    if (bytes > PAGE_BYTES) break;
    last = Number(seq);
  }
  return read(session, store, `${where} AND seq>${table.appliedSeq} AND seq<=${last}`);
}

/** Table maps and structures that entries still to be applied may refer to. */
export function readTables(session: Session, store: IsolationStore, table: ParkedTable): Promise<Entry[]> {
  return read(session, store, `${store.where(table.number)} AND kind='table'`);
}

async function read(session: Session, store: IsolationStore, where: string): Promise<Entry[]> {
  const rows = await session.query(
    `SELECT seq, kind, place, HEX(payload) AS payload FROM ${store.tables.log} WHERE ${where} ORDER BY seq, part`,
  );
  const entries: { seq: number; kind: EntryKind; place: string; parts: Buffer[] }[] = [];
  for (const row of rows) {
    const seq = Number(row.seq);
    const part = Buffer.from(row.payload ?? '', 'hex');
    const before = entries[entries.length - 1];
    if (before?.seq === seq) before.parts.push(part);
    else entries.push({ seq, kind: row.kind as EntryKind, place: row.place ?? '', parts: [part] });
  }
  return entries.map(({ seq, kind, place, parts }) => ({ seq, kind, place, payload: Buffer.concat(parts) }));
}
