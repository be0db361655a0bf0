/** What decides how SQL text is read: whose server took it, in which version, under which sql_mode. */
import type { Flavor } from '../model/stage.js';

export type SqlFlavor = Flavor | 'tidb';

export interface Dialect {
  readonly flavor: SqlFlavor;
  /** As the server prints it: `8.0.36`, `10.11.6-MariaDB-log`; '' = a recent one. */
  readonly serverVersion: string;
  readonly ansiQuotes: boolean;
  readonly noBackslashEscapes: boolean;
}

export const RECENT = 999_999;

/** `8.0.36` -> 80036, `10.11.6-MariaDB` -> 101106, `5.5.5-10.4.3-MariaDB` -> 100403. */
export function versionNumber(serverVersion: string): number {
  const text = serverVersion.replace(/^5\.5\.5-(?=\d)/, '');
  const match = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (!match) return RECENT;
  return Number(match[1]) * 10_000 + Number(match[2]) * 100 + Number(match[3] ?? 0);
}

/** Bits of sql_mode as the binlog's query events carry it. */
export const SQL_MODE_ANSI_QUOTES = 4n;
export const SQL_MODE_NO_BACKSLASH_ESCAPES = 0x100000n;
