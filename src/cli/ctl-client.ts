import type { JsonObject } from '../api/request.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { connectBus, type NatsBus } from '../nats/connect.js';
import { commandSubject } from '../nats/subjects.js';
import { BusError, type Clock, type Ids, type Log } from '../runtime/ports.js';
import type { CtlGlobals } from './ctl-globals.js';

export interface CtlPorts {
  clock: Clock;
  ids: Ids;
  log: Log;
}

/** How long the first connection is tried: long enough for a master that changes leaders, short for a typo. */
const CONNECT_MS = 3000;
/** A standby master, or one that has just become leader, serves a moment later. */
const NO_RESPONDER_RETRY_MS = 5000;
const RETRY_EVERY_MS = 250;

/** Sends commands to the masters. Connects at the first command. */
export class CtlClient {
  readonly #globals: CtlGlobals;
  readonly #ports: CtlPorts;
  #bus: NatsBus | undefined;

  constructor(globals: CtlGlobals, ports: CtlPorts) {
    this.#globals = globals;
    this.#ports = ports;
  }

  /** Rejects with 48001 when no master can be reached, 38033 when it does not answer in time. */
  async send(command: string, request: JsonObject): Promise<JsonObject> {
    const bus = (this.#bus ??= await this.#connect());
    const data = new TextEncoder().encode(JSON.stringify(request));
    const { clock } = this.#ports;
    const giveUp = clock.monotonic() + NO_RESPONDER_RETRY_MS;
    for (;;) {
      try {
        const timeoutMs = this.#globals.rpcTimeoutMs;
        const answer = await bus.request(commandSubject(command), data, { timeoutMs });
        return JSON.parse(new TextDecoder().decode(answer)) as JsonObject;
      } catch (error) {
        if (!(error instanceof BusError)) throw error;
        // Nothing was delivered, so asking again does no harm.
        if (error.kind !== 'no-responder' || clock.monotonic() > giveUp) throw this.#translate(error);
        await clock.sleep(RETRY_EVERY_MS);
      }
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
