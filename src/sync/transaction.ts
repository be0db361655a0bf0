/** Rows of one event have ordinals below this apart; 2^29 events fit into a double. */
const EVENT_STEP = 2 ** 24;

/** The transaction that is being read. One object, refilled, since there is one a transaction. */
export class Transaction {
  open = false;
  gtid = '';
  /** Where its first event begins: its place in the order of the stream. */
  name = '';
  pos = 0;
  /** Where the event ends that is being applied. */
  eventEnd = 0;
  /**
   * Ordinal of the row that is being applied, 0 before the first: the number of its event among all rows
   * events of the transaction, migrated or not, and its image within the event. So it is the same whatever
   * filters and routes are in force when the transaction is read again.
   */
  row = 0;
  #eventBase = 0;
  /** Last ordinal that was handed on before the stream broke and is read again. */
  handedOn = 0;
  timestamp = 0;
  /** Ends by XID or COMMIT; otherwise it is one statement. */
  explicit = false;

  begin(gtid: string, name: string, pos: number, timestamp: number, explicit: boolean): void {
    this.open = true;
    this.gtid = gtid;
    this.name = name;
    this.pos = pos;
    this.row = 0;
    this.#eventBase = 0;
    this.handedOn = 0;
    this.timestamp = timestamp;
    this.explicit = explicit;
  }

  /** To be called for each rows event, in order; returns its number. */
  beginRows(): number {
    this.#eventBase += EVENT_STEP;
    return this.#eventBase;
  }

  /** For rows that were kept until the transaction's end. */
  returnTo(rowsEvent: number): void {
    this.#eventBase = rowsEvent;
  }

  /** Moves to a row of the event. */
  atImage(image: number): void {
    this.row = this.#eventBase + image + 1;
  }

  end(): void {
    this.open = false;
  }
}
