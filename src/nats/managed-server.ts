/**
 * The nats-server of a master that was given no `nats-url`: started, watched, started again with growing
 * pauses when it dies, ended with us, however we end.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import path from 'node:path';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { Clock, Log } from '../runtime/ports.js';
import type { Service } from '../runtime/service.js';
import { hostPort, serverConfig, type ServerConfig } from './server-config.js';
import { ServerProcess, checkConfig, endOrphan, findBinary } from './server-process.js';

const READY_WITHIN_MS = 30_000;
const GRACE_MS = 5_000;
const LONGEST_PAUSE_MS = 5_000;
/** A server that lived this long starts again without a pause. */
const STABLE_AFTER_MS = 30_000;

export interface ManagedServerOptions {
  /** Full name of the nats-server; default: found on PATH. */
  readonly binary?: string;
  /** PATH to search. */
  readonly searchPath?: string;
  /** `host:port` for clients. */
  readonly clientListen: string;
  /** `host:port` for the other masters' servers. */
  readonly clusterListen?: string;
  /** Routes to all masters' servers (`host:port` or URLs); with `clusterListen`. */
  readonly routes?: readonly string[];
  readonly serverName: string;
  readonly clusterName: string;
  /** Holds the store, the configuration file and the pid file. */
  readonly dataDir: string;
  readonly authorization?: { readonly user: string; readonly password: string };
  readonly log: Log;
  readonly clock: Clock;
}

/**
 * Copies of each bucket for a number of masters. Two have two: neither can do without the other anyway (the
 * nats-servers' majority of two is two), and a third copy beside two is made by their log. A third copy beside a
 * single one is not safe: 2.9.10 may elect a new, empty server, and the bucket is lost.
 */
export function replicasFor(masters: number): number {
  return Math.min(Math.max(masters, 1), 3);
}

export class ManagedNatsServer implements Service {
  readonly id = 'nats-server';
  readonly #options: ManagedServerOptions;
  readonly #log: Log;
  readonly #stopping = new AbortController();
  #process: ServerProcess | null = null;
  #watching: Promise<void> | null = null;

  private constructor(options: ManagedServerOptions) {
    this.#options = options;
    this.#log = options.log.child({ component: 'nats-server' });
  }

  /**
   * Resolves when the server accepts connections; then `run()` watches it. DmError 60301 without a binary,
   * 60302 when it does not come up.
   */
  static async start(options: ManagedServerOptions): Promise<ManagedNatsServer> {
    const server = new ManagedNatsServer(options);
    const binary = await findBinary(options.binary, options.searchPath ?? process.env['PATH'] ?? '');
    if (!binary) {
      const what = options.binary ?? 'nats-server';
      throw new DmError(CODES.natsServerMissing, `cannot find or run the program ${what}`);
    }
    const configFile = await server.#prepare(binary);
    try {
      await server.#launch(binary, configFile);
    } catch (error) {
      await server.#process?.stop(options.clock, GRACE_MS);
      throw error;
    }
    server.#watching = server.#watch(binary, configFile);
    return server;
  }

  /** What clients connect to. */
  get url(): string {
    const address = hostPort(this.#options.clientListen);
    return `nats://${address.replace(/^(0\.0\.0\.0|\[::\]|\*)?:/, '127.0.0.1:')}`;
  }

  /** Lasts until `stop()`; the watching itself began with `start()`. */
  async run(): Promise<void> {
    await this.#watching;
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('stopped'));
    await this.#process?.stop(this.#options.clock, GRACE_MS);
    await this.#watching;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #prepare(binary: string): Promise<string> {
    const { dataDir } = this.#options;
    const folder = path.resolve(dataDir);
    const configFile = path.join(folder, 'nats-server.conf');
    const config: ServerConfig = {
      ...this.#options,
      storeDir: path.join(folder, 'jetstream'),
      pidFile: path.join(folder, 'nats-server.pid'),
    };
    await mkdir(config.storeDir, { recursive: true });
    await writeFile(configFile, serverConfig(config, true), { mode: 0o600 });
    const objection = await checkConfig(binary, configFile);
    if (objection?.includes('sync_interval')) {
      this.#log.warn('this nats-server is older than 2.10: its latest writes do not survive a power cut');
      await writeFile(configFile, serverConfig(config, false), { mode: 0o600 });
    } else if (objection) {
      throw new DmError(CODES.natsServerStart, 'the nats-server refuses its configuration', {
        rawCause: objection,
      });
    }
    return configFile;
  }

  async #launch(binary: string, configFile: string): Promise<void> {
    const { clock, clientListen } = this.#options;
    const pidFile = path.join(path.dirname(configFile), 'nats-server.pid');
    if (await endOrphan(pidFile, configFile, clock, GRACE_MS)) {
      this.#log.warn('ended a nats-server that an earlier run had left behind');
    }
    const child = new ServerProcess(binary, configFile, this.#log);
    this.#process = child;
    const deadline = clock.monotonic() + READY_WITHIN_MS;
    while (!(await greets(new URL(this.url), this.#options.serverName))) {
      if (!child.running || clock.monotonic() > deadline) {
        throw new DmError(CODES.natsServerStart, `the nats-server on ${clientListen} does not start`, {
          rawCause: child.lastWords,
        });
      }
      await clock.sleep(20, this.#stopping.signal);
    }
    if (!child.running) {
      throw new DmError(CODES.natsServerStart, `the nats-server on ${clientListen} ended at once`, {
        rawCause: child.lastWords,
      });
    }
    this.#log.info('nats-server is ready', { url: this.url });
  }

  async #watch(binary: string, configFile: string): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopping;
    let pause = 100;
    while (!signal.aborted) {
      const began = clock.monotonic();
      const exit = await this.#process!.exited;
      if (signal.aborted) return;
      if (clock.monotonic() - began > STABLE_AFTER_MS) pause = 100;
      this.#log.error('nats-server died, starting it again', { ...exit, pause });
      try {
        await clock.sleep(pause, signal);
        await this.#launch(binary, configFile);
      } catch (error) {
        if (signal.aborted) break;
        this.#log.error('nats-server did not start', { error: String(error) });
        this.#process!.kill();
      }
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
    await this.#process!.stop(clock, GRACE_MS);
  }
}

/** A NATS server speaks first, `INFO {...}`; the name in it tells ours from a stranger on the same port. */
function greets(url: URL, serverName: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) });
    const done = (yes: boolean): void => {
      socket.destroy();
      resolve(yes);
    };
    let text = '';
    socket.on('data', (data) => {
      text += data.toString('latin1');
      if (text.includes('\r\n')) {
        done(text.startsWith('INFO ') && text.includes(`"server_name":${JSON.stringify(serverName)}`));
      }
    });
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
    socket.setTimeout(1_000, () => done(false));
  });
}
