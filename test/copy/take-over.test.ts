/**
 * A copy is taken over while its earlier owner plans it: whatever of the plan comes between the statements of the
 * take-over belongs to the new owner in the end, tables and chunks.
 */
import { expect, it } from 'vitest';
import { CopyMeta, FencedError } from '../../src/load/copy-meta.js';
import { newChunks } from '../../src/load/reconcile.js';
import { connectSession } from '../../src/mysql/connect.js';
import type { Session } from '../../src/mysql/session.js';
import { startMariaDb } from '../servers/index.js';
import { dbConfig } from './support.js';

const TABLE = { schema: 'a', table: 't' };

/** Runs `between` once, behind the statement of this number. */
function interrupted(session: Session, number: number, between: () => Promise<void>): Session {
  let left = number;
  return new Proxy(session, {
    get(target, name) {
      if (name !== 'execute') {
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      }
      return async (sql: string) => {
        const results = await target.execute(sql);
        if (left-- === 0) await between();
        return results;
      };
    },
  });
}

it('leaves no row of an earlier owner behind, whenever its plan comes', async () => {
  await using target = await startMariaDb();
  const earlier = await connectSession({ db: dbConfig(target) });
  const later = await connectSession({ db: dbConfig(target) });
  for (const number of [0, 1]) {
    const meta = new CopyMeta({ task: 'take', sourceId: `s${number}`, metaSchema: 'dm_meta' });
    await meta.prepare(earlier);
    const row = {
      source: TABLE,
      target: TABLE,
      definition: '',
      state: 'planned' as const,
      splitColumn: null,
      deferred: [],
      rows: 0,
      bytes: 0,
    };
    const chunks = newChunks(TABLE, [{ low: null, high: null }]);
    const plan = () => meta.writePlan(earlier, 1, [row], chunks);
    const state = await meta.takeOver(interrupted(later, number, plan), 2);
    expect(state?.chunks).toHaveLength(1);
    await meta.setTableState(later, 2, TABLE, 'recopy');
    await expect(meta.setTableState(earlier, 1, TABLE, 'gone')).rejects.toThrow(FencedError);
    await expect(meta.finish(earlier, 1)).rejects.toMatchObject({ seenEpoch: 2 });
    await meta.finish(later, 2);
  }
  await Promise.all([earlier.close(), later.close()]);
});
