/**
 * Names of CHECK constraints: a table's own on MariaDB, the whole schema's on MySQL, which refuses a second one
 * (3822). The later one gets a further name, `name__1`, that tells by itself which it stands for, also after the
 * table was renamed; a statement that drops `name` finds it.
 */
import { quoteName, type TableName } from '../model/table-name.js';
import { SqlError, type Session } from '../mysql/session.js';
import type { Log } from '../runtime/ports.js';
import { splitSql } from './target-ddl.js';

const DUPLICATE = 3822;
/** DROP CHECK and DROP CONSTRAINT of what is not there. */
const NOT_FOUND = new Set([3821, 3940]);
const MAX_NAME = 64;
const MAX_TRIES = 1_000;

export interface CheckNamesInput {
  readonly sql: string;
  readonly session: Pick<Session, 'execute'>;
  readonly log: Log;
  /** Of an ALTER TABLE. */
  readonly table?: TableName;
  readonly run: (sql: string) => Promise<void>;
}

/** Runs a statement, with other names of checks where the target needs them. Throws what `run` throws. */
export async function runWithCheckNames(input: CheckNamesInput): Promise<void> {
  const { session, log, table, run } = input;
  let { sql } = input;
  /** What we have named, to the name that was asked for. */
  const given = new Map<string, { name: string; n: number }>();
  for (let tries = 0; ; tries++) {
    try {
      await run(sql);
      return;
    } catch (error) {
      if (!(error instanceof SqlError) || tries >= MAX_TRIES) throw error;
      const named = /'((?:[^']|'')*)'/.exec(error.message)?.[1] ?? '';
      let to: string | undefined;
      let from = named;
      if (error.errno === DUPLICATE) {
        const last = given.get(named) ?? { name: named, n: 0 };
        const next = { name: last.name, n: last.n + 1 };
        to = furtherName(next.name, next.n);
        given.set(to, next);
      } else if (NOT_FOUND.has(error.errno) && table !== undefined) {
        from = named;
        to = await standIn(session, table, named);
      }
      const changed = to === undefined ? sql : renameCheck(sql, from, to, error.errno === DUPLICATE);
      if (changed === sql) throw error;
      log.warn('the target keeps names of CHECK constraints for the whole schema: another name is used', {
        name: from,
        used: to,
        sql: changed,
      });
      sql = changed;
    }
  }
}

function furtherName(name: string, n: number): string {
  const end = `__${n}`;
  return [...name].slice(0, MAX_NAME - end.length).join('') + end;
}

/** The check of the table that stands for `name`; undefined where there is none, or several. */
async function standIn(
  session: Pick<Session, 'execute'>,
  { schema, table }: TableName,
  name: string,
): Promise<string | undefined> {
  const text = (value: string) => `X'${Buffer.from(value).toString('hex')}'`;
  const [{ rows }] = await session.execute(
    `SELECT constraint_name FROM information_schema.table_constraints WHERE constraint_type='CHECK' AND table_schema=${text(schema)} AND table_name=${text(table)}`,
  );
  const found = rows
    .map(([one]) => one ?? '')
    .filter((one) => {
      const n = /__(\d+)$/.exec(one)?.[1];
      return n !== undefined && one.toLowerCase() === furtherName(name, Number(n)).toLowerCase();
    });
  return found.length === 1 ? found[0] : undefined;
}

/** `made`: the name stands at the check itself, else at its DROP. Only the first place is changed. */
export function renameCheck(sql: string, from: string, to: string, made: boolean): string {
  const pieces = splitSql(sql);
  const before = made ? /\bCONSTRAINT\s+$/i : /\bDROP\s+(?:CONSTRAINT|CHECK)\s+$/i;
  const same = (name: string) => name.toLowerCase() === from.toLowerCase();
  for (const [i, piece] of pieces.entries()) {
    if (piece.kind === 'plain') {
      let done = false;
      const pattern = made
        ? /(\bCONSTRAINT\s+)([\w$\u0080-\uffff]+)(?=\s+CHECK\b)/gi
        : /(\bDROP\s+(?:CONSTRAINT|CHECK)\s+)([\w$\u0080-\uffff]+)/gi;
      piece.text = piece.text.replace(pattern, (whole, head: string, name: string) => {
        if (done || !same(name)) return whole;
        done = true;
        return head + quoteName(to);
      });
      if (done) break;
      continue;
    }
    const previous = pieces[i - 1];
    if (previous?.kind !== 'plain' || !before.test(previous.text)) continue;
    if (made && !/^\s*CHECK\b/i.test(pieces[i + 1]?.text ?? '')) continue;
    const quote = piece.text[0];
    if (!same(piece.text.slice(1, -1).replaceAll(quote + quote, quote))) continue;
    piece.text = quoteName(to);
    break;
  }
  return pieces.map(({ text }) => text).join('');
}
