import { expect, it } from 'vitest';
import { Progress } from './progress.js';

it('reaches a transaction end only when nothing before it is in flight', () => {
  const gtids: string[] = [];
  const progress = new Progress(
    { name: 'b.000001', pos: 4, gtidSet: '' },
    { add: (gtid) => void gtids.push(gtid), toString: () => gtids.join(',') },
  );
  progress.mark(0, 'b.000001', 100, 'g1', 1, () => Infinity);
  expect(progress.pos).toBe(100);
  progress.mark(3, 'b.000001', 200, 'g2', 2, () => 2);
  progress.mark(5, 'b.000001', 300, 'g3', 3, () => 2);
  expect(progress.pos).toBe(100);
  progress.advance(4);
  expect(progress.location()).toEqual({ name: 'b.000001', pos: 200, gtidSet: 'g1,g2' });
  progress.mark(5, 'b.000001', 350, '', 0, () => Infinity);
  expect(progress.pos).toBe(200);
  progress.advance(Infinity);
  expect(progress.location()).toEqual({ name: 'b.000001', pos: 350, gtidSet: 'g1,g2,g3' });
  expect(progress.timestamp).toBe(3);
});
