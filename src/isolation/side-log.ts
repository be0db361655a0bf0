/**
 * Writes the side log: one lane of a stream of its own (sync/lane.ts), so that entries are committed in
 * order, exactly once, and by nobody but the owner.
 */
import type { Ownership } from '../checkpoint/ownership.js';
import { text } from '../checkpoint/tables.js';
import type { Session } from '../mysql/session.js';
import type { Clock, Log } from '../runtime/ports.js';
import { Lane } from '../sync/lanes/lane.js';
import { Packet } from '../sync/lanes/packet.js';
import type { Transaction } from '../sync/transaction.js';
import type { EntryKind } from './entry.js';
import type { ParkedTable } from './parked-table.js';
import type { IsolationStore } from './store.js';

export interface SideLogOptions {
  readonly owner: Ownership;
  readonly store: IsolationStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly connect: () => Promise<Session>;
  readonly retryMs: number;
  /** Sequence numbers of the stream that is read. */
  readonly takeSeq: () => number;
  readonly onFailure: (error: unknown) => void;
}

/** Of a payload; twice as much goes over the wire. */
const PART_BYTES = 1024 * 1024;
const PACKET_BYTES = 1024 * 1024;
const PACKET_ENTRIES = 200;
const MAX_QUEUED_BYTES = 8 * 1024 * 1024;

export class SideLog {
  readonly #options: SideLogOptions;
  readonly #lane: Lane;
  readonly #sizes = new Map<Packet, number>();
  #queued = 0;
  /** Makes each packet's position another one, by which the lane knows what has been committed. */
  #count: number;
  #room: (() => void)[] = [];
  #running: Promise<void> = Promise.resolve();

  constructor(options: SideLogOptions) {
    this.#options = options;
    const [row] = options.owner.lanes;
    this.#count = row.position.row;
    this.#lane = new Lane({
      owner: options.owner,
      row,
      clock: options.clock,
      log: options.log,
      connect: options.connect,
      retryMs: options.retryMs,
      isMet: () => true,
      onCommit: (_lane, packet) => this.#committed(packet),
    });
  }

  get firstUncommitted(): number {
    return this.#lane.firstUncommitted;
  }

  start(): void {
    this.#running = this.#lane.run().catch((error: unknown) => this.#options.onFailure(error));
  }

  /** Appends an entry and moves on how far the table's changes are kept. */
  append(table: ParkedTable, kind: EntryKind, payload: Buffer, at: Transaction, row: number): void {
    const { store, takeSeq } = this.#options;
    const seq = table.nextSeq();
    const where = store.where(table.number);
    const place = text(`${at.name}:${at.pos}`);
    const head =
      `REPLACE INTO ${store.tables.log} (id, table_no, seq, part, kind, place, payload) VALUES` +
      ` (${text(this.#options.owner.sourceId)},${table.number},${seq}`;
    const first = takeSeq();
    let part = 0;
    for (let from = 0; part === 0 || from < payload.length; from += PART_BYTES, part++) {
      const bytes = payload.subarray(from, from + PART_BYTES);
      const packet = this.#packet(first);
      packet.own(`${head},${part},'${kind}',${place},X'${bytes.toString('hex')}')`);
      if (from + PART_BYTES >= payload.length) {
        // The place of a change is only reached with the change itself.
        const reached =
          kind === 'table'
            ? ''
            : `,changes=changes+1,logged_name=${text(at.name)},logged_pos=${at.pos},` +
              `logged_gtid=${text(at.gtid)},logged_row=${row}`;
        packet.own(
          `UPDATE ${store.tables.parked} SET last_seq=${seq},bytes=bytes+${payload.length}${reached} WHERE ${where}`,
        );
      }
      this.#appended(packet, first, at);
    }
    table.kept(kind, payload.length, at, row);
  }

  /** Resolves when not too much waits to be written. */
  room(): Promise<void> | undefined {
    if (this.#queued <= MAX_QUEUED_BYTES) return undefined;
    this.#lane.kick();
    return new Promise((resolve) => this.#room.push(resolve));
  }

  pump(): void {
    if (this.#lane.open !== null) this.#lane.kick();
  }

  /** Resolves when all is committed; never where the log fails (`onFailure`). */
  async drain(): Promise<void> {
    const lane = this.#lane;
    lane.seal();
    if (lane.lastSeq === 0) return;
    await new Promise<void>((resolve) => {
      if (lane.reached(lane.lastSeq, resolve)) resolve();
    });
  }

  async end(): Promise<void> {
    this.#lane.end();
    for (const resolve of this.#room.splice(0)) resolve();
    await this.#running;
  }

  destroy(): void {
    this.#lane.destroy();
  }

  #packet(seq: number): Packet {
    const lane = this.#lane;
    if (lane.open !== null) return lane.open;
    const packet = new Packet();
    packet.firstSeq = seq;
    lane.open = packet;
    return packet;
  }

  #appended(packet: Packet, seq: number, at: Transaction): void {
    packet.lastSeq = seq;
    this.#lane.lastSeq = seq;
    packet.name = at.name;
    packet.pos = at.pos;
    packet.gtid = at.gtid;
    packet.row = ++this.#count;
    packet.timestamp = at.timestamp;
    const before = this.#sizes.get(packet) ?? 0;
    this.#sizes.set(packet, packet.bytes);
    this.#queued += packet.bytes - before;
    if (packet.bytes >= PACKET_BYTES || packet.rows >= PACKET_ENTRIES) this.#lane.seal();
  }

  #committed(packet: Packet): void {
    this.#queued -= this.#sizes.get(packet) ?? 0;
    this.#sizes.delete(packet);
    if (this.#queued * 2 < MAX_QUEUED_BYTES) for (const resolve of this.#room.splice(0)) resolve();
  }
}
