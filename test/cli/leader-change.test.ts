/** A master that dies in the middle of a command: dmctl notices that another one leads, or none. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/api/request.js';
import { CtlClient } from '../../src/cli/ctl-client.js';
import { createLog } from '../../src/log/create-log.js';
import { connectBus, type NatsBus } from '../../src/nats/connect.js';
import { commandSubject } from '../../src/nats/subjects.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { RealIds } from '../../src/runtime/real/ids.js';
import { startNats } from '../servers/index.js';

const clock = new RealClock();
const ports = {
  clock,
  ids: new RealIds(),
  log: createLog({ level: 'error', file: '', format: 'text', clock }),
};
/** Ten times as fast as the real one. */
const fast = {
  monotonic: () => clock.monotonic() * 10,
  wall: () => clock.wall(),
  after: (ms: number, fn: () => void) => clock.after(ms / 10, fn),
  sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms / 10, signal),
};

let nats: Awaited<ReturnType<typeof startNats>>;
beforeAll(async () => {
  nats = await startNats();
});
afterAll(() => nats?.stop());

/** A master that leads in this term and answers commands so; null = it never gets to an answer to that one. */
async function leader(
  epoch: number,
  answer: { readonly next: JsonObject | null },
): Promise<{ bus: NatsBus; asked: Promise<void>; requests: JsonObject[] }> {
  const requests: JsonObject[] = [];
  const bus = await connectBus({ servers: [nats.url], name: `master of ${epoch}`, ...ports });
  const bytes = (json: JsonObject): Uint8Array => new TextEncoder().encode(JSON.stringify(json));
  await bus.serve(commandSubject('term'), async () => bytes({ leader: `m${epoch}`, epoch }));
  let begin: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => (begin = resolve));
  for (const command of ['query-status', 'pause-task', 'start-task']) {
    await bus.serve(commandSubject(command), async ({ data }) => {
      requests.push(JSON.parse(new TextDecoder().decode(data)) as JsonObject);
      begin();
      const now = answer.next;
      if (now === null) await new Promise(() => undefined);
      return bytes(now!);
    });
  }
  return { bus, asked, requests };
}

function client(): CtlClient {
  const globals = { servers: [nats.url], ssl: { ca: '', cert: '', key: '' }, rpcTimeoutMs: 600_000 };
  return new CtlClient(globals as ConstructorParameters<typeof CtlClient>[0], { ...ports, clock: fast });
}

describe('a leader that dies while a command is carried out', () => {
  it('is asked for again where the command only asks or may be done twice, and told of where not', async () => {
    for (const command of ['query-status', 'pause-task', 'start-task']) {
      const old = await leader(1, { next: null });
      const ctl = client();
      const sent = ctl.send(command, { task: 't' });
      sent.catch(() => undefined);
      await old.asked;
      await old.bus.close();
      const next = await leader(2, { next: { result: true, msg: 'of the next' } });
      if (command !== 'start-task') {
        expect(await sent).toEqual({ result: true, msg: 'of the next' });
        expect(old.requests).toEqual([{ task: 't' }]);
        expect(next.requests).toEqual([{ task: 't', ...(command === 'pause-task' ? { again: true } : {}) }]);
      } else {
        await expect(sent).rejects.toThrow(
          'the leading master has changed while start-task was carried out: it may or may not be done',
        );
      }
      await ctl.close();
      await next.bus.close();
    }
  });

  it('that is cut off is asked again so, too', async () => {
    for (const command of ['query-status', 'pause-task', 'start-task']) {
      const answers: { next: JsonObject | null } = { next: null };
      const one = await leader(1, answers);
      const ctl = client();
      const sent = ctl.send(command, { task: 't' });
      sent.catch(() => undefined);
      await one.asked;
      answers.next = { result: true, msg: 'after the cut' };
      await nats.restart();
      if (command === 'start-task') {
        await expect(sent).rejects.toThrow(
          'the connection to the masters broke while start-task was carried out: it may or may not be done',
        );
        expect(one.requests).toEqual([{ task: 't' }]);
      } else {
        expect(await sent).toEqual(answers.next);
        expect(one.requests).toHaveLength(2);
      }
      await ctl.close();
      await one.bus.close();
    }
  });

  it('is not waited for when nobody leads in its place', async () => {
    const old = await leader(1, { next: null });
    const ctl = client();
    const sent = ctl.send('query-status', {});
    sent.catch(() => undefined);
    await old.asked;
    await old.bus.close();
    await expect(sent).rejects.toThrow('is gone and no other one leads yet');
    await ctl.close();
  });

  it('may take its time while it leads, and answers', async () => {
    const bus = await connectBus({ servers: [nats.url], name: 'slow master', ...ports });
    const bytes = (json: JsonObject): Uint8Array => new TextEncoder().encode(JSON.stringify(json));
    let terms = 0;
    let enough: () => void = () => undefined;
    const long = new Promise<void>((resolve) => (enough = resolve));
    await bus.serve(commandSubject('term'), async () => {
      if (++terms === 6) enough();
      // It loses the lead now and then, and takes it back.
      return bytes({ leader: 'm1', epoch: terms, session: 'one' });
    });
    await bus.serve(commandSubject('start-task'), async () => {
      await long;
      return bytes({ result: true, msg: 'late' });
    });
    const ctl = client();
    expect(await ctl.send('start-task', {})).toEqual({ result: true, msg: 'late' });
    await ctl.close();
    await bus.close();
  });
});
