/** A lane's connection that tells how long the target takes for what the lane sends. */
import type { Session, StatementResult } from '../mysql/session.js';
import type { SyncTime } from './sync-time.js';

export class TimedSession implements Session {
  readonly #session: Session;
  readonly #time: SyncTime;
  readonly query: Session['query'];
  readonly stream: Session['stream'];
  readonly loadData: Session['loadData'];

  constructor(session: Session, time: SyncTime) {
    this.#session = session;
    this.#time = time;
    this.query = (sql) => session.query(sql);
    this.stream = (sql, onRow, options) => session.stream(sql, onRow, options);
    this.loadData = (sql, chunks) => session.loadData(sql, chunks);
  }

  /** Packets are bytes; of what lanes send as text only COMMIT is part of the work. */
  execute(sql: Buffer | string): Promise<StatementResult[]> {
    const answer = this.#session.execute(sql);
    if (sql === 'COMMIT') return this.#time.commit.during(answer);
    return typeof sql === 'string' ? answer : this.#time.execute.during(answer);
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
