/** The fuzzer's idea of a table: enough to write statements that the source mostly accepts. */
import type { SeededRandom } from '../../test/support/seeded-random.js';
import { anyCharset, anyKind, integerKind, keyKind, type Dialect, type Kind } from './values.js';

export interface FuzzColumn {
  readonly name: string;
  readonly kind: Kind;
  readonly notNull: boolean;
  /** Everything after the type but NULL or NOT NULL. */
  readonly extra: string;
  readonly generatedFrom?: string;
}

export interface FuzzIndex {
  readonly name: string;
  readonly unique: boolean;
  /** Column names, with the prefix length where there is one. */
  readonly parts: readonly { readonly column: string; readonly prefix?: number }[];
}

export interface FuzzTable {
  /** Empty for the writers' own schema. */
  schema: string;
  name: string;
  columns: FuzzColumn[];
  primary: FuzzIndex['parts'];
  indexes: FuzzIndex[];
  readonly options: string;
}

export function columnSql(column: FuzzColumn): string {
  const { name, kind, notNull, extra, generatedFrom } = column;
  const plain = notNull ? kind.sql.replace(/ NULL$/, '') : kind.sql;
  if (generatedFrom !== undefined) return `\`${name}\` ${plain} ${extra}`;
  return `\`${name}\` ${plain}${notNull ? ' NOT NULL' : ''}${extra === '' ? '' : ` ${extra}`}`;
}

export function tableSql(table: Pick<FuzzTable, 'schema' | 'name'>): string {
  return table.schema === '' ? `\`${table.name}\`` : `\`${table.schema}\`.\`${table.name}\``;
}

export function partsSql(parts: FuzzIndex['parts']): string {
  return parts.map((p) => `\`${p.column}\`${p.prefix === undefined ? '' : `(${p.prefix})`}`).join(',');
}

export function indexSql(index: FuzzIndex): string {
  return `${index.unique ? 'UNIQUE ' : ''}KEY \`${index.name}\` (${partsSql(index.parts)})`;
}

export function createSql(table: FuzzTable): string {
  const lines = [
    ...table.columns.map(columnSql),
    ...(table.primary.length > 0 ? [`PRIMARY KEY (${partsSql(table.primary)})`] : []),
    ...table.indexes.map(indexSql),
  ];
  return `CREATE TABLE ${tableSql(table)} (${lines.join(', ')}) ${table.options}`;
}

/** Columns that statements may set. */
export function settable(table: FuzzTable): FuzzColumn[] {
  return table.columns.filter((column) => column.generatedFrom === undefined);
}

export function keyPart(column: FuzzColumn, random: SeededRandom): FuzzIndex['parts'][number] {
  const stringy = column.kind.group === 'text' || column.kind.group === 'bytes';
  const byPrefix = column.kind.key === 'prefix' || (stringy && random.next() < 0.3);
  return byPrefix ? { column: column.name, prefix: random.int(1, 4) } : { column: column.name };
}

/**
 * MySQL 9.7 loses what is behind the prefix of a primary key when it rolls back a statement or a transaction, once
 * a column has been added or dropped in place: its rows then change without an event of its binlog.
 */
function losesPrefixes({ source, target }: Dialect): boolean {
  return source === 'mysql-9.7' || target === 'mysql-9.7';
}

/**
 * Of a text MariaDB changes the collation in place also where a prefix of it is in the primary key, which is then
 * corrupt ("The B-tree of index PRIMARY is corrupted": rows are not found any more).
 */
export function takesPrefix(kind: Kind, dialect: Dialect): boolean {
  return !losesPrefixes(dialect) && kind.group === 'bytes';
}

export function primaryPart(
  column: FuzzColumn,
  random: SeededRandom,
  dialect: Dialect,
): FuzzIndex['parts'][number] {
  const part = keyPart(column, random);
  return takesPrefix(column.kind, dialect) ? part : { column: part.column };
}

/** A type that can be in a primary key. */
export function primaryKind(random: SeededRandom, dialect: Dialect): Kind {
  for (;;) {
    const kind = keyKind(random, dialect);
    if (kind.key === 'whole' || takesPrefix(kind, dialect)) return kind;
  }
}

export function newColumn(name: string, random: SeededRandom, dialect: Dialect): FuzzColumn {
  const kind = anyKind(random, dialect);
  // A geometry has no value that a server could fill in.
  const notNull = random.next() < 0.3 && kind.sql !== 'POINT' && !isFilledApart(kind, dialect);
  // The bytes of a NOT NULL default of an empty table are not to be had from every source.
  const hasDefault =
    random.next() < 0.3 && !(notNull && kind.group === 'bytes') && !/TEXT|BLOB|JSON|POINT/.test(kind.sql);
  return { name, kind, notNull, extra: hasDefault ? `DEFAULT ${defaultOf(kind, random)}` : '' };
}

/** MariaDB fills a new JSON column with '', which its own check refuses, and which is no JSON to others. */
function isFilledApart(kind: Kind, dialect: Dialect): boolean {
  return kind.sql === 'JSON' && dialect.source === 'mariadb' && dialect.target !== 'mariadb';
}

function defaultOf(kind: Kind, random: SeededRandom): string {
  // An introducer is not allowed in every server's DEFAULT, nor a number for a list; the CREATE TABLE that
  // MariaDB logs of a CREATE TABLE ... SELECT has lost bytes that are no UTF-8.
  for (;;) {
    const literal = kind.hot(random);
    if (!literal.startsWith('_') && literal !== "X'ff'" && (kind.group !== 'list' || literal.startsWith("'")))
      return literal;
  }
}

/** `keys`: unique keys of many shapes, and every table has some, so that changes meet in them. */
export function newTable(name: string, random: SeededRandom, dialect: Dialect, keys = false): FuzzTable {
  const columns: FuzzColumn[] = [];
  const add = (column: FuzzColumn) => {
    columns.push(column);
    return column;
  };
  const primaryOf = (label: string): FuzzIndex['parts'][number] =>
    primaryPart(
      add({ name: label, kind: primaryKind(random, dialect), notNull: true, extra: '' }),
      random,
      dialect,
    );
  const shape = random.pick([
    'none',
    'none',
    'integer',
    'integer',
    'auto',
    'any',
    'any',
    'any',
    'composite',
    'composite',
    'unique',
  ]);
  let primary: FuzzIndex['parts'] = [];
  const indexes: FuzzIndex[] = [];
  switch (shape) {
    case 'integer':
      primary = [keyPart(add({ name: 'id', kind: integerKind(random), notNull: true, extra: '' }), random)];
      break;
    case 'auto': {
      const kind = { ...integerKind(random), sql: random.pick(['BIGINT UNSIGNED', 'INT']) };
      primary = [{ column: add({ name: 'id', kind, notNull: true, extra: 'AUTO_INCREMENT' }).name }];
      break;
    }
    case 'any':
      primary = [primaryOf('k')];
      break;
    case 'composite':
      primary = [primaryOf('k1'), primaryOf('k2')];
      if (random.next() < 0.3) primary = [...primary, primaryOf('k3')];
      break;
    case 'unique':
      {
        const column = add({ name: 'k', kind: keyKind(random, dialect), notNull: true, extra: '' });
        indexes.push({ name: 'uk', unique: true, parts: [keyPart(column, random)] });
      }
      break;
    default:
      break;
  }
  const others = random.int(1, 7);
  for (let i = keys ? 1 : others; i > 0; i--) add(newColumn(`c${columns.length}`, random, dialect));
  for (let i = random.pick(keys ? [2, 3, 3, 4] : [0, 0, 1, 1, 2, 3]); i > 0; i--) {
    const kind = random.next() < 0.5 ? integerKind(random) : keyKind(random, dialect);
    const column = add({ name: `u${columns.length}`, kind, notNull: random.next() < 0.4, extra: '' });
    const second = random.next() < 0.3 ? random.pick(columns.filter((c) => c.kind.key !== 'no')) : column;
    const parts = [keyPart(column, random), ...(second === column ? [] : [keyPart(second, random)])];
    indexes.push({ name: `uk${columns.length}`, unique: true, parts });
  }
  if (random.next() < (keys ? 0.7 : 0.35)) addGenerated(columns, indexes, random, dialect, keys ? 0.9 : 0.4);
  const charset = anyCharset(random, dialect).sql;
  // Columns in random order: the key is not always first.
  const shuffled =
    random.next() < 0.3 ? [...columns].sort((a, b) => (a.name.slice(1) < b.name.slice(1) ? 1 : -1)) : columns;
  return {
    schema: '',
    name,
    columns: shuffled,
    primary,
    indexes,
    options: `ENGINE=InnoDB DEFAULT CHARSET=${charset}`,
  };
}

function addGenerated(
  columns: FuzzColumn[],
  indexes: FuzzIndex[],
  random: SeededRandom,
  dialect: Dialect,
  unique: number,
): void {
  if (dialect.source === 'mysql-5.6') return;
  const from = columns.find((column) => column.kind.group === 'integer' && !column.extra.includes('AUTO'));
  if (from === undefined) return;
  const stored = random.next() < 0.5;
  const name = `g${columns.length}`;
  const expression = random.pick([
    `CAST(\`${from.name}\` AS SIGNED) DIV 2`,
    `CAST(\`${from.name}\` AS SIGNED) % 7`,
    ...(dialect.lax === true ? [`CAST(\`${from.name}\` AS SIGNED) * 7`] : []),
  ]);
  const kind: Kind = { ...integerKind(random), sql: expression.endsWith('* 7') ? 'TINYINT' : 'BIGINT' };
  columns.splice(random.int(0, columns.length), 0, {
    name,
    kind,
    notNull: false,
    extra: `GENERATED ALWAYS AS (${expression}) ${stored ? 'STORED' : 'VIRTUAL'}`,
    generatedFrom: from.name,
  });
  if (random.next() < unique) indexes.push({ name: `uk_${name}`, unique: true, parts: [{ column: name }] });
}
