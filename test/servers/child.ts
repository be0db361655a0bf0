/**
 * Child processes of the tests: they never outlive the test process.
 *
 * Each child is started through `setpriv --pdeathsig KILL` where the machine has it (util-linux), so the
 * kernel ends it even when the test process itself is killed with SIGKILL; an `exit` hook covers the rest.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';

const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Standard output and error are appended here. */
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One running (or ended) child process. */
export class Child {
  readonly #process: ChildProcess;
  readonly #logFile: string;
  readonly #command: string;
  /** Resolves once the process is gone, whatever the reason. */
  readonly exited: Promise<ChildExit>;
  #exit: ChildExit | undefined;

  constructor(options: ChildOptions) {
    this.#logFile = options.logFile;
    this.#command = options.command;
    const log = openSync(options.logFile, 'a');
    const [command, args] = SETPRIV
      ? [SETPRIV, ['--pdeathsig', 'KILL', '--', options.command, ...options.args]]
      : [options.command, [...options.args]];
    this.#process = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ? { ...process.env, ...options.env } : process.env,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const killOnExit = (): void => {
      this.#process.kill('SIGKILL');
    };
    process.once('exit', killOnExit);
    this.exited = new Promise((resolve) => {
      const ended = (exit: ChildExit): void => {
        if (this.#exit) return;
        this.#exit = exit;
        process.off('exit', killOnExit);
        resolve(exit);
      };
      this.#process.once('exit', (code, signal) => ended({ code, signal }));
      this.#process.once('error', () => ended({ code: 127, signal: null }));
    });
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  get exit(): ChildExit | undefined {
    return this.#exit;
  }

  /** Sends a signal; after SIGKILL it resolves only once the process is gone. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    if (!this.running) return;
    this.#process.kill(signal);
    if (signal === 'SIGKILL') await this.exited;
  }

  /** Asks the process to end and kills it when it has not within `graceMs`. */
  async stop(graceMs = 10_000): Promise<ChildExit> {
    if (!this.running) return this.exited;
    this.#process.kill('SIGCONT');
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The end of what the process has written, for error messages. */
  logTail(lines = 30): string {
    if (!existsSync(this.#logFile)) return '';
    return readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  describe(): string {
    const state = this.#exit
      ? `ended (code ${this.#exit.code ?? '-'}, signal ${this.#exit.signal ?? '-'})`
      : 'running';
    return `${this.#command} ${state}; last output:\n${this.logTail()}`;
  }
}

/** Runs a command to its end; rejects with its output when it fails. */
export async function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string | undefined>>; timeoutMs?: number } = {},
): Promise<string> {
  const child = spawn(command, [...args], {
    cwd: options.cwd,
    env: options.env ? { ...process.env, ...options.env } : process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.timeoutMs,
  });
  const out: Buffer[] = [];
  const all: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => void (out.push(chunk), all.push(chunk)));
  child.stderr.on('data', (chunk: Buffer) => all.push(chunk));
  const code = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (exitCode, signal) => resolve(exitCode ?? signal ?? 'unknown'));
  });
  if (code !== 0) {
    const text = Buffer.concat(all).toString('utf8').trim().split('\n').slice(-25).join('\n');
    throw new Error(`${command} ${args.join(' ')} failed (${code}):\n${text}`);
  }
  return Buffer.concat(out).toString('utf8');
}
