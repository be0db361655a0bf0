/**
 * Makes a source's SHOW CREATE text fit for the target: names routed, and what one flavour writes and
 * the other does not know translated. Only words outside of quotes and comments are touched.
 */
import { quoteName, quoteTable, type TableName } from '../model/table-name.js';

export interface TargetDialect {
  readonly isMariaDb: boolean;
  /** Collations that the target knows, lower case. */
  readonly collations: ReadonlySet<string>;
  /** MySQL's JSON, UUID and the like exist as a type of that name. */
  readonly serverVersion: string;
}

type Piece = { readonly kind: 'name' | 'text' | 'comment' | 'plain'; text: string };

/** Quoted names, quoted texts, comments and what is between. Joined again they are the input. */
export function splitSql(sql: string): Piece[] {
  const pieces: Piece[] = [];
  const pattern = /`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|\/\*.*?\*\//gs;
  let last = 0;
  for (const match of sql.matchAll(pattern)) {
    if (match.index > last) pieces.push({ kind: 'plain', text: sql.slice(last, match.index) });
    const first = match[0][0];
    pieces.push({ kind: first === '`' ? 'name' : first === '/' ? 'comment' : 'text', text: match[0] });
    last = match.index + match[0].length;
  }
  if (last < sql.length) pieces.push({ kind: 'plain', text: sql.slice(last) });
  return pieces;
}

export interface Translation {
  readonly source: TableName;
  readonly target: TableName;
  /** Where a table that a foreign key names goes. */
  readonly route: (name: TableName) => TableName;
  readonly fromMariaDb: boolean;
  readonly to: TargetDialect;
}

/** CREATE TABLE IF NOT EXISTS for the target from SHOW CREATE TABLE of the source. */
export function translateCreateTable(createSql: string, translation: Translation): string {
  const pieces = splitSql(createSql);
  const head = pieces[0];
  const isCreate =
    head.kind === 'plain' && /^CREATE( \w+)* TABLE $/.test(head.text) && pieces[1]?.kind === 'name';
  if (!isCreate) throw new Error(`not a CREATE TABLE: ${createSql.slice(0, 80)}`);
  head.text = 'CREATE TABLE IF NOT EXISTS ';
  pieces[1].text = quoteTable(translation.target);
  routeReferences(pieces, translation);
  translateWords(pieces, translation);
  return pieces.map((piece) => piece.text).join('');
}

/** CREATE DATABASE IF NOT EXISTS with the source's default charset where the target knows it. */
export function translateCreateDatabase(createSql: string, target: string, translation: Translation): string {
  const text = splitSql(createSql)
    .map((piece) => (piece.kind === 'comment' ? piece.text.replace(/^\/\*!\d* ?|\*\/$/g, '') : piece.text))
    .join('');
  const charset = /CHARACTER SET (\w+)/i.exec(text)?.[1];
  const collation = /COLLATE (\w+)/i.exec(text)?.[1];
  let sql = `CREATE DATABASE IF NOT EXISTS ${quoteName(target)}`;
  if (charset) sql += ` CHARACTER SET ${charsetName(charset, translation.to)}`;
  if (collation) sql += ` COLLATE ${collationName(collation, translation.to)}`;
  return sql;
}

/** ALTER DATABASE to the defaults that translateCreateDatabase gives. */
export function translateAlterDatabase(createSql: string, target: string, translation: Translation): string {
  return translateCreateDatabase(createSql, target, translation).replace(
    /^CREATE DATABASE IF NOT EXISTS/,
    'ALTER DATABASE',
  );
}

/** `REFERENCES `t`` is a table of the same schema; `REFERENCES `s`.`t`` names its own. */
function routeReferences(pieces: Piece[], { source, target, route }: Translation): void {
  for (let i = 0; i + 1 < pieces.length; i++) {
    if (pieces[i].kind !== 'plain' || !/\bREFERENCES $/i.test(pieces[i].text)) continue;
    const first = unquote(pieces[i + 1].text);
    const qualified = pieces[i + 2]?.text === '.' && pieces[i + 3]?.kind === 'name';
    const name = qualified
      ? { schema: first, table: unquote(pieces[i + 3].text) }
      : { schema: source.schema, table: first };
    const routed = route(name);
    pieces[i + 1].text = routed.schema === target.schema ? quoteName(routed.table) : quoteTable(routed);
    if (qualified) {
      pieces[i + 2].text = '';
      pieces[i + 3].text = '';
    }
  }
}

function unquote(name: string): string {
  return name.slice(1, -1).replaceAll('``', '`');
}

function translateWords(pieces: Piece[], { fromMariaDb, to }: Translation): void {
  for (const piece of pieces) {
    if (piece.kind !== 'plain') continue;
    let text = piece.text.replace(
      /\b(CHARACTER SET |CHARSET=|COLLATE[ =])(\w+)/g,
      (_all, clause: string, name: string) =>
        clause + (clause.startsWith('COLLATE') ? collationName(name, to) : charsetName(name, to)),
    );
    if (fromMariaDb && !to.isMariaDb) {
      text = text
        .replace(/ ENGINE=(Aria|Maria)\b/g, ' ENGINE=InnoDB')
        .replace(/ (PAGE_CHECKSUM|TRANSACTIONAL|PAGE_COMPRESSED|PAGE_COMPRESSION_LEVEL|ENCRYPTED)=\w+/g, '')
        .replace(/^ uuid\b/, ' char(36)')
        .replace(/^ inet6\b/, ' varchar(39)')
        .replace(/^ inet4\b/, ' varchar(15)')
        .replace(/ WITH SYSTEM VERSIONING\b/g, '')
        .replace(/ DEFAULT uuid\(\)/g, ' DEFAULT (uuid())')
        .replace(/ GENERATED ALWAYS AS ROW (START|END)\b/g, '');
    }
    if (!fromMariaDb && to.isMariaDb) {
      text = text
        .replace(/ DEFAULT \(uuid\(\)\)/g, ' DEFAULT uuid()')
        // MariaDB's generated columns take no NOT NULL; the source has seen to it that there is none.
        .replace(/\) (VIRTUAL|STORED) NOT NULL\b/g, ') $1');
    }
    piece.text = text;
  }
}

/** utf8 and utf8mb3 are one charset; old servers know only the first name, new ones write the second. */
export function charsetName(name: string, to: TargetDialect): string {
  if (name.toLowerCase() !== 'utf8mb3') return name;
  return to.collations.has('utf8mb3_general_ci') ? name : 'utf8';
}

/**
 * The nearest collation that the target knows: the same under its other name, else one of the same
 * sensitivity and, as far as there is one, the same Unicode version. Unchanged where nothing is near,
 * so that the target says what it lacks.
 */
export function collationName(name: string, to: TargetDialect): string {
  const lower = name.toLowerCase();
  if (to.collations.has(lower)) return name;
  for (const candidate of candidates(lower)) {
    if (to.collations.has(candidate)) return candidate;
  }
  return name;
}

function candidates(name: string): string[] {
  const utf8 = /^utf8(mb3)?_(.*)$/.exec(name);
  if (utf8) {
    return [
      `utf8_${utf8[2]}`,
      `utf8mb3_${utf8[2]}`,
      ...candidates(`utf8mb4_${utf8[2]}`).map((c) => c.replace('utf8mb4', 'utf8mb3')),
    ];
  }
  const modern = /^(?:utf8mb4_)?(?:(\w+)_)?(0900|uca1400)_(nopad_)?(bin|ai_ci|as_ci|as_cs|ai_cs)$/.exec(name);
  if (name === 'utf8mb4_0900_bin') return ['utf8mb4_nopad_bin', 'utf8mb4_bin'];
  if (!modern) return [];
  const [, , version, , sensitivity] = modern;
  const other =
    version === '0900'
      ? [
          `utf8mb4_uca1400_nopad_${sensitivity}`,
          `utf8mb4_uca1400_${sensitivity}`,
          `uca1400_nopad_${sensitivity}`,
        ]
      : [`utf8mb4_0900_${sensitivity}`];
  if (sensitivity === 'ai_ci')
    return [...other, 'utf8mb4_unicode_520_nopad_ci', 'utf8mb4_unicode_520_ci', 'utf8mb4_unicode_ci'];
  return [...other, 'utf8mb4_bin'];
}
