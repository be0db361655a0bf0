/** One line of DM's unified log: `[time] [LEVEL] [component] ["message"] [key=value]`. */
import type { LogFields } from '../runtime/ports.js';

const HIDDEN = '******';

/** `[2026/11/21 05:00:00.000 +00:00]`, in the machine's zone. */
export function formatTime(wallMs: number): string {
  const date = new Date(wallMs);
  const offset = -date.getTimezoneOffset();
  const sign = offset < 0 ? '-' : '+';
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
  const day = `${date.getFullYear()}/${two(date.getMonth() + 1)}/${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const ms = String(date.getMilliseconds()).padStart(3, '0');
  return `${day} ${time}.${ms} ${sign}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
}

/** Values that can be written as JSON, with errors as text and passwords hidden. */
export function plainFields(fields: LogFields): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) plain[key] = isSecret(key) && value !== '' ? HIDDEN : plainValue(value);
  }
  return plain;
}

function isSecret(key: string): boolean {
  return /password|secret$|sslKeyBase64|ssl-key-base64/i.test(key);
}

function plainValue(value: unknown): unknown {
  if (value instanceof Error) return errorText(value);
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return value.map(plainValue);
  if (value instanceof Uint8Array) return `<${value.length} bytes>`;
  if (value instanceof Map) return plainFields(Object.fromEntries(value) as LogFields);
  if (value instanceof Set) return [...value].map(plainValue);
  if (typeof value === 'object' && value !== null) return plainFields(value as LogFields);
  return value;
}

/** The error and what caused it. Only an error that the product did not expect brings its stack along. */
function errorText(error: Error): string {
  const isPlain = error.constructor === Error || error instanceof TypeError || error instanceof RangeError;
  const own = isPlain && error.stack !== undefined ? error.stack : error.toString();
  return error.cause instanceof Error ? `${own}; cause: ${errorText(error.cause)}` : own;
}

export function textLine(
  wallMs: number,
  level: string,
  message: string,
  fields: Record<string, unknown>,
): string {
  const { component, ...rest } = fields;
  let line = `[${formatTime(wallMs)}] [${level.toUpperCase()}]`;
  if (component !== undefined) line += ` [${fieldText(component)}]`;
  line += ` [${quoted(message)}]`;
  for (const [key, value] of Object.entries(rest)) line += ` [${quotedIfNeeded(key)}=${fieldText(value)}]`;
  return line + '\n';
}

function fieldText(value: unknown): string {
  if (typeof value === 'string') return quotedIfNeeded(value);
  return quotedIfNeeded(JSON.stringify(value) ?? 'null');
}

function quotedIfNeeded(text: string): string {
  return text === '' || /[\s"=[\]]|[^\x20-\x7e]/.test(text) ? JSON.stringify(text) : text;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
