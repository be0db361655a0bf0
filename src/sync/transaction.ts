/** The transaction that is being read. One object, refilled, since there is one a transaction. */
export class Transaction {
  open = false;
  gtid = '';
  /** Where its first event begins: its place in the order of the stream. */
  name = '';
  pos = 0;
  /** Where the event ends that is being applied. */
  eventEnd = 0;
  /** Rows seen so far; a row's ordinal counts from 1. */
  row = 0;
  /** Rows that were handed on before the stream broke and is read again. */
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
    this.handedOn = 0;
    this.timestamp = timestamp;
    this.explicit = explicit;
  }

  end(): void {
    this.open = false;
  }
}
