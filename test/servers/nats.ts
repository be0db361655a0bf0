/** nats-server from the Debian package of that name, with JetStream; single, or a cluster of three. */
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import path from 'node:path';
import { installPackages } from './apt.js';
import { temporaryFolder } from './cache.js';
import { Child, type ChildOptions } from './child.js';
import { installNats, type NewerNats } from './nats-versions.js';
import { freePort } from './ports.js';

const CANDIDATES = ['/usr/sbin/nats-server', '/usr/bin/nats-server', '/usr/local/bin/nats-server'];

/** The server's binary, installed on demand. */
export async function natsBinary(): Promise<string> {
  const present = CANDIDATES.find((file) => existsSync(file));
  if (present) return present;
  await installPackages(['nats-server']);
  const installed = CANDIDATES.find((file) => existsSync(file));
  if (!installed) throw new Error('the package nats-server brought no nats-server');
  return installed;
}

export interface NatsOptions {
  /** Lines added to the server's configuration file. */
  readonly config?: readonly string[];
  /** A newer server than the machine's own; see nats-versions.ts. */
  readonly version?: NewerNats;
  /** Default true. */
  readonly jetstream?: boolean;
}

/** One nats-server process; `url` is what clients connect to. */
export class NatsServer implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly name: string;
  readonly #launch: ChildOptions;
  readonly #folder: string | undefined;
  #child: Child;

  private constructor(port: number, name: string, launch: ChildOptions, folder: string | undefined) {
    this.port = port;
    this.name = name;
    this.#launch = launch;
    this.#folder = folder;
    this.#child = new Child(launch);
  }

  /** `folder` is removed on `stop()`. */
  static async start(options: {
    port: number;
    name: string;
    launch: ChildOptions;
    folder?: string;
  }): Promise<NatsServer> {
    const server = new NatsServer(options.port, options.name, options.launch, options.folder);
    await server.#ready();
    return server;
  }

  get url(): string {
    return `nats://${this.host}:${this.port}`;
  }

  get pid(): number {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.running;
  }

  async signal(signal: NodeJS.Signals): Promise<void> {
    await this.#child.signal(signal);
  }

  /** Starts again on the same port and data, first ending the process when it runs. */
  async restart(): Promise<void> {
    await this.#child.stop();
    this.#child = new Child(this.#launch);
    await this.#ready();
  }

  async stop(): Promise<void> {
    await this.#child.signal('SIGKILL');
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  describe(): string {
    return `nats-server ${this.name} on ${this.url}: ${this.#child.describe()}`;
  }

  async #ready(): Promise<void> {
    const deadline = performance.now() + 30_000;
    while (!(await greets(this.port))) {
      if (!this.#child.running || performance.now() > deadline) {
        throw new Error(`nats-server is not ready: ${this.#child.describe()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** A NATS server speaks first: `INFO {...}`. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host: '127.0.0.1', port });
    const done = (yes: boolean): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('data', (data) => done(data.toString('latin1').startsWith('INFO ')));
    socket.once('error', () => done(false));
    socket.setTimeout(2_000, () => done(false));
  });
}

function configuration(parts: {
  port: number;
  name: string;
  store: string;
  options: NatsOptions;
  cluster?: { port: number; routes: readonly number[] };
}): string {
  const lines = [
    `server_name: ${parts.name}`,
    `listen: "127.0.0.1:${parts.port}"`,
    ...(parts.options.jetstream === false ? [] : [`jetstream { store_dir: "${parts.store}" }`]),
    ...(parts.options.config ?? []),
  ];
  if (parts.cluster) {
    const routes = parts.cluster.routes.map((port) => `"nats://127.0.0.1:${port}"`).join(', ');
    lines.push(`cluster { name: sluice, listen: "127.0.0.1:${parts.cluster.port}", routes: [${routes}] }`);
  }
  return lines.join('\n') + '\n';
}

async function prepare(
  binary: string,
  folder: string,
  parts: Omit<Parameters<typeof configuration>[0], 'store'>,
): Promise<ChildOptions> {
  const store = path.join(folder, `${parts.name}-store`);
  await mkdir(store, { recursive: true });
  const file = path.join(folder, `${parts.name}.conf`);
  await writeFile(file, configuration({ ...parts, store }));
  return { command: binary, args: ['-c', file], logFile: path.join(folder, `${parts.name}.log`) };
}

function binaryOf({ version }: NatsOptions): Promise<string> {
  return version === undefined ? natsBinary() : installNats(version);
}

/** Starts one nats-server with JetStream. */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const binary = await binaryOf(options);
  const folder = await temporaryFolder('nats');
  const port = await freePort();
  const launch = await prepare(binary, folder, { port, name: 'single', options });
  return NatsServer.start({ port, name: 'single', launch, folder });
}

/** Three nats-servers that form one JetStream cluster. */
export class NatsCluster implements AsyncDisposable {
  constructor(
    readonly servers: readonly NatsServer[],
    readonly folder: string,
  ) {}

  /** All servers, comma separated, as `nats-url` takes them. */
  get url(): string {
    return this.servers.map((server) => server.url).join(',');
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Starts a cluster; streams with three replicas can be made as soon as the meta leader is elected. */
export async function startNatsCluster(options: NatsOptions & { size?: number } = {}): Promise<NatsCluster> {
  const binary = await binaryOf(options);
  const folder = await temporaryFolder('nats-cluster');
  const size = options.size ?? 3;
  const ports = await Promise.all(Array.from({ length: size * 2 }, () => freePort()));
  const clientPorts = ports.slice(0, size);
  const routePorts = ports.slice(size);
  const servers = await Promise.all(
    clientPorts.map(async (port, i) => {
      const name = `n${i + 1}`;
      const cluster = { port: routePorts[i]!, routes: routePorts };
      return NatsServer.start({
        port,
        name,
        launch: await prepare(binary, folder, { port, name, options, cluster }),
      });
    }),
  );
  return new NatsCluster(servers, folder);
}
