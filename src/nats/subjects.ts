/**
 * Names on the bus. Anything a user names (source, task, table) may hold characters that NATS gives a
 * meaning or refuses; `escapeKey` makes one token of it that is valid in subjects and in KV keys.
 */

/** Kinds of actors, as they appear in their addresses. */
export function actorSubject(kind: string, key: string): string {
  return `dm.actor.${kind}.${escapeKey(key)}`;
}

/** Public command subjects; they speak JSON so that any NATS client can drive the cluster. */
export function commandSubject(command: string): string {
  return `dm.ctl.${command}`;
}

/** Answered by the master that leads: `{leader, epoch}`; another epoch is another lead. */
export const TERM_COMMAND = 'term';

/** Where the actor host publishes the transitions of one actor. */
export function inspectSubject(kind: string, key: string): string {
  return `dm.inspect.${kind}.${escapeKey(key)}`;
}

export const INSPECT_ALL = 'dm.inspect.>';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Letters, digits, `_` and `-` stay; every other byte of the UTF-8 form becomes `=XX`. Empty: `=`. */
export function escapeKey(text: string): string {
  if (text === '') return '=';
  if (/^[A-Za-z0-9_-]+$/.test(text)) return text;
  let out = '';
  for (const byte of encoder.encode(text)) {
    const plain =
      (byte >= 0x30 && byte <= 0x39) ||
      (byte >= 0x41 && byte <= 0x5a) ||
      (byte >= 0x61 && byte <= 0x7a) ||
      byte === 0x5f ||
      byte === 0x2d;
    out += plain ? String.fromCharCode(byte) : '=' + byte.toString(16).toUpperCase().padStart(2, '0');
  }
  return out;
}

/** The inverse of `escapeKey`; throws RangeError on what escapeKey cannot have made. */
export function unescapeKey(key: string): string {
  if (key === '=') return '';
  if (!key.includes('=')) return key;
  if (!/^(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+$/.test(key)) throw new RangeError(`not an escaped key: ${key}`);
  const bytes: number[] = [];
  for (let i = 0; i < key.length; i++) {
    if (key[i] === '=') {
      bytes.push(Number.parseInt(key.slice(i + 1, i + 3), 16));
      i += 2;
    } else {
      bytes.push(key.charCodeAt(i));
    }
  }
  try {
    return decoder.decode(Uint8Array.from(bytes));
  } catch (cause) {
    throw new RangeError(`not an escaped key: ${key}`, { cause });
  }
}
