/**
 * Dates and times as values that compare with `<`: a DATE is `YYYY-MM-DD`, a DATETIME always has six
 * digits of fraction, `YYYY-MM-DD hh:mm:ss.ffffff`; a TIME is a number of microseconds.
 */

const DATE = /^(\d{4})-(\d{1,2})-(\d{1,2})$/;
const DATETIME =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,6}))?)?)?([+-]\d\d:\d\d)?$/;
const TIME = /^(-?)(\d{1,3}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,6}))?)?$/;

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');

/** 400 years before year 1 as well: Date takes any of our years through setUTCFullYear. */
function utc(year: number, month: number, day: number): Date {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date;
}

export function isRealDate(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  return utc(year, month, day).getUTCDate() === day && day <= 31;
}

/** undefined where the text is no date of the plain form. */
export function parseDate(text: string): string | undefined {
  const match = DATE.exec(text);
  if (!match) return undefined;
  const [, y, m, d] = match;
  if (!isRealDate(Number(y), Number(m), Number(d))) return undefined;
  return `${y}-${m.padStart(2, '0')}-${d.padStart(2, '0')}`;
}

/** With an offset such as +08:00 the result is in UTC. undefined where the text is not of the plain form. */
export function parseDatetime(text: string): string | undefined {
  const match = DATETIME.exec(text.trim());
  if (!match) return undefined;
  const [, y, m, d, h = '0', min = '0', s = '0', f = '', offset] = match;
  if (!isRealDate(Number(y), Number(m), Number(d))) return undefined;
  if (Number(h) > 23 || Number(min) > 59 || Number(s) > 59) return undefined;
  const two = (part: string) => part.padStart(2, '0');
  const plain = `${y}-${two(m)}-${two(d)} ${two(h)}:${two(min)}:${two(s)}.${f.padEnd(6, '0')}`;
  if (offset === undefined) return plain;
  if (match[4] === undefined) return undefined;
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4));
  if (minutes > 14 * 60 || Number(offset.slice(4)) > 59) return undefined;
  return shiftMicros(plain, (offset.startsWith('-') ? 1n : -1n) * BigInt(minutes) * 60_000_000n) ?? undefined;
}

export function parseTime(text: string): number | undefined {
  const match = TIME.exec(text);
  if (!match) return undefined;
  const [, sign, h, m, s = '0', f = ''] = match;
  if (Number(h) > 838 || Number(m) > 59 || Number(s) > 59) return undefined;
  const micros = (Number(h) * 3600 + Number(m) * 60 + Number(s)) * 1e6 + Number(f.padEnd(6, '0'));
  return sign === '-' ? -micros : micros;
}

/** A column's text (any fraction length, also zero parts) as a DATETIME value. */
export function datetimeOfColumn(text: string): string {
  return text.length === 26 ? text : `${text}${'.000000'.slice(text.length - 19)}`;
}

export function midnight(date: string): string {
  return `${date} 00:00:00.000000`;
}

export const year = (value: string): number => Number(value.slice(0, 4));
export const month = (value: string): number => Number(value.slice(5, 7));
export const day = (value: string): number => Number(value.slice(8, 10));

/** A zero in month or day: most functions give NULL or something odd for such a date. */
export function isPartial(value: string): boolean {
  return !isRealDate(year(value), month(value), day(value));
}

const DAY_MS = 86_400_000;
/** TO_DAYS('1970-01-01'). */
const EPOCH_DAYS = 719_528;

/** Days since year 0, as TO_DAYS counts. */
export function dayNumber(value: string): number {
  return Math.round(utc(year(value), month(value), day(value)).getTime() / DAY_MS) + EPOCH_DAYS;
}

export function dateOfDayNumber(days: number): string {
  const date = new Date((days - EPOCH_DAYS) * DAY_MS);
  return `${pad(date.getUTCFullYear(), 4)}-${pad(date.getUTCMonth() + 1, 2)}-${pad(date.getUTCDate(), 2)}`;
}

/** Microseconds within the day. */
function microsOfDay(value: string): number {
  const seconds =
    Number(value.slice(11, 13)) * 3600 + Number(value.slice(14, 16)) * 60 + Number(value.slice(17, 19));
  return seconds * 1e6 + Number(value.slice(20, 26));
}

/** null where the result is outside of the years 0 to 9999. */
export function shiftMicros(value: string, micros: bigint): string | null {
  const perDay = 86_400_000_000n;
  const all = BigInt(dayNumber(value)) * perDay + BigInt(microsOfDay(value)) + micros;
  const days = all / perDay;
  if (all < 0n || days < 366n || days > 3_652_424n) return null;
  const rest = Number(all % perDay);
  const seconds = Math.floor(rest / 1e6);
  const clock = `${pad(Math.floor(seconds / 3600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}`;
  return `${dateOfDayNumber(Number(days))} ${clock}.${pad(rest % 1e6, 6)}`;
}

/** The last day of a shorter month stands for a day that it lacks. */
export function shiftMonths(value: string, months: number): string | null {
  const index = year(value) * 12 + month(value) - 1 + months;
  if (index < 0 || index >= 120_000) return null;
  const y = Math.floor(index / 12);
  const m = (index % 12) + 1;
  let d = day(value);
  while (!isRealDate(y, m, d)) d--;
  return `${pad(y, 4)}-${pad(m, 2)}-${pad(d, 2)}${value.slice(10)}`;
}

/** Milliseconds since 1970 as a DATETIME in UTC. */
export function datetimeOfMs(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23).replace('T', ' ')}000`;
}

/** Text of a DATETIME with so many digits of fraction, cut. */
export function datetimeText(value: string, fsp: number): string {
  return fsp === 0 ? value.slice(0, 19) : value.slice(0, 20 + fsp);
}
