/**
 * Lanes against a real target with a tiny codec: a random stream of changes is fed, the owner is replaced
 * at random moments while it still writes, and the end must be what the stream says, no row twice.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RowCodec, RowIndex } from '../../src/binlog/rows.js';
import { FencedError } from '../../src/checkpoint/fenced.js';
import { resetLanes, takeOver, type Ownership } from '../../src/checkpoint/ownership.js';
import { createMetaTables, metaTables } from '../../src/checkpoint/tables.js';
import { connectSession } from '../../src/mysql/connect.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { nextTurn } from '../../src/runtime/real/turn.js';
import { fetchTableSchemas } from '../../src/schema/fetch.js';
import type { TableSchema } from '../../src/schema/table.js';
import { LaneSet } from '../../src/sync/lanes/lane-set.js';
import { compilePlan, type TablePlan } from '../../src/sync/lanes/plan.js';
import { Transaction } from '../../src/sync/transaction.js';
import { dbConfig, silentLog } from '../copy/support.js';
import { startMariaDb } from '../servers/index.js';
import { SeededRandom } from '../support/seeded-random.js';

type Row = readonly (number | null)[];
interface Change {
  readonly table: 'keyed' | 'bare';
  readonly before: Row | null;
  readonly after: Row | null;
}

function tinyCodec(columns: readonly string[]): RowCodec {
  return {
    columns: columns.map((name) => ({
      name,
      value: (buf, start, length) => Number(buf.latin1Slice(start, start + length)),
      literal: (buf, start, length, out) => out.bytes(buf, start, start + length),
    })),
    index: () => undefined,
  };
}

function indexOf(images: readonly Row[]): RowIndex {
  const columnCount = images[0].length;
  const index: RowIndex = {
    images: images.length,
    columnCount,
    starts: new Int32Array(images.length * columnCount),
    lengths: new Int32Array(images.length * columnCount),
    buf: Buffer.from(images.flat().join(' ')),
  };
  let at = 0;
  images.flat().forEach((value, i) => {
    const length = String(value ?? '').length;
    index.starts[i] = value === null ? -1 : at;
    index.lengths[i] = length;
    at += length + 1;
  });
  return index;
}

/** A valid history: unique keys hold at every moment. */
function makeHistory(
  random: SeededRandom,
  transactions: number,
): { history: Change[][]; keyed: Row[]; bare: Row[] } {
  const keyed = new Map<number, Row>();
  const uniques = new Map<number, number>();
  const bare: Row[] = [];
  const history: Change[][] = [];
  const put = (row: Row) => {
    keyed.set(row[0] ?? 0, row);
    if (row[1] !== null) uniques.set(row[1], row[0] ?? 0);
  };
  const remove = (row: Row) => {
    keyed.delete(row[0] ?? 0);
    if (row[1] !== null) uniques.delete(row[1]);
  };
  for (let i = 0; i < transactions; i++) {
    const changes: Change[] = [];
    const size = random.next() < 0.02 ? 300 : random.int(1, 6);
    for (let j = 0; j < size; j++) {
      if (random.next() < 0.25) {
        if (random.next() < 0.6 || bare.length === 0) {
          const row = [random.int(1, 5), random.next() < 0.2 ? null : random.int(1, 3)];
          bare.push(row);
          changes.push({ table: 'bare', before: null, after: row });
        } else {
          const at = random.int(0, bare.length - 1);
          const [before] = bare.splice(at, 1);
          const after = random.next() < 0.5 ? [before[0], random.int(4, 9)] : null;
          if (after !== null) bare.push(after);
          changes.push({ table: 'bare', before, after });
        }
        continue;
      }
      const id = random.int(1, 60);
      const before = keyed.get(id) ?? null;
      const newId = before !== null && random.next() < 0.2 ? random.int(1, 60) : id;
      const u = random.next() < 0.1 ? null : random.int(1, 60);
      const after: Row | null =
        before !== null && random.next() < 0.3 ? null : [newId, u, random.int(0, 1e6)];
      if (before !== null) remove(before);
      const clash = after !== null && (keyed.has(newId) || (u !== null && uniques.has(u)));
      if (clash) {
        if (before !== null) put(before);
        continue;
      }
      if (after !== null) put(after);
      if (before !== null || after !== null) changes.push({ table: 'keyed', before, after });
    }
    if (changes.length > 0) history.push(changes);
  }
  return { history, keyed: [...keyed.values()], bare };
}

describe('lanes', () => {
  let target: Awaited<ReturnType<typeof startMariaDb>>;
  let schemas: TableSchema[];
  const clock = new RealClock();
  const tables = metaTables({ task: 't', metaSchema: 'dm_meta' });
  const key = { tables, sourceId: 's', stream: 'main' };

  beforeAll(async () => {
    target = await startMariaDb();
    await target.execute(
      'CREATE DATABASE d; CREATE TABLE d.keyed (id INT PRIMARY KEY, u INT NULL UNIQUE, v INT); CREATE TABLE d.bare (a INT, b INT)',
    );
    const session = await connectSession({ db: dbConfig(target) });
    await createMetaTables(session, tables);
    schemas = await fetchTableSchemas(session, [
      { schema: 'd', table: 'keyed' },
      { schema: 'd', table: 'bare' },
    ]);
    await session.close();
  });
  afterAll(() => target?.stop());

  function plansOf(): Record<'keyed' | 'bare', TablePlan> {
    const [keyed, bare] = schemas.map((schema) =>
      compilePlan({
        source: schema,
        target: schema,
        codec: tinyCodec(schema.columns.map((column) => column.name)),
        sourceSchema: schema,
        targetIsMariaDb: true,
      }),
    );
    return { keyed, bare };
  }

  async function own(epoch: number, count: number): Promise<Ownership> {
    const session = await connectSession({ db: dbConfig(target) });
    const owner = await takeOver(session, key, epoch, count, silentLog);
    const start = { name: 'b.000001', pos: 0, gtid: '', row: 0 };
    const full = owner.existed ? owner : await resetLanes(session, owner, count, start);
    await session.close();
    return full;
  }

  interface Run {
    readonly lanes: LaneSet;
    readonly failures: unknown[];
    /** Feeds the history up to `limit` transactions, then drains when it was the end of it. */
    feed(history: Change[][], limit: number): Promise<void>;
    stop(): void;
  }

  function startRun(owner: Ownership, compact = false): Run {
    const failures: unknown[] = [];
    const plans = plansOf();
    let stopped = false;
    let onFailure = (): void => undefined;
    const failed = new Promise<void>((resolve) => (onFailure = resolve));
    const lanes = new LaneSet({
      owner,
      clock,
      log: silentLog,
      connect: () => connectSession({ db: dbConfig(target) }),
      batch: 20,
      batchBehind: 80,
      packetBytes: 1 << 20,
      maxBytes: 4096,
      retryMs: 5000,
      from: { name: 'b.000001', pos: 0, gtidSet: '' },
      gtidOrder: null,
      compact,
      onFailure: (error) => {
        failures.push(error);
        onFailure();
      },
    });
    lanes.start();
    return {
      lanes,
      failures,
      stop: () => {
        stopped = true;
      },
      feed: async (history, limit) => {
        const transaction = new Transaction();
        for (let i = 0; i < Math.min(limit, history.length) && !stopped; i++) {
          transaction.begin('', 'b.000001', 100 + i * 10, 1, true);
          lanes.beginTransaction(transaction);
          for (const { table, before, after } of history[i]) {
            transaction.row++;
            const index = indexOf([before, after].filter((row) => row !== null));
            if (before === null) lanes.insert(plans[table], index, 0, transaction, false);
            else if (after === null) lanes.delete(plans[table], index, 0, transaction);
            else lanes.update(plans[table], index, 0, 1, transaction, false);
          }
          if (i % 7 === 0) {
            await Promise.race([lanes.room(), failed]);
            await nextTurn();
          }
          if (failures.length > 0) return;
        }
        if (limit >= history.length && !stopped) await Promise.race([lanes.drain(), failed]);
      },
    };
  }

  async function expectState(keyed: Row[], bare: Row[]): Promise<void> {
    const sort = (rows: Row[]) => rows.map((row) => row.join(',')).sort();
    const read = async (table: string) =>
      (await target.query(`SELECT * FROM d.${table}`)).map((row) => Object.values(row)) as Row[];
    expect(sort(await read('keyed'))).toEqual(sort(keyed));
    expect(sort(await read('bare'))).toEqual(sort(bare));
  }

  it.each([
    [1, false],
    [2, false],
    [3, false],
    [4, true],
    [5, true],
    [6, true],
  ])(
    'apply a random history exactly once through take-overs (seed %i, compact: %s)',
    async (seed, compact) => {
      await target.execute(
        'TRUNCATE d.keyed; TRUNCATE d.bare; DELETE FROM dm_meta.t_syncer_lane; DELETE FROM dm_meta.t_syncer_owner',
      );
      const random = new SeededRandom(seed);
      const { history, keyed, bare } = makeHistory(random, 800);
      const zombies: { run: Run; done: Promise<void> }[] = [];
      for (let epoch = 1; epoch <= 6; epoch++) {
        const run = startRun(await own(epoch, 5), compact);
        const mode = random.next();
        const done = run.feed(history, random.int(1, history.length - 1));
        if (mode < 0.4) {
          // A crash: whatever its lanes say of it does not matter.
          await done;
          run.lanes.destroy();
          await run.lanes.end();
          run.failures.length = 0;
        } else {
          // A zombie: goes on feeding while the next owner takes over.
          for (let i = 0; i < random.int(0, 40); i++) await nextTurn();
        }
        zombies.push({ run, done });
      }
      const last = startRun(await own(7, 5));
      await last.feed(history, history.length);
      expect(last.failures).toEqual([]);
      await last.lanes.end();
      for (const { run, done } of zombies) {
        run.stop();
        await done;
        await run.lanes.end();
        for (const failure of run.failures) expect(failure).toBeInstanceOf(FencedError);
      }
      await expectState(keyed, bare);
    },
  );

  it('fills larger transactions while a lane is behind, and no larger than it may', async () => {
    await target.execute(
      'TRUNCATE d.keyed; TRUNCATE d.bare; DELETE FROM dm_meta.t_syncer_lane; DELETE FROM dm_meta.t_syncer_owner',
    );
    const { lanes, failures } = startRun(await own(7, 1));
    const commits = async () => Number((await target.query("SHOW GLOBAL STATUS LIKE 'Com_commit'"))[0].Value);
    const { keyed } = plansOf();
    const rows: Row[] = Array.from({ length: 500 }, (_, i) => [i + 1, i + 1, i]);
    const transaction = new Transaction();
    const before = await commits();
    rows.forEach((row, i) => {
      transaction.begin('', 'b.000001', 100 + i * 10, 1, true);
      lanes.beginTransaction(transaction);
      transaction.row++;
      lanes.insert(keyed, indexOf([row]), 0, transaction, false);
    });
    await lanes.drain();
    // One of 20, which could go at once, and six of 80.
    expect((await commits()) - before).toBe(7);
    await lanes.end();
    expect(failures).toEqual([]);
    await expectState(rows, []);
  });

  it('tells when a place where rows were applied is not in the binlog any more', async () => {
    const start = { name: 'b.000001', pos: 500, gtid: '', row: 7 };
    const fresh = await own(8, 2);
    const session = await connectSession({ db: dbConfig(target) });
    const { lanes } = startRun(await resetLanes(session, fresh, 2, start));
    await session.close();
    const transaction = new Transaction();
    transaction.begin('', 'b.000001', 400, 1, true);
    lanes.beginTransaction(transaction);
    expect(lanes.unpassed()).toEqual([start, start]);
    transaction.begin('', 'b.000001', 510, 1, true);
    expect(() => lanes.beginTransaction(transaction)).toThrow(/no transaction begins at \(b\.000001, 500\)/);
    await lanes.end();
  });

  it('refuses an owner with a lower epoch', async () => {
    await own(20, 2);
    await expect(own(19, 2)).rejects.toMatchObject({ seenEpoch: 20 });
  });
});
