/** Finding a value in a JSON text without losing how its numbers are written. */
import { Refusal, rowError } from './problem.js';

type Step = string | number;

/** `$.a."b c"[0]`. Throws Refusal for anything else, such as wildcards. */
export function parseJsonPath(path: string, at: number): readonly Step[] {
  const steps: Step[] = [];
  const pattern = /\s*(?:\.\s*([A-Za-z_$][\w$]*)|\.\s*("(?:[^"\\]|\\.)*")|\[\s*(\d+)\s*\])\s*/y;
  if (!path.startsWith('$')) throw new Refusal(`"${path}" is no JSON path: it begins with $`, at);
  let from = 1;
  while (from < path.length) {
    pattern.lastIndex = from;
    const match = pattern.exec(path);
    if (!match) throw new Refusal(`"${path}" is no JSON path of names and indexes`, at);
    if (match[1] !== undefined) steps.push(match[1]);
    else if (match[2] !== undefined) steps.push(JSON.parse(match[2]) as string);
    else steps.push(Number(match[3]));
    from = pattern.lastIndex;
  }
  return steps;
}

/** The piece of the text that is the value at the path; null where there is none. */
export function findJson(text: string, steps: readonly Step[]): string | null {
  let from = skipBlanks(text, 0);
  for (const step of steps) {
    const next = typeof step === 'number' ? element(text, from, step) : member(text, from, step);
    if (next < 0) return null;
    from = next;
  }
  return text.slice(from, endOfValue(text, from));
}

/** What JSON_UNQUOTE makes of a piece. */
export function unquoteJson(piece: string): string {
  if (piece.startsWith('"')) return JSON.parse(piece) as string;
  if (piece.startsWith('{') || piece.startsWith('[')) {
    throw rowError('the path leads to a JSON object or array, whose text the servers write differently');
  }
  return piece;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) <= 32) at++;
  return at;
}

function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  if (at >= text.length) throw rowError('broken JSON');
  return at + 1;
}

function endOfValue(text: string, from: number): number {
  const first = text[from];
  if (first === '"') return endOfString(text, from);
  let at = from;
  if (first !== '{' && first !== '[') {
    while (at < text.length && !/[\s,\]}]/.test(text[at])) at++;
    if (at === from) throw rowError('broken JSON');
    return at;
  }
  let depth = 0;
  for (; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at) - 1;
    else if (char === '{' || char === '[') depth++;
    else if ((char === '}' || char === ']') && --depth === 0) return at + 1;
  }
  throw rowError('broken JSON');
}

function member(text: string, from: number, name: string): number {
  if (text[from] !== '{') return -1;
  let at = skipBlanks(text, from + 1);
  while (text[at] === '"') {
    const end = endOfString(text, at);
    const found = JSON.parse(text.slice(at, end)) === name;
    at = skipBlanks(text, end);
    if (text[at] !== ':') throw rowError('broken JSON');
    at = skipBlanks(text, at + 1);
    if (found) return at;
    at = skipBlanks(text, endOfValue(text, at));
    if (text[at] === ',') at = skipBlanks(text, at + 1);
  }
  return -1;
}

function element(text: string, from: number, index: number): number {
  // A value that is no array is taken for an array of itself.
  if (text[from] !== '[') return index === 0 ? from : -1;
  let at = skipBlanks(text, from + 1);
  if (text[at] === ']') return -1;
  for (let i = 0; i < index; i++) {
    at = skipBlanks(text, endOfValue(text, at));
    if (text[at] !== ',') return -1;
    at = skipBlanks(text, at + 1);
  }
  return at;
}
