/** Character sets and collations as the servers name and default them. */
import { type SqlFlavor, versionNumber } from './dialect.js';

export interface CharsetPair {
  readonly charset: string;
  readonly collation: string;
}

/** Default collations that are not `<charset>_general_ci`. */
const DEFAULT_COLLATIONS: Readonly<Record<string, string>> = {
  big5: 'big5_chinese_ci',
  binary: 'binary',
  cp932: 'cp932_japanese_ci',
  dec8: 'dec8_swedish_ci',
  eucjpms: 'eucjpms_japanese_ci',
  euckr: 'euckr_korean_ci',
  gb18030: 'gb18030_chinese_ci',
  gb2312: 'gb2312_chinese_ci',
  gbk: 'gbk_chinese_ci',
  hp8: 'hp8_english_ci',
  latin1: 'latin1_swedish_ci',
  latin5: 'latin5_turkish_ci',
  sjis: 'sjis_japanese_ci',
  swe7: 'swe7_swedish_ci',
  tis620: 'tis620_thai_ci',
  ujis: 'ujis_japanese_ci',
};

const MAX_BYTES: Readonly<Record<string, number>> = {
  big5: 2,
  cp932: 2,
  eucjpms: 3,
  euckr: 2,
  gb18030: 4,
  gb2312: 2,
  gbk: 2,
  sjis: 2,
  ucs2: 2,
  ujis: 3,
  utf16: 4,
  utf16le: 4,
  utf32: 4,
  utf8mb3: 3,
  utf8mb4: 4,
};

const UCA1400_CHARSETS = new Set(['utf8mb3', 'utf8mb4', 'ucs2', 'utf16', 'utf32']);

export interface CharsetServer {
  readonly flavor: SqlFlavor;
  readonly serverVersion?: string;
  /** Charset -> collation where the server's defaults have been changed. */
  readonly defaultCollations?: Readonly<Record<string, string>>;
}

/** Lower case; `utf8` is what newer servers call `utf8mb3`. */
export function normalizeCharset(name: string): string {
  const lower = name.toLowerCase();
  return lower === 'utf8' ? 'utf8mb3' : lower;
}

export function normalizeCollation(name: string): string {
  const lower = name.toLowerCase();
  return lower.startsWith('utf8_') ? `utf8mb3_${lower.slice(5)}` : lower;
}

/** Character set of a collation; undefined for MariaDB's names that leave it open (`uca1400_ai_ci`). */
export function charsetOfCollation(collation: string): string | undefined {
  const name = normalizeCollation(collation);
  if (name === 'binary') return 'binary';
  if (name.startsWith('uca1400_')) return undefined;
  const underscore = name.indexOf('_');
  return underscore < 0 ? name : name.slice(0, underscore);
}

export function defaultCollation(charset: string, server: CharsetServer): string {
  const given = server.defaultCollations?.[charset];
  if (given !== undefined) return normalizeCollation(given);
  const version = versionNumber(server.serverVersion ?? '');
  if (server.flavor === 'mysql' && charset === 'utf8mb4' && version >= 80000) return 'utf8mb4_0900_ai_ci';
  if (server.flavor === 'tidb') return charset === 'binary' ? 'binary' : `${charset}_bin`;
  if (server.flavor === 'mariadb' && version >= 110500 && UCA1400_CHARSETS.has(charset)) {
    return `${charset}_uca1400_ai_ci`;
  }
  return DEFAULT_COLLATIONS[charset] ?? `${charset}_general_ci`;
}

/** What a server of this version has where its configuration says nothing. */
export function serverDefault(server: CharsetServer): CharsetPair {
  const version = versionNumber(server.serverVersion ?? '');
  const modern =
    server.flavor === 'tidb' || version >= 110600 || (server.flavor === 'mysql' && version >= 80000);
  const charset = modern ? 'utf8mb4' : 'latin1';
  return { charset, collation: defaultCollation(charset, server) };
}

/** Most bytes that one character takes. */
export function maxBytes(charset: string | undefined): number {
  return charset === undefined ? 1 : (MAX_BYTES[charset] ?? 1);
}

/** The pair that CHARACTER SET and COLLATE clauses mean where `inherited` holds without them. */
export function resolveCharset(
  given: { charset?: string; collation?: string },
  inherited: CharsetPair,
  server: CharsetServer,
): CharsetPair {
  const collation = given.collation === undefined ? undefined : normalizeCollation(given.collation);
  if (collation !== undefined && collation !== 'default') {
    const named = given.charset === undefined ? inherited.charset : normalizeCharset(given.charset);
    const charset = charsetOfCollation(collation) ?? named;
    return { charset, collation: collation.startsWith('uca1400_') ? `${charset}_${collation}` : collation };
  }
  if (given.charset === undefined || given.charset === 'default') return inherited;
  const charset = normalizeCharset(given.charset);
  return { charset, collation: defaultCollation(charset, server) };
}
