/**
 * CREATE DATABASE read again in the time of the full copy. The target has the database where the copy has made
 * it, or has copied tables of it since: then it takes the statement's defaults, as it would by being made anew.
 */
import { quoteName } from '../../model/table-name.js';
import type { Session } from '../../mysql/session.js';
import { fetchSchemaDefaults } from '../../schema/fetch.js';
import type { DdlPlan } from './ddl.js';

export interface DatabaseAgainInput {
  readonly plan: DdlPlan;
  /** The copy of its tables was made after it. */
  readonly isCopied: boolean;
  /** The copy has made it on the target. */
  readonly made: boolean;
  /** Of the target. */
  readonly session: Session;
}

/** What to run in the statement's place; null: what else is right. */
export async function databaseAgain(input: DatabaseAgainInput): Promise<DdlPlan | null> {
  const { plan, isCopied, made, session } = input;
  const { parsed, steps, targets } = plan;
  // With IF NOT EXISTS it may have done nothing.
  if (parsed.kind !== 'create-database' || parsed.ifNotExists || steps.length !== 1) return null;
  if (!isCopied && (!made || parsed.orReplace)) return null;
  const { schema } = targets[0];
  if (!(await fetchSchemaDefaults(session, [schema])).has(schema)) return null;
  const clauses = clausesOf(parsed) || (made ? await serverClauses(session) : '');
  return clauses === '' ? null : { ...plan, steps: [`ALTER DATABASE ${quoteName(schema)}${clauses}`] };
}

function clausesOf({
  charset,
  collation,
}: {
  readonly charset?: string;
  readonly collation?: string;
}): string {
  const given = (name: string | undefined) => name !== undefined && !/^default$/i.test(name);
  return (
    (given(charset) ? ` CHARACTER SET ${charset}` : '') + (given(collation) ? ` COLLATE ${collation}` : '')
  );
}

async function serverClauses(session: Session): Promise<string> {
  const [row] = await session.query(
    'SELECT @@character_set_server AS charset, @@collation_server AS collation',
  );
  return clausesOf({ charset: row.charset ?? undefined, collation: row.collation ?? undefined });
}
