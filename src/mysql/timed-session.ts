/** A connection that tells how long the server takes for what is sent, COMMIT apart. */
import type { BusyTimer } from '../metrics/phase-timer.js';
import type { ArrayBinding, Session, StatementResult } from './session.js';

export interface ServerTime {
  readonly execute: BusyTimer;
  readonly commit: BusyTimer;
}

export class TimedSession implements Session {
  readonly #session: Session;
  readonly #time: ServerTime;
  readonly query: Session['query'];
  readonly stream: Session['stream'];
  readonly loadData: Session['loadData'];
  readonly arrays?: ArrayBinding;

  constructor(session: Session, time: ServerTime) {
    this.#session = session;
    this.#time = time;
    this.query = (sql) => session.query(sql);
    this.stream = (sql, onRow, options) => session.stream(sql, onRow, options);
    const { arrays } = session;
    this.arrays = arrays && {
      prepare: (sql) => arrays.prepare(sql),
      send: (parts) => time.execute.during(arrays.send(parts)),
    };
    this.loadData = (sql, chunks) => time.execute.during(session.loadData(sql, chunks));
  }

  execute(sql: Buffer | string): Promise<StatementResult[]> {
    const answer = this.#session.execute(sql);
    return (sql === 'COMMIT' ? this.#time.commit : this.#time.execute).during(answer);
  }

  get threadId(): number {
    return this.#session.threadId;
  }

  get serverVersion(): string {
    return this.#session.serverVersion;
  }

  get isMariaDb(): boolean {
    return this.#session.isMariaDb;
  }

  get closed(): boolean {
    return this.#session.closed;
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  destroy(): void {
    this.#session.destroy();
  }
}
