/** What the sync units of a round have warned of, and which of it must not be. */
import type { Log, LogFields } from '../../src/runtime/ports.js';

const KEPT = 12;

/** Passes everything on, and remembers warnings. */
export class Noticed implements Log {
  readonly #to: Log;
  readonly #fields: LogFields;
  readonly #found: string[];
  readonly #lost: string[];

  constructor(to: Log, fields: LogFields = {}, found: string[] = [], lost: string[] = []) {
    this.#to = to;
    this.#fields = fields;
    this.#found = found;
    this.#lost = lost;
  }

  /** The last warnings and errors, oldest first. */
  get last(): readonly string[] {
    return this.#found;
  }

  /** Changes that have not found their row, though all before them had been applied: the first ones. */
  get lostRows(): readonly string[] {
    return this.#lost;
  }

  child(fields: LogFields): Log {
    return new Noticed(this.#to.child(fields), { ...this.#fields, ...fields }, this.#found, this.#lost);
  }

  debug(message: string, fields?: LogFields): void {
    this.#to.debug(message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#to.info(message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    const text = this.#note(message, fields);
    if (message.includes('found fewer rows') && this.#lost.length < KEPT) this.#lost.push(text);
    this.#to.warn(message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#note(message, fields);
    this.#to.error(message, fields);
  }

  #note(message: string, fields: LogFields = {}): string {
    const text = `${message} ${JSON.stringify({ ...this.#fields, ...fields })}`;
    this.#found.push(text);
    if (this.#found.length > KEPT) this.#found.shift();
    return text;
  }
}
