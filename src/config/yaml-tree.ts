import {
  LineCounter,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  type Document,
  type Node,
  type ParsedNode,
} from 'yaml';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { formatPlace, type ConfigNode, type MapEntry, type MapNode, type Place } from './config-node.js';

/** How deep aliases may nest; a file that refers to itself would otherwise never end. */
const MAX_DEPTH = 32;

/**
 * Reads one YAML document whose top is a map. Anchors, aliases and merge keys (`<<`) are resolved.
 * Rejects with 20003 naming file:line:column.
 */
export function parseYamlTree(text: string, file: string): MapNode {
  const lines = new LineCounter();
  const doc = parseDocument(text, { lineCounter: lines, keepSourceTokens: true, intAsBigInt: false });
  const failed = doc.errors[0];
  if (failed) {
    const at = lines.linePos(failed.pos[0]);
    const message =
      failed.code === 'DUPLICATE_KEY'
        ? `the key "${/^[^:\s]*/.exec(text.slice(failed.pos[0]))?.[0] ?? ''}" stands here for the second time`
        : (failed.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? '');
    throw yamlError({ file, line: at.line, column: at.col }, message);
  }
  const top = doc.contents;
  if (top === null) throw yamlError({ file, line: 1, column: 1 }, 'the file is empty');
  const tree = convert(top, { doc, lines, file }, 0);
  if (tree.kind !== 'map') {
    throw yamlError(tree.place, 'expected "key: value" lines at the top of the file');
  }
  return tree;
}

function yamlError(place: Place, message: string): DmError {
  return new DmError(CODES.configYamlTransform, `${formatPlace(place)}: ${message}`);
}

interface Context {
  doc: Document.Parsed<ParsedNode>;
  lines: LineCounter;
  file: string;
}

function convert(node: Node | null, context: Context, depth: number): ConfigNode {
  const place = placeOf(node, context);
  if (depth > MAX_DEPTH) throw yamlError(place, 'nested too deep, or an alias that refers to itself');
  if (node === null) return { kind: 'scalar', place, value: null, text: '', quoted: false };
  if (isAlias(node)) {
    const target = node.resolve(context.doc);
    if (!target) throw yamlError(place, `there is no anchor &${node.source}`);
    return convert(target, context, depth + 1);
  }
  if (isMap(node)) {
    const entries = new Map<string, MapEntry>();
    const merged: ConfigNode[] = [];
    for (const pair of node.items) {
      const key = pair.key as Node;
      const value = convert((pair.value as Node | null) ?? null, context, depth + 1);
      const keyPlace = placeOf(key, context);
      if (!isScalar(key)) throw yamlError(keyPlace, 'a key must be a plain word');
      const name = scalarText(key.value, key.source);
      // A key with nothing behind it has no place of its own.
      const placed = pair.value === null ? { ...value, place: keyPlace } : value;
      if (name === '<<') merged.push(placed);
      else entries.set(name, { place: keyPlace, value: placed });
    }
    for (const from of merged) mergeInto(entries, from);
    return { kind: 'map', place, entries };
  }
  if (isSeq(node)) {
    const items = node.items.map((item) => convert((item as Node | null) ?? null, context, depth + 1));
    return { kind: 'list', place, items };
  }
  if (isScalar(node)) {
    const quoted = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE';
    const value = node.value as string | number | bigint | boolean | null;
    return { kind: 'scalar', place, value, text: scalarText(value, node.source), quoted };
  }
  throw yamlError(place, 'cannot be read');
}

/** Keys written in the map itself win over merged ones, and earlier merges over later ones. */
function mergeInto(entries: Map<string, MapEntry>, from: ConfigNode): void {
  if (from.kind === 'list') {
    for (const item of from.items) mergeInto(entries, item);
    return;
  }
  if (from.kind !== 'map') throw yamlError(from.place, '"<<" needs a map to merge');
  for (const [key, entry] of from.entries) {
    if (!entries.has(key)) entries.set(key, entry);
  }
}

/** The text of numbers as typed: `1e3` or `007` must not change on its way into a string value. */
function scalarText(value: unknown, source: string | undefined): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : (source ?? String(value as number | boolean));
}

function placeOf(node: Node | null, { lines, file }: Context): Place {
  const at = lines.linePos(node?.range?.[0] ?? 0);
  return { file, line: Math.max(1, at.line), column: Math.max(1, at.col) };
}
