import type { JsonObject } from '../api/request.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { connectBus, type NatsBus } from '../nats/connect.js';
import { commandSubject } from '../nats/subjects.js';
import { BusError, type Clock, type Ids, type Log } from '../runtime/ports.js';
import type { CtlGlobals } from './ctl-globals.js';
import { onceMore } from './repeatable.js';
import { NOBODY_MS, connectionCut, leadLost, leaderNow, type LeadLoss } from './term-watch.js';

export interface CtlPorts {
  clock: Clock;
  ids: Ids;
  log: Log;
}

/** How long the first connection is tried: long enough for a master that changes leaders, short for a typo. */
const CONNECT_MS = 3000;
const RETRY_EVERY_MS = 250;
const OTHER_LEADERS = 3;

/** Sends commands to the masters. Connects at the first command. */
export class CtlClient {
  readonly #globals: CtlGlobals;
  readonly #ports: CtlPorts;
  #bus: NatsBus | undefined;

  constructor(globals: CtlGlobals, ports: CtlPorts) {
    this.#globals = globals;
    this.#ports = ports;
  }

  /**
   * Rejects with 48001 when no master can be reached, 38033 when it does not answer in time, 60209 when the
   * leader has changed, or the connection broke, in the middle of what must not be done twice.
   */
  async send(command: string, request: JsonObject): Promise<JsonObject> {
    let wanted = request;
    for (let asked = 0; ; asked++) {
      const answer = await this.#ask(command, wanted);
      if (typeof answer !== 'string') return answer;
      const repeated = onceMore(command, request);
      if (answer === 'nobody' || repeated === null || asked >= OTHER_LEADERS)
        throw lostError(command, answer);
      wanted = repeated;
    }
  }

  async #ask(command: string, request: JsonObject): Promise<JsonObject | LeadLoss> {
    const bus = (this.#bus ??= await this.#connect());
    const data = new TextEncoder().encode(JSON.stringify(request));
    const { clock } = this.#ports;
    const giveUp = clock.monotonic() + NOBODY_MS;
    for (;;) {
      try {
        const answer = await this.#request(bus, command, data);
        if (typeof answer === 'string') return answer;
        return JSON.parse(new TextDecoder().decode(answer)) as JsonObject;
      } catch (error) {
        if (!(error instanceof BusError)) throw error;
        // Nothing was delivered, so asking again does no harm.
        if (error.kind !== 'no-responder' || clock.monotonic() > giveUp) throw this.#translate(error);
        await clock.sleep(RETRY_EVERY_MS);
      }
    }
  }

  /** Gives up waiting when the master that the command went to does not lead any more. */
  async #request(bus: NatsBus, command: string, data: Uint8Array): Promise<Uint8Array | LeadLoss> {
    // Twice: the first may have been lost with a connection that is back by now.
    const leader = (await leaderNow(bus)) ?? (await leaderNow(bus));
    // Without a connection nothing is sent, now or later: the request would wait in vain.
    if (!bus.connected) throw new BusError('no-responder', 'there is no connection');
    const over = new AbortController();
    const { signal } = over;
    const answer = bus.request(commandSubject(command), data, {
      timeoutMs: this.#globals.rpcTimeoutMs,
      signal,
    });
    // Whichever comes second is ended, and of no interest.
    answer.catch(() => undefined);
    try {
      const cut = connectionCut(bus, signal);
      cut.catch(() => undefined);
      if (leader === null) return await Promise.race([answer, cut]);
      const lost = leadLost(bus, this.#ports.clock, leader, signal);
      lost.catch(() => undefined);
      return await Promise.race([answer, cut, lost]);
    } finally {
      over.abort(new Error('answered'));
    }
  }

  async close(): Promise<void> {
    await this.#bus?.close();
  }

  async #connect(): Promise<NatsBus> {
    const { servers, ssl } = this.#globals;
    if (servers.length === 0) {
      throw new DmError(
        CODES.ctlGrpcConnect,
        '--master-addr not provided, this parameter is required when interacting with the dm-master',
        {
          workaround: 'Please set --master-addr or the environment variable DM_MASTER_ADDR.',
        },
      );
    }
    const tls = {
      ...(ssl.ca === '' ? {} : { caFile: ssl.ca }),
      ...(ssl.cert === '' ? {} : { certFile: ssl.cert }),
      ...(ssl.key === '' ? {} : { keyFile: ssl.key }),
    };
    try {
      return await connectBus({
        servers,
        name: 'dmctl',
        firstConnectMs: CONNECT_MS,
        ...this.#ports,
        ...(Object.keys(tls).length > 0 ? { tls } : {}),
      });
    } catch (cause) {
      throw new DmError(CODES.ctlGrpcConnect, `can't connect to ${servers.join(',')}`, { cause });
    }
  }

  #translate(error: BusError): DmError {
    const servers = this.#globals.servers.join(',');
    switch (error.kind) {
      case 'no-responder':
        return new DmError(CODES.ctlGrpcConnect, `can't connect to ${servers}: no dm-master answers there`, {
          workaround: 'Please check that a dm-master is running.',
        });
      case 'timeout':
        return new DmError(CODES.masterWorkerTimeout, 'request is timeout, but request may be successful', {
          cause: error,
        });
      case 'closed':
        return new DmError(CODES.ctlGrpcConnect, `the connection to ${servers} was closed`, { cause: error });
      case 'remote':
        return new DmError(CODES.notSet, error.message, { cause: error });
    }
  }
}

const LOSSES: Readonly<Record<LeadLoss, string>> = {
  changed: 'the leading master has changed',
  nobody: 'the leading master is gone and no other one leads yet',
  cut: 'the connection to the masters broke',
};

function lostError(command: string, how: LeadLoss): DmError {
  return new DmError(
    CODES.leaderChanged,
    `${LOSSES[how]} while ${command} was carried out: it may or may not be done`,
  );
}
