import { didYouMean } from './nearest.js';
import { parseSize } from './units.js';

const MIB = 1024 * 1024;

/** What `extra-args` of a mydumper configuration says, besides what the keys say. */
export interface ExtraArgs {
  threads?: number;
  /** Bytes. */
  chunkFilesize?: number;
  rows?: number;
  statementSize?: number;
  consistency?: 'auto' | 'flush' | 'lock' | 'snapshot' | 'none';
  skipTzUtc?: boolean;
  where?: string;
}

interface Flag {
  names: readonly string[];
  /** A flag without a value of its own is a switch. */
  takesValue: boolean;
  /** Takes the value; returns what is wrong with it, or null. */
  apply(value: string, into: ExtraArgs): string | null;
}

function wholeNumber(key: 'threads' | 'rows' | 'statementSize', names: readonly string[]): Flag {
  return {
    names,
    takesValue: true,
    apply(value, into) {
      if (!/^\d+$/.test(value)) return 'expected a whole number';
      into[key] = Number(value);
      return null;
    },
  };
}

/** Accepted and of no effect: what they ask for is what is done anyway. */
function noEffect(names: readonly string[]): Flag {
  return { names, takesValue: false, apply: () => null };
}

function refused(names: readonly string[], why: string): Flag {
  return { names, takesValue: true, apply: () => why };
}

const FLAGS: readonly Flag[] = [
  wholeNumber('threads', ['-t', '--threads']),
  wholeNumber('rows', ['-r', '--rows']),
  wholeNumber('statementSize', ['-s', '--statement-size']),
  {
    names: ['-F', '--filesize', '--chunk-filesize'],
    takesValue: true,
    apply(value, into) {
      const bytes = parseSize(value, MIB);
      if (bytes === null) return 'expected a size such as 64 or 64MiB';
      into.chunkFilesize = bytes;
      return null;
    },
  },
  {
    names: ['--consistency'],
    takesValue: true,
    apply(value, into) {
      const known = ['auto', 'flush', 'lock', 'snapshot', 'none'] as const;
      const found = known.find((name) => name === value);
      if (!found) return `expected one of ${known.join(', ')}`;
      into.consistency = found;
      return null;
    },
  },
  {
    names: ['--where'],
    takesValue: true,
    apply(value, into) {
      into.where = value;
      return null;
    },
  },
  {
    names: ['--no-locks', '-k'],
    takesValue: false,
    apply(_value, into) {
      into.consistency = 'none';
      return null;
    },
  },
  {
    names: ['--skip-tz-utc'],
    takesValue: false,
    apply(_value, into) {
      into.skipTzUtc = true;
      return null;
    },
  },
  noEffect(['--complete-insert', '-c']),
  noEffect(['--trx-consistency-only', '--less-locking', '--transactional-consistency']),
  noEffect(['--no-views', '-W', '--no-triggers', '--no-events']),
  {
    names: ['--filetype'],
    takesValue: true,
    apply: (value) => (value === 'sql' || value === 'csv' ? null : 'expected sql or csv'),
  },
  refused(
    ['-B', '--database', '-T', '--tables-list', '--regex', '-x', '-f', '--filter', '--case-sensitive'],
    'tables are chosen with block-allow-list',
  ),
  refused(
    ['-S', '--sql', '--snapshot', '-o', '--output', '-d', '--no-data', '-m', '--no-schemas'],
    'not allowed in a task',
  ),
  refused(
    ['-h', '--host', '-P', '--port', '-u', '--user', '-p', '--password'],
    'the source file says where to connect',
  ),
];

/** Rejects with a message (no place) when the text cannot be taken. */
export function parseExtraArgs(text: string): ExtraArgs | { problem: string } {
  const words = splitWords(text);
  if (words === null) return { problem: 'a quote is not closed' };
  const result: ExtraArgs = {};
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (!word.startsWith('-')) return { problem: `"${word}" is not a flag` };
    const equals = word.indexOf('=');
    let name = equals < 0 ? word : word.slice(0, equals);
    let value: string | undefined = equals < 0 ? undefined : word.slice(equals + 1);
    let flag = FLAGS.find((one) => one.names.includes(name));
    if (!flag && /^-[A-Za-z]./.test(word) && !word.startsWith('--')) {
      // -t16: the value glued to a short flag.
      name = word.slice(0, 2);
      value = word.slice(2);
      flag = FLAGS.find((one) => one.names.includes(name));
    }
    if (!flag)
      return {
        problem: `unknown flag ${name}${didYouMean(
          name,
          FLAGS.flatMap((one) => one.names),
        )}`,
      };
    if (flag.takesValue && value === undefined) {
      value = words[++i];
      if (value === undefined) return { problem: `${name} needs a value` };
    }
    if (!flag.takesValue && value !== undefined && value !== 'true') {
      return { problem: `${name} takes no value` };
    }
    const wrong = flag.apply(value ?? '', result);
    if (wrong !== null) return { problem: `${name}: ${wrong}` };
  }
  return result;
}

/** Splits as a shell does: quotes group, a backslash takes the next character as it is. */
export function splitWords(text: string): string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? '';
    if (quote !== '') {
      if (char === quote) quote = '';
      else if (char === '\\' && quote === '"' && i + 1 < text.length) word = (word ?? '') + (text[++i] ?? '');
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (char === '\\' && i + 1 < text.length) {
      word = (word ?? '') + (text[++i] ?? '');
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== '') return null;
  if (word !== null) words.push(word);
  return words;
}
