/** What a user of the source or the target may do, read from SHOW GRANTS and the roles in force. */
import { quoteName } from '../model/table-name.js';
import type { Session } from '../mysql/session.js';
import { SqlError } from '../mysql/session.js';

export interface Grants {
  /** Upper-case privileges on all schemas. */
  readonly global: ReadonlySet<string>;
  /** Upper-case privileges on at least something. */
  readonly any: ReadonlySet<string>;
}

const MAX_ROLES = 50;

/** Reads the grants of the current user with those of its roles. */
export async function readGrants(session: Session): Promise<Grants> {
  const lines: string[] = [];
  const pending = [''];
  const seen = new Set(pending);
  while (pending.length > 0 && seen.size <= MAX_ROLES) {
    const role = pending.shift() ?? '';
    const rows = await showGrants(session, role);
    lines.push(...rows);
    for (const line of rows) {
      for (const name of rolesOf(line)) {
        if (seen.has(name)) continue;
        seen.add(name);
        pending.push(name);
      }
    }
  }
  return parseGrants(lines);
}

async function showGrants(session: Session, role: string): Promise<string[]> {
  try {
    const [{ rows }] = await session.execute(role === '' ? 'SHOW GRANTS' : `SHOW GRANTS FOR ${role}`);
    return rows.map((row) => row[0] ?? '');
  } catch (error) {
    // A role that we may not look into adds nothing that we know of.
    if (role !== '' && error instanceof SqlError) return [];
    throw error;
  }
}

/** Roles in "GRANT `a`@`%`,`b`@`%` TO ..." (MySQL) or "GRANT `a` TO ..." (MariaDB), as SQL. */
function rolesOf(line: string): string[] {
  const match = /^GRANT ((?:[`'"][^`'"]+[`'"](?:@[`'"][^`'"]*[`'"])?(?:, ?)?)+) TO /.exec(line);
  if (!match) return [];
  return match[1].split(/, ?(?=[`'"])/).map((role) => {
    const [name, host] = role.split('@');
    const quoted = quoteName(name.slice(1, -1));
    return host === undefined ? quoted : `${quoted}@${host}`;
  });
}

export function parseGrants(lines: readonly string[]): Grants {
  const global = new Set<string>();
  const any = new Set<string>();
  for (const line of lines) {
    const match = /^GRANT (.+?) ON (?:TABLE )?(\S.*?) TO /.exec(line);
    if (!match) continue;
    const isGlobal = match[2] === '*.*';
    for (const item of match[1].replace(/\([^)]*\)/g, '').split(',')) {
      const privilege = item.trim().toUpperCase();
      any.add(privilege);
      if (isGlobal) global.add(privilege);
    }
  }
  return { global, any };
}

/** One of `names` (alternatives of the same right) on everything. */
export function hasGlobal(grants: Grants, ...names: string[]): boolean {
  if (grants.global.has('ALL PRIVILEGES') || grants.global.has('ALL')) return true;
  return names.some((name) => grants.global.has(name));
}

/** One of `names` on something at least. */
export function hasAnywhere(grants: Grants, ...names: string[]): boolean {
  if (grants.any.has('ALL PRIVILEGES') || grants.any.has('ALL')) return true;
  return names.some((name) => grants.any.has(name));
}
