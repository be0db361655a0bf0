import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fuzz } from '../../simulations/fuzz/fuzz.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { silentLog } from '../copy/support.js';

/** The short form of `npm run fuzz`: one seed with everything, from MariaDB to MariaDB. */
describe('random tables, statements, DDL and take-overs', () => {
  let fuzz: Fuzz;
  beforeAll(async () => {
    const dialect = { source: 'mariadb', target: 'mariadb' } as const;
    fuzz = await Fuzz.start({ dialect, clock: new RealClock(), log: silentLog });
  });
  afterAll(async () => {
    await fuzz?.[Symbol.asyncDispose]();
  });

  it('leave both sides equal', async () => {
    const result = await fuzz.round(105, {
      steps: 2000,
      tables: 6,
      ddl: true,
      faults: true,
      ddlInCopy: true,
    });
    expect(result.failures).toEqual([]);
    expect(result.ddls).toBeGreaterThan(50);
    expect(result.inSync.rows).toBeGreaterThan(500);
    expect(result.inSync.ddls).toBeGreaterThan(20);
    expect(result.epochs).toBeGreaterThan(1);
  }, 240_000);
});
