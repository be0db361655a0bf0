/**
 * Makes whoever writes to a server stand still at a certain row, so that a test finds it in the middle of its
 * work however fast or slow the machine is.
 */
import type { DatabaseServer } from '../servers/database.js';
import { waitFor } from './wait-for.js';

export interface StandStillOptions {
  /** `schema.table`, which is there already. */
  readonly table: string;
  readonly event: 'INSERT' | 'UPDATE';
  /** SQL over `NEW`: the rows that are held up. */
  readonly when: string;
}

export interface StandStill {
  /** Resolves when somebody stands at such a row; what the statement has done so far is not committed. */
  reached(): Promise<void>;
  /** Lets it go on, and everybody who comes later. */
  release(): Promise<void>;
}

/** By a trigger that waits for a lock which is held until `release`. */
export async function standStill(server: DatabaseServer, options: StandStillOptions): Promise<StandStill> {
  const [schema, table] = options.table.split('.');
  const lock = `stand still ${options.table}`.slice(0, 64);
  const holder = await server.connect();
  await holder.query(`SELECT GET_LOCK('${lock}', 0)`);
  await holder.query(
    `CREATE TRIGGER ${schema}.stand_still BEFORE ${options.event} ON ${schema}.${table} FOR EACH ROW
     IF ${options.when} THEN DO GET_LOCK('${lock}', 3600); DO RELEASE_LOCK('${lock}'); END IF`,
  );
  const waiting = "SELECT 1 FROM information_schema.processlist WHERE state = 'User lock'";
  return {
    reached: async () => {
      await waitFor(async () => (await server.query(waiting)).length > 0, {
        what: `somebody to write the row of ${options.table} where ${options.when}`,
        intervalMs: 10,
      });
    },
    release: async () => {
      await holder.end();
    },
  };
}
