import { CODES } from '../errors/codes.js';
import { DmError, type ErrorCode } from '../errors/dm-error.js';
import { formatPlace, type ConfigNode, type MapNode, type Place, type ScalarNode } from './config-node.js';
import { didYouMean, nearestWord } from './nearest.js';
import { findNotYet, type NotYet } from './not-yet.js';
import { parseDuration } from './units.js';

export interface SectionOptions {
  /** The code of what is wrong in the form: 20003 for YAML, 20002 for TOML. */
  formCode: ErrorCode;
  notYet: readonly NotYet[];
}

export interface IntRange {
  min?: number;
  max?: number;
}

/**
 * One map of a configuration file while it is read. Every key is described once, by the call that
 * reads it; `end` then refuses the keys that nobody asked for, with the nearest that somebody did.
 * A value of null counts as absent, as in DM.
 */
export class Section {
  readonly #node: MapNode;
  readonly #options: SectionOptions;
  readonly #path: readonly string[];
  readonly #asked = new Set<string>();

  constructor(node: MapNode, options: SectionOptions, path: readonly string[] = []) {
    this.#node = node;
    this.#options = options;
    this.#path = path;
  }

  /** Where the section begins. */
  get place(): Place {
    return this.#node.place;
  }

  /** Where the key's value stands, or the section when the key is not there. */
  placeOf(key: string): Place {
    return this.#node.entries.get(key)?.value.place ?? this.#node.place;
  }

  /** An error of the given code at the key's value (at the section without a key). */
  error(kind: ErrorCode, message: string, key?: string): DmError {
    const place = key === undefined ? this.place : this.placeOf(key);
    return new DmError(kind, `${formatPlace(place)}: ${message}`);
  }

  /** An error about a key that must be there and is not; names a present key that may be meant for it. */
  missing(kind: ErrorCode, message: string, key: string): DmError {
    const strangers = [...this.#node.entries].filter(([name]) => !this.#asked.has(name) || name === key);
    const meant = nearestWord(key, new Map(strangers).keys());
    if (meant === null || meant === key) return this.error(kind, message, key);
    const place = formatPlace(this.#node.entries.get(meant)?.place ?? this.place);
    return new DmError(kind, `${place}: ${message}; did you mean "${key}" by "${meant}"?`);
  }

  has(key: string): boolean {
    const node = this.#get(key);
    return node !== undefined;
  }

  string(key: string, fallback = ''): string {
    return this.optionalString(key) ?? fallback;
  }

  optionalString(key: string): string | undefined {
    const node = this.#get(key);
    return node === undefined ? undefined : this.#scalar(key, node, 'a text').text;
  }

  /** A text out of a fixed set. */
  oneOf<T extends string>(
    key: string,
    values: readonly T[],
    fallback: T,
    kind?: ErrorCode,
    message?: string,
  ): T {
    const text = this.optionalString(key);
    if (text === undefined) return fallback;
    const found = values.find((value) => value === text);
    if (found !== undefined) return found;
    const expected = values.map((value) => `"${value}"`).join(', ');
    throw this.error(
      kind ?? this.#options.formCode,
      message ?? `${this.#name(key)}: expected one of ${expected}, not "${text}"${didYouMean(text, values)}`,
      key,
    );
  }

  int(key: string, fallback: number, range: IntRange = {}): number {
    return this.optionalInt(key, range) ?? fallback;
  }

  optionalInt(key: string, range: IntRange = {}): number | undefined {
    const node = this.#get(key);
    if (node === undefined) return undefined;
    const scalar = this.#scalar(key, node, 'a whole number');
    const value = scalar.quoted ? NaN : Number(scalar.value);
    if (!Number.isSafeInteger(value) || typeof scalar.value === 'boolean') {
      throw this.#wrong(key, 'a whole number', scalar);
    }
    const { min = 0, max = Number.MAX_SAFE_INTEGER } = range;
    if (value < min || value > max) {
      const limits = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `from ${min} to ${max}`;
      throw this.#wrong(key, `a whole number ${limits}`, scalar);
    }
    return value;
  }

  number(key: string, fallback: number): number {
    const node = this.#get(key);
    if (node === undefined) return fallback;
    const scalar = this.#scalar(key, node, 'a number');
    const value = scalar.quoted || typeof scalar.value === 'boolean' ? NaN : Number(scalar.value);
    if (!Number.isFinite(value)) throw this.#wrong(key, 'a number', scalar);
    return value;
  }

  bool(key: string, fallback: boolean): boolean {
    const node = this.#get(key);
    if (node === undefined) return fallback;
    const scalar = this.#scalar(key, node, 'true or false');
    if (typeof scalar.value === 'boolean') return scalar.value;
    if (!scalar.quoted && /^(yes|on|y)$/i.test(scalar.text)) return true;
    if (!scalar.quoted && /^(no|off|n)$/i.test(scalar.text)) return false;
    throw this.#wrong(key, 'true or false', scalar);
  }

  /** Go's duration form, in milliseconds. */
  duration(key: string, fallbackMs: number, kind?: ErrorCode): number {
    const node = this.#get(key);
    if (node === undefined) return fallbackMs;
    const scalar = this.#scalar(key, node, 'a duration');
    const value = parseDuration(scalar.text);
    if (value === null || value < 0) throw this.#wrong(key, 'a duration such as 30s or 5m0s', scalar, kind);
    return value;
  }

  /** A list of texts. */
  strings(key: string): string[] {
    const node = this.#get(key);
    if (node === undefined) return [];
    if (node.kind !== 'list') throw this.#shape(key, 'a list', node);
    return node.items.map((item) => {
      if (item.kind !== 'scalar' || item.value === null) throw this.#shape(key, 'a list of texts', item);
      return item.text;
    });
  }

  /** A list of texts, or one text with commas (TOML files and flags have both forms). */
  stringsOrCommas(key: string): string[] | undefined {
    const node = this.#get(key);
    if (node === undefined) return undefined;
    if (node.kind === 'list') return this.strings(key);
    return splitCommas(this.string(key));
  }

  /** A map of texts (session variables); numbers and booleans keep the form they were typed in. */
  stringMap(key: string): Record<string, string> {
    const node = this.#get(key);
    if (node === undefined) return {};
    if (node.kind !== 'map') throw this.#shape(key, '"name: value" lines', node);
    const result: Record<string, string> = {};
    for (const [name, entry] of node.entries) {
      if (entry.value.kind !== 'scalar') throw this.#shape(`${key}.${name}`, 'a text', entry.value);
      result[name] = entry.value.text;
    }
    return result;
  }

  section(key: string): Section | undefined {
    const node = this.#get(key);
    if (node === undefined) return undefined;
    if (node.kind !== 'map') throw this.#shape(key, '"key: value" lines', node);
    return this.#inner(node, key);
  }

  /** A map of names to sections (rule sets). */
  named(key: string): Map<string, Section> {
    const node = this.#get(key);
    const result = new Map<string, Section>();
    if (node === undefined) return result;
    if (node.kind !== 'map') throw this.#shape(key, '"name:" lines, each with its keys below', node);
    for (const [name, entry] of node.entries) {
      if (entry.value.kind === 'map') {
        result.set(name, this.#inner({ ...entry.value, place: entry.place }, key, name));
      } else if (entry.value.kind === 'scalar' && entry.value.value === null) {
        result.set(name, this.#inner({ kind: 'map', place: entry.place, entries: new Map() }, key, name));
      } else {
        throw this.#shape(`${key}.${name}`, '"key: value" lines', entry.value);
      }
    }
    return result;
  }

  /** A list of sections. */
  items(key: string): Section[] {
    const node = this.#get(key);
    if (node === undefined) return [];
    if (node.kind !== 'list') throw this.#shape(key, 'a list ("- key: value")', node);
    return node.items.map((item, i) => {
      if (item.kind !== 'map') throw this.#shape(`${key}[${i}]`, '"key: value" lines', item);
      return this.#inner(item, key, String(i));
    });
  }

  /** Marks keys as known whose values are of no use to us. */
  ignore(...keys: string[]): void {
    for (const key of keys) this.#get(key);
  }

  /** Refuses keys that were not asked for. Call when all are read. */
  end(): void {
    for (const [key, entry] of this.#node.entries) {
      if (this.#asked.has(key)) continue;
      const where = this.#path.length === 0 ? '' : ` in ${this.#path.join('.')}`;
      const place = formatPlace(entry.place);
      const hint = didYouMean(key, this.#asked);
      throw new DmError(this.#options.formCode, `${place}: unknown key "${key}"${where}${hint}`);
    }
  }

  #inner(node: MapNode, ...steps: string[]): Section {
    return new Section(node, this.#options, [...this.#path, ...steps]);
  }

  #get(key: string): ConfigNode | undefined {
    this.#asked.add(key);
    const node = this.#node.entries.get(key)?.value;
    if (node === undefined || (node.kind === 'scalar' && node.value === null)) return undefined;
    const line = findNotYet(this.#options.notYet, [...this.#path, key]);
    if (line && !isOff(node, line)) {
      const shown = node.kind === 'scalar' ? `${this.#name(key)}: ${node.text}` : this.#name(key);
      throw this.error(CODES.notSupportedYet, `"${shown}" is not supported yet`, key);
    }
    return node;
  }

  #scalar(key: string, node: ConfigNode, expected: string): ScalarNode {
    if (node.kind !== 'scalar') throw this.#shape(key, expected, node);
    return node;
  }

  #name(key: string): string {
    return [...this.#path, key].join('.');
  }

  #wrong(key: string, expected: string, scalar: ScalarNode, kind = this.#options.formCode): DmError {
    return this.error(kind, `${this.#name(key)}: expected ${expected}, not "${scalar.text}"`, key);
  }

  #shape(key: string, expected: string, node: ConfigNode): DmError {
    const found = node.kind === 'scalar' ? `"${node.text}"` : node.kind === 'list' ? 'a list' : 'a map';
    return new DmError(
      this.#options.formCode,
      `${formatPlace(node.place)}: ${this.#name(key)}: expected ${expected}, not ${found}`,
    );
  }
}

function isOff(node: ConfigNode, line: NotYet): boolean {
  switch (node.kind) {
    case 'list':
      return node.items.length === 0;
    case 'map':
      return node.entries.size === 0;
    case 'scalar':
      if (node.value === '' || node.value === null) return true;
      return line.off.some(
        (value) => value === node.value || (typeof value === 'string' && value === node.text),
      );
  }
}

/** `a, b,,c` to its parts. */
export function splitCommas(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
