/** MariaDB GTID positions: the last transaction of each replication domain. */
import { GtidSyntaxError, readNumber } from './gtid-syntax.js';

interface Last {
  server: number;
  seq: number;
}

/**
 * A MariaDB position, `domain-server-seq,...`. Within a domain the sequence numbers rise, so the last one
 * stands for all before it.
 */
export class MariaDbGtidSet {
  readonly flavor = 'mariadb';
  readonly #domains = new Map<number, Last>();

  /** Throws GtidSyntaxError, also when a domain is named twice. */
  static parse(text: string): MariaDbGtidSet {
    const set = new MariaDbGtidSet();
    let at = 0;
    const blank = (): void => {
      while (at < text.length && ' \t\r\n'.includes(text[at])) at++;
    };
    blank();
    if (at >= text.length) return set;
    for (;;) {
      blank();
      const start = at;
      const parts: number[] = [];
      for (let i = 0; i < 3; i++) {
        const number = readNumber(text, at);
        if (i < 2 && number.value > 0xffffffff) throw new GtidSyntaxError(text, at, 'a 32-bit number');
        parts.push(number.value);
        at = number.next;
        if (i < 2) {
          if (text[at] !== '-') throw new GtidSyntaxError(text, at, "'-'");
          at++;
        }
      }
      if (set.#domains.has(parts[0])) {
        throw new GtidSyntaxError(text, start, `only one GTID of domain ${parts[0]}`);
      }
      set.#domains.set(parts[0], { server: parts[1], seq: parts[2] });
      blank();
      if (at >= text.length) return set;
      if (text[at] !== ',') throw new GtidSyntaxError(text, at, "',' or the end");
      at++;
    }
  }

  clone(): MariaDbGtidSet {
    const copy = new MariaDbGtidSet();
    for (const [domain, last] of this.#domains) copy.#domains.set(domain, { ...last });
    return copy;
  }

  get isEmpty(): boolean {
    return this.#domains.size === 0;
  }

  /** Moves a domain's position to `gtid`; an older one of the same domain changes nothing. */
  add(gtid: string): void {
    const first = gtid.indexOf('-');
    const second = gtid.indexOf('-', first + 1);
    const domain = Number(gtid.slice(0, first));
    const server = Number(gtid.slice(first + 1, second));
    const seq = Number(gtid.slice(second + 1));
    if (first < 1 || second < 0 || !Number.isSafeInteger(seq) || Number.isNaN(domain + server)) {
      throw new GtidSyntaxError(gtid, 0, 'a GTID');
    }
    this.#raise(domain, server, seq);
  }

  #raise(domain: number, server: number, seq: number): void {
    const last = this.#domains.get(domain);
    if (!last) this.#domains.set(domain, { server, seq });
    else if (seq > last.seq) {
      last.server = server;
      last.seq = seq;
    }
  }

  union(other: MariaDbGtidSet): void {
    for (const [domain, last] of other.#domains) this.#raise(domain, last.server, last.seq);
  }

  /** Forgets the domains that `other` has reached. */
  subtract(other: MariaDbGtidSet): void {
    for (const [domain, last] of other.#domains) {
      const own = this.#domains.get(domain);
      if (own && own.seq <= last.seq) this.#domains.delete(domain);
    }
  }

  contains(other: MariaDbGtidSet): boolean {
    for (const [domain, last] of other.#domains) {
      const own = this.#domains.get(domain);
      if (!own || own.seq < last.seq) return false;
    }
    return true;
  }

  has(gtid: string): boolean {
    return this.contains(MariaDbGtidSet.parse(gtid));
  }

  equals(other: MariaDbGtidSet): boolean {
    return this.toString() === other.toString();
  }

  toString(): string {
    return [...this.#domains]
      .sort((a, b) => a[0] - b[0])
      .map(([domain, last]) => `${domain}-${last.server}-${last.seq}`)
      .join(',');
  }
}
