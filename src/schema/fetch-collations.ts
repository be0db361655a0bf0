import type { Session } from '../mysql/session.js';

export interface CollationDefaults {
  /** Lower-case character set -> its default collation; utf8 and utf8mb3 both. */
  readonly ofCharset: ReadonlyMap<string, string>;
  /** The number that the binlog gives a collation -> its name. */
  readonly byId: ReadonlyMap<number, string>;
}

/** What a source fills in where a statement names no collation. */
export async function fetchCollationDefaults(session: Session): Promise<CollationDefaults> {
  const ofCharset = new Map<string, string>();
  for (const { c, d } of await session.query(
    'SELECT character_set_name AS c, default_collate_name AS d FROM information_schema.character_sets',
  )) {
    if (c !== null && d !== null) ofCharset.set(c.toLowerCase(), d);
  }
  const utf8 = ofCharset.get('utf8mb3') ?? ofCharset.get('utf8');
  if (utf8 !== undefined) {
    ofCharset.set('utf8', utf8);
    ofCharset.set('utf8mb3', utf8);
  }
  const byId = new Map<number, string>();
  const [{ columns, rows }] = await session.execute('SHOW COLLATION');
  const name = columns.indexOf('Collation');
  const id = columns.indexOf('Id');
  for (const row of rows) if (row[id] !== null) byId.set(Number(row[id]), row[name] ?? '');
  return { ofCharset, byId };
}
