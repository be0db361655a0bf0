import { describe, expect, it } from 'vitest';
import { NO_LOCATION, type BinlogLocation } from '../model/location.js';
import { RealClock } from '../runtime/real/clock.js';
import { SafeMode } from './safe-mode.js';

const log = {
  child: () => log,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const at = (pos: number): BinlogLocation => ({ name: 'mysql-bin.000001', pos, gtidSet: '' });

function safeMode(safeModeDurationMs: number, on = false, durationMs = 0): SafeMode {
  const config = { safeMode: on, safeModeDurationMs, safeModeTimeMs: durationMs };
  return new SafeMode({ config, clock: new RealClock(), log });
}

describe('safe mode', () => {
  it('is off for a checkpoint of our own, and on up to the place that a checkpoint names', async () => {
    const mode = safeMode(60_000);
    await mode.begin({ from: at(10), exit: NO_LOCATION, sourceEnd: null });
    expect(mode.isOn(at(10))).toBe(false);
    await mode.begin({ from: at(10), exit: at(30), sourceEnd: null });
    expect([mode.isOn(undefined), mode.isOn(at(29)), mode.exitAt(at(29))]).toEqual([true, true, at(30)]);
    expect(mode.exitAt(at(30))).toEqual(NO_LOCATION);
    expect([mode.isOn(at(30)), mode.isOn(at(20)), mode.exitAt(at(20))]).toEqual([false, false, NO_LOCATION]);
  });

  it('lasts up to the end of the source for a checkpoint of others', async () => {
    const mode = safeMode(60_000);
    await mode.begin({ from: at(10), exit: NO_LOCATION, sourceEnd: () => Promise.resolve(at(50)) });
    expect([mode.exitAt(at(10)), mode.isOn(at(49)), mode.isOn(at(50))]).toEqual([at(50), true, false]);
  });

  it('is refused with a duration of 0s where changes are due a second time', async () => {
    const due = { from: at(10), exit: at(30), sourceEnd: null };
    await expect(safeMode(0).begin(due)).rejects.toMatchObject({ code: 36071 });
    await safeMode(0, false, 1000).begin(due);
    const passed = safeMode(0);
    await passed.begin({ from: at(30), exit: at(30), sourceEnd: null });
    expect(passed.isOn(at(30))).toBe(false);
    const others = safeMode(0);
    await others.begin({ from: at(10), exit: NO_LOCATION, sourceEnd: () => Promise.resolve(at(50)) });
    expect(others.isOn(at(11))).toBe(false);
  });

  it('is always on when the task says so, and for the time that the start says', async () => {
    expect(safeMode(60_000, true).isOn(at(1))).toBe(true);
    const mode = safeMode(60_000, false, 60_000);
    await mode.begin({ from: at(10), exit: NO_LOCATION, sourceEnd: null });
    expect(mode.isOn(at(11))).toBe(true);
  });
});
