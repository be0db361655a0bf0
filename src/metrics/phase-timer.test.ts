import { describe, expect, it } from 'vitest';
import { Kernel, SimClock } from '../../simulations/kernel/kernel.js';
import { BusyTimer, PhaseTimer } from './phase-timer.js';
import { TimeWindow } from './time-window.js';

function simulated(body: (clock: SimClock) => Promise<void>): Promise<void> {
  const kernel = new Kernel({ seed: 1, trace: false });
  return kernel.run(() => body(new SimClock(kernel)));
}

describe('where time goes', () => {
  it('is in one phase at any moment', () =>
    simulated(async (clock) => {
      const timer = new PhaseTimer(clock, ['idle', 'work']);
      await clock.sleep(10);
      expect(timer.enter('work')).toBe('idle');
      await clock.sleep(5);
      expect(timer.totals()).toEqual({ idle: 10, work: 5 });
      await clock.sleep(1);
      expect(timer.totals()).toEqual({ idle: 10, work: 6 });
    }));

  it('counts what several do at once, together and each', () =>
    simulated(async (clock) => {
      const timer = new BusyTimer(clock);
      const first = timer.during(clock.sleep(100));
      await clock.sleep(50);
      const second = timer.during(clock.sleep(100));
      await clock.sleep(25);
      expect([timer.total(), timer.sum(), timer.calls]).toEqual([75, 100, 0]);
      await Promise.all([first, second]);
      await clock.sleep(50);
      expect([timer.total(), timer.sum(), timer.calls]).toEqual([150, 200, 2]);
    }));

  it('tells what has grown in the last five seconds or more', () =>
    simulated(async (clock) => {
      const window = new TimeWindow(clock, { work: 0 });
      let work = 0;
      for (let second = 0; second < 20; second++) {
        await clock.sleep(1000);
        work += second < 10 ? 1000 : 100;
        window.tick(() => ({ work }));
      }
      const { ms, grown } = window.last({ work });
      expect(ms).toBeGreaterThanOrEqual(5000);
      expect(ms).toBeLessThan(7000);
      expect(grown.work / ms).toBeCloseTo(0.1, 5);
    }));
});
