import { TomlDate, TomlError, parse, type TomlPrimitive, type TomlTable } from 'smol-toml';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { formatPlace, type ConfigNode, type MapEntry, type MapNode, type Place } from './config-node.js';

/** Reads a TOML file. Rejects with 20002 naming file:line:column. */
export function parseTomlTree(text: string, file: string): MapNode {
  const places = findKeys(text, file);
  const top: Place = { file, line: 1, column: 1 };
  try {
    return convertTable(parse(text), '', places, top);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const place = { file, line: cause.line, column: cause.column };
    const message = cause.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? '';
    throw new DmError(CODES.configTomlTransform, `${formatPlace(place)}: ${message}`);
  }
}

function convertTable(table: TomlTable, path: string, places: Map<string, Place>, around: Place): MapNode {
  const entries = new Map<string, MapEntry>();
  for (const [key, value] of Object.entries(table)) {
    const inner = path === '' ? key : `${path}.${key}`;
    const place = places.get(inner) ?? around;
    entries.set(key, { place, value: convert(value, inner, places, place) });
  }
  return { kind: 'map', place: around, entries };
}

function convert(value: TomlPrimitive, path: string, places: Map<string, Place>, place: Place): ConfigNode {
  if (Array.isArray(value)) {
    return { kind: 'list', place, items: value.map((item) => convert(item, path, places, place)) };
  }
  if (value instanceof TomlDate) {
    const text = value.toISOString();
    return { kind: 'scalar', place, value: text, text, quoted: false };
  }
  if (typeof value === 'object') return convertTable(value, path, places, place);
  return { kind: 'scalar', place, value, text: String(value), quoted: typeof value === 'string' };
}

/**
 * Where each key stands: the parser keeps no positions, so headers and `key =` lines are found here.
 * A line inside a multi-line string that looks like a key does no harm: first one wins, and it only
 * decorates messages.
 */
function findKeys(text: string, file: string): Map<string, Place> {
  const places = new Map<string, Place>();
  let table = '';
  text.split('\n').forEach((lineText, index) => {
    const line = index + 1;
    const column = lineText.length - lineText.trimStart().length + 1;
    const header = /^\s*\[\[?\s*([^\]]+?)\s*\]/.exec(lineText);
    const assignment = /^\s*((?:"[^"]*"|'[^']*'|[\w.-]+|\s*\.\s*)+?)\s*=/.exec(lineText);
    let path: string | undefined;
    if (header) path = table = plainKey(header[1] ?? '');
    else if (assignment) path = (table === '' ? '' : `${table}.`) + plainKey(assignment[1] ?? '');
    if (path !== undefined && !places.has(path)) places.set(path, { file, line, column });
  });
  return places;
}

function plainKey(text: string): string {
  return text.replace(/["'\s]/g, '');
}
