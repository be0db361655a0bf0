import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BusError, type Bus } from '../../src/runtime/ports.js';
import { bytes, text, until, type Harness, type HarnessFactory } from './harness.js';

/** What every Bus must do. */
export function busContract(name: string, factory: HarnessFactory): void {
  describe(`Bus: ${name}`, () => {
    let harness: Harness;
    let count = 0;

    beforeAll(async () => {
      harness = await factory();
    });
    afterAll(async () => {
      await harness.close();
    });

    /** Two processes and a subject of their own. */
    function busTest(title: string, body: (a: Bus, b: Bus, subject: string) => Promise<void>): void {
      test(title, async () => {
        const subject = `test.s${count++}`;
        await harness.run(async () => {
          const a = (await harness.connect('a')).bus;
          const b = (await harness.connect('b')).bus;
          await body(a, b, subject);
          await a.close();
          await b.close();
        });
      });
    }

    const echo = (message: { data: Uint8Array }): Promise<Uint8Array> =>
      Promise.resolve(bytes(`echo ${text(message.data)}`));

    busTest('a request is answered', async (a, b, subject) => {
      const stop = await a.serve(subject, echo);
      expect(text(await b.request(subject, bytes('hi'), { timeoutMs: 20_000 }))).toBe('echo hi');
      expect(text(await a.request(subject, bytes('me'), { timeoutMs: 20_000 }))).toBe('echo me');
      await stop();
    });

    busTest('nobody there: no-responder at once, also after stop', async (a, b, subject) => {
      const ask = (timeoutMs: number): Promise<Uint8Array> => b.request(subject, bytes(''), { timeoutMs });
      const began = harness.clock.monotonic();
      await expect(ask(60_000)).rejects.toMatchObject({ name: 'BusError', kind: 'no-responder' });
      expect(harness.clock.monotonic() - began).toBeLessThan(30_000);
      const stop = await a.serve(subject, echo);
      await ask(60_000);
      await stop();
      // Short, since a request that meets the unsubscription on its way is lost: delivery is at most once.
      await until(harness.clock, 'no responder', () =>
        ask(2_000).then(
          () => false,
          (error: unknown) => error instanceof BusError && error.kind === 'no-responder',
        ),
      );
    });

    busTest('a silent server: timeout', async (a, b, subject) => {
      await a.serve(subject, () => new Promise(() => undefined));
      const asked = b.request(subject, bytes(''), { timeoutMs: 100 });
      await expect(asked).rejects.toMatchObject({ kind: 'timeout' });
    });

    busTest('an abort ends the wait with its reason', async (a, b, subject) => {
      await a.serve(subject, () => new Promise(() => undefined));
      const abort = new AbortController();
      const asked = b.request(subject, bytes(''), { timeoutMs: 20_000, signal: abort.signal });
      const reason = new Error('enough');
      abort.abort(reason);
      await expect(asked).rejects.toBe(reason);
    });

    busTest('errors travel with code and text', async (a, b, subject) => {
      await a.serve(subject, (message) =>
        text(message.data) === 'coded'
          ? Promise.reject(new BusError('remote', 'no such task', 46018))
          : Promise.reject(new Error('line one\nline two')),
      );
      const ask = (what: string): Promise<Uint8Array> =>
        b.request(subject, bytes(what), { timeoutMs: 20_000 });
      await expect(ask('coded')).rejects.toMatchObject({
        kind: 'remote',
        code: 46018,
        message: 'no such task',
      });
      await expect(ask('other')).rejects.toMatchObject({
        kind: 'remote',
        code: 500,
        message: 'line one line two',
      });
    });

    busTest('one of a queue group answers each request', async (a, b, subject) => {
      const served = { a: 0, b: 0 };
      await a.serve(subject, () => (served.a++, Promise.resolve(bytes('a'))), { queue: 'q' });
      await b.serve(subject, () => (served.b++, Promise.resolve(bytes('b'))), { queue: 'q' });
      for (let i = 0; i < 40; i++) await a.request(subject, bytes(''), { timeoutMs: 20_000 });
      expect(served.a + served.b).toBe(40);
      expect(Math.min(served.a, served.b)).toBeGreaterThan(0);
    });

    busTest('wildcards in serve and subscribe', async (a, b, subject) => {
      const heard: string[] = [];
      const stop = await a.subscribe(`${subject}.*.x`, (message) => heard.push(message.subject));
      await a.subscribe(`${subject}.>`, (message) => heard.push(`all ${message.subject}`));
      b.publish(`${subject}.1.x`, bytes('1'));
      b.publish(`${subject}.2.y`, bytes('2'));
      await until(harness.clock, 'three messages', () => heard.length === 3);
      expect(heard.sort()).toEqual([`all ${subject}.1.x`, `all ${subject}.2.y`, `${subject}.1.x`]);
      await stop();
      await b.serve(`${subject}.q.>`, (message) => Promise.resolve(bytes(message.subject)));
      const answer = await a.request(`${subject}.q.one.two`, bytes(''), { timeoutMs: 20_000 });
      expect(text(answer)).toBe(`${subject}.q.one.two`);
    });

    busTest('messages of one publisher arrive in order, also to itself', async (a, b, subject) => {
      const heard: string[] = [];
      await a.subscribe(subject, (message) => heard.push(text(message.data)));
      for (let i = 0; i < 100; i++) a.publish(subject, bytes(String(i)));
      await until(harness.clock, 'all messages', () => heard.length === 100);
      expect(heard).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
      expect(b.connected).toBe(true);
    });

    busTest('a listener that throws does not silence the subscription', async (a, b, subject) => {
      let heard = 0;
      await a.subscribe(subject, () => {
        heard++;
        throw new Error('listener failed');
      });
      b.publish(subject, bytes('1'));
      b.publish(subject, bytes('2'));
      await until(harness.clock, 'both', () => heard === 2);
    });

    busTest('large messages pass, too large ones say so', async (a, b, subject) => {
      await a.serve(subject, echo);
      const large = 'x'.repeat(3 * 1024 * 1024);
      const answer = await b.request(subject, bytes(large), { timeoutMs: 20_000 });
      expect(answer.length).toBe(large.length + 5);
      const tooLarge = new Uint8Array(9 * 1024 * 1024);
      await expect(b.request(subject, tooLarge, { timeoutMs: 20_000 })).rejects.toMatchObject({
        kind: 'remote',
        code: 413,
      });
    });

    busTest('after close: closed', async (a, b, subject) => {
      await a.close();
      expect(a.connected).toBe(false);
      const ask = a.request(subject, bytes(''), { timeoutMs: 100 });
      await expect(ask).rejects.toMatchObject({ kind: 'closed' });
      await expect(a.serve(subject, echo)).rejects.toMatchObject({ kind: 'closed' });
      expect(b.connected).toBe(true);
    });
  });
}
