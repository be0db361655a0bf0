/** Functions of dates and times. The time zone is UTC, as the manual (1.4.3.3) has it for TIMESTAMP. */
import { asDatetime, temporalConstant } from './compare.js';
import { arity, strict, type Builder } from './functions.js';
import { INT, nullNode, type CompileContext, type Node, type SqlType, type Value } from './node.js';
import { Refusal, rowError } from './problem.js';
import * as t from './temporal.js';

/** A date or datetime; a text constant is read as one. */
function dateArgument(node: Node, at: number): Node {
  const { type } = node;
  if (type.t === 'string') return temporalConstant(node, { t: 'date' });
  if (type.t === 'date' || type.t === 'datetime' || type.t === 'null') return node;
  throw new Refusal(`a ${type.t} is no date here: use CAST`, at);
}

function part(read: (value: string) => number | null): Builder {
  return (args, at) => {
    arity(args, 1, 1, at);
    const node = dateArgument(args[0], at);
    return strict(INT, [node], at, ([value]) => read(value as string));
  };
}

/** Of a real date only; NULL for one with zero parts. */
function realPart(read: (value: string) => number): Builder {
  return part((value) => (t.isPartial(value) ? null : read(value)));
}

/** Hour, minute, second, microsecond: of a TIME, a DATETIME or a DATE. */
function clockPart(ofTime: (micros: number) => number, from: number, to: number): Builder {
  return (args, at) => {
    arity(args, 1, 1, at);
    const [node] = args;
    if (node.type.t === 'time') return strict(INT, args, at, ([value]) => ofTime(Math.abs(value as number)));
    const date = dateArgument(node, at);
    const run = (value: Value) => Number((value as string).slice(from, to) || '0');
    return strict(INT, [date], at, ([value]) => run(value));
  };
}

/** 1 = Sunday. Day 1 of the count was a Saturday before. */
const dayOfWeek = (value: string): number => ((t.dayNumber(value) + 6) % 7) + 1;

const DATE_FUNCTIONS: Readonly<Record<string, Builder>> = {
  YEAR: part(t.year),
  MONTH: part(t.month),
  DAY: part(t.day),
  DAYOFMONTH: part(t.day),
  QUARTER: part((value) => Math.ceil(t.month(value) / 3)),
  DAYOFWEEK: realPart(dayOfWeek),
  WEEKDAY: realPart((value) => (t.dayNumber(value) + 5) % 7),
  DAYOFYEAR: realPart((value) => t.dayNumber(value) - t.dayNumber(`${value.slice(0, 4)}-01-01`) + 1),
  TO_DAYS: realPart(t.dayNumber),
  HOUR: clockPart((micros) => Math.floor(micros / 3.6e9), 11, 13),
  MINUTE: clockPart((micros) => Math.floor(micros / 6e7) % 60, 14, 16),
  SECOND: clockPart((micros) => Math.floor(micros / 1e6) % 60, 17, 19),
  MICROSECOND: clockPart((micros) => micros % 1e6, 20, 26),
  DATEDIFF(args, at) {
    arity(args, 2, 2, at);
    const dates = args.map((arg) => dateArgument(arg, at));
    return strict(INT, dates, at, ([a, b]) => {
      if (t.isPartial(a as string) || t.isPartial(b as string)) return null;
      return t.dayNumber(a as string) - t.dayNumber(b as string);
    });
  },
  DATE(args, at) {
    arity(args, 1, 1, at);
    return strict({ t: 'date' }, [dateArgument(args[0], at)], at, ([value]) =>
      (value as string).slice(0, 10),
    );
  },
  LAST_DAY(args, at) {
    arity(args, 1, 1, at);
    return strict({ t: 'date' }, [dateArgument(args[0], at)], at, ([value]) => {
      const text = value as string;
      if (t.isPartial(text)) return null;
      const first = `${text.slice(0, 7)}-01`;
      const next = t.shiftMonths(first, 1);
      return next === null ? `${text.slice(0, 7)}-31` : t.dateOfDayNumber(t.dayNumber(next) - 1);
    });
  },
};

const NOW = new Set(['NOW', 'CURRENT_TIMESTAMP', 'LOCALTIMESTAMP', 'UTC_TIMESTAMP', 'SYSDATE']);
const TODAY = new Set(['CURDATE', 'CURRENT_DATE', 'UTC_DATE']);

export function dateFunction(
  name: string,
  args: readonly Node[],
  context: CompileContext,
  at: number,
): Node | undefined {
  if (NOW.has(name)) {
    arity(args, 0, 1, at);
    const fsp = args.length === 0 ? 0 : args[0].constant?.value;
    if (typeof fsp !== 'number') throw new Refusal('the number of digits must be a constant', at);
    const zeros = '000000'.slice(fsp);
    const run = () => `${t.datetimeOfMs(context.wall()).slice(0, 20 + fsp)}${zeros}`;
    return { type: { t: 'datetime', fsp }, at, run };
  }
  if (TODAY.has(name)) {
    arity(args, 0, 0, at);
    return { type: { t: 'date' }, at, run: () => t.datetimeOfMs(context.wall()).slice(0, 10) };
  }
  return DATE_FUNCTIONS[name]?.(args, at);
}

const MICROS: Readonly<Record<string, bigint>> = {
  MICROSECOND: 1n,
  SECOND: 1_000_000n,
  MINUTE: 60_000_000n,
  HOUR: 3_600_000_000n,
  DAY: 86_400_000_000n,
  WEEK: 604_800_000_000n,
};
const MONTHS: Readonly<Record<string, number>> = { MONTH: 1, QUARTER: 3, YEAR: 12 };

/** `date + INTERVAL amount unit`. */
export function shift(given: Node, amount: Node, unit: string, sign: 1 | -1, at: number): Node {
  if (amount.type.t === 'null') return nullNode(at);
  if (amount.type.t !== 'int') throw new Refusal('the number of an INTERVAL must be an integer', at);
  if (given.type.t === 'string') {
    throw new Refusal('INTERVAL is understood beside dates only: use CAST(... AS DATETIME)', at);
  }
  const node = dateArgument(given, at);
  if (node.type.t === 'null') return nullNode(at);
  const months = MONTHS[unit];
  const keepsDate = node.type.t === 'date' && (months !== undefined || unit === 'DAY' || unit === 'WEEK');
  const fsp = unit === 'MICROSECOND' ? 6 : node.type.t === 'datetime' ? node.type.fsp : 0;
  const type: SqlType = keepsDate ? { t: 'date' } : { t: 'datetime', fsp };
  const full: Node = { ...node, run: asDatetime(node) };
  return strict(type, [full, amount], at, ([value, count]) => {
    const text = value as string;
    if (t.isPartial(text)) return null;
    const shifted =
      months === undefined
        ? t.shiftMicros(text, BigInt(count as number) * BigInt(sign) * MICROS[unit])
        : t.shiftMonths(text, Number(count) * sign * months);
    return shifted !== null && keepsDate ? shifted.slice(0, 10) : shifted;
  });
}

/** Seconds since 1970 of a datetime in UTC. */
export function unixTimestamp(args: readonly Node[], at: number): Node {
  arity(args, 1, 1, at);
  const node = dateArgument(args[0], at);
  if (node.type.t === 'datetime' && node.type.fsp > 0) {
    throw new Refusal('UNIX_TIMESTAMP of a time with a fraction is not understood', at);
  }
  const full: Node = { ...node, run: asDatetime(node) };
  return strict(INT, [full], at, ([value]) => {
    const text = value as string;
    if (t.isPartial(text)) throw rowError('UNIX_TIMESTAMP of a date with zero parts');
    const days = t.dayNumber(text) - t.dayNumber('1970-01-01');
    const seconds =
      days * 86_400 +
      Number(text.slice(11, 13)) * 3600 +
      Number(text.slice(14, 16)) * 60 +
      Number(text.slice(17, 19));
    if (seconds < 0 || seconds > 0x7fff_ffff) {
      throw rowError('UNIX_TIMESTAMP of a time before 1970 or after 2038 differs between servers');
    }
    return seconds;
  });
}
