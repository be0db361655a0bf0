/** Partial JSON updates (binlog_row_value_options = PARTIAL_JSON): a list of changes to the before image. */
import { binlogError } from './binlog-error.js';
import { Cursor } from './bytes.js';
import { formatJson, MAX_DEPTH, parseJsonBinary, type JsonNode } from './json-binary.js';

const REPLACE = 0;
const INSERT = 1;
const REMOVE = 2;

type Leg = { readonly key: string } | { readonly index: number };

/** Applies the diffs of `diff[start..start+length)` to `before`; the result is JSON text. */
export function applyJsonDiff(before: JsonNode, diff: Buffer, start: number, length: number): string {
  const cursor = new Cursor(diff, start, start + length);
  let root = before;
  while (cursor.left > 0) {
    const operation = cursor.u8();
    const path = parsePath(cursor.utf8(cursor.lenenc()));
    if (path.length > MAX_DEPTH) throw mismatch();
    let value: JsonNode | null = null;
    if (operation !== REMOVE) {
      const bytes = cursor.bytes(cursor.lenenc());
      value = parseJsonBinary(bytes, 0, bytes.length);
    }
    root = apply(root, operation, path, value);
  }
  return formatJson(root);
}

function apply(root: JsonNode, operation: number, path: Leg[], value: JsonNode | null): JsonNode {
  const last = path.at(-1);
  if (last === undefined) {
    if (operation !== REPLACE || !value) throw mismatch();
    return value;
  }
  let parent = root;
  for (const leg of path.slice(0, -1)) parent = child(parent, leg);
  if ('key' in last) {
    if (parent.kind !== 'object') throw mismatch();
    if (operation === REMOVE) parent.entries.delete(last.key);
    else if (value) setKey(parent.entries, last.key, value);
  } else {
    if (parent.kind !== 'array') throw mismatch();
    if (operation === REMOVE) parent.items.splice(last.index, 1);
    else if (value) parent.items.splice(last.index, operation === REPLACE ? 1 : 0, value);
  }
  if (operation !== REMOVE && operation !== REPLACE && operation !== INSERT) throw mismatch();
  return root;
}

function mismatch(): Error {
  return binlogError('a partial JSON update does not fit the row it is for');
}

function child(node: JsonNode, leg: Leg): JsonNode {
  let found: JsonNode | undefined;
  if ('key' in leg) found = node.kind === 'object' ? node.entries.get(leg.key) : undefined;
  // A scalar is its own element 0.
  else if (node.kind === 'array') found = node.items[leg.index];
  else if (leg.index === 0) found = node;
  if (!found) throw mismatch();
  return found;
}

/** The server keeps keys by length in bytes, then by bytes; a new key goes to its place. */
function setKey(entries: Map<string, JsonNode>, key: string, value: JsonNode): void {
  if (entries.has(key)) {
    entries.set(key, value);
    return;
  }
  const all = [...entries, [key, value] as const];
  all.sort((a, b) => {
    const x = Buffer.from(a[0]);
    const y = Buffer.from(b[0]);
    return x.length - y.length || x.compare(y);
  });
  entries.clear();
  for (const [name, node] of all) entries.set(name, node);
}

function quotedKey(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch (cause) {
    throw binlogError(`bad key ${text} in a JSON path: ${String(cause)}`);
  }
}

/** `$.name."quoted name"[3]`; diffs hold no wildcards. */
export function parsePath(text: string): Leg[] {
  const legs: Leg[] = [];
  let at = text.startsWith('$') ? 1 : 0;
  while (at < text.length) {
    if (text[at] === '[') {
      const close = text.indexOf(']', at);
      const index = Number(text.slice(at + 1, close));
      if (close < 0 || !Number.isSafeInteger(index) || index < 0) throw binlogError(`bad JSON path ${text}`);
      legs.push({ index });
      at = close + 1;
    } else if (text[at] === '.' && text[at + 1] === '"') {
      let close = at + 2;
      while (close < text.length && text[close] !== '"') close += text[close] === '\\' ? 2 : 1;
      legs.push({ key: quotedKey(text.slice(at + 1, close + 1)) });
      at = close + 1;
    } else if (text[at] === '.') {
      let close = at + 1;
      while (close < text.length && text[close] !== '.' && text[close] !== '[') close++;
      legs.push({ key: text.slice(at + 1, close) });
      at = close;
    } else throw binlogError(`bad JSON path ${text}`);
  }
  return legs;
}
