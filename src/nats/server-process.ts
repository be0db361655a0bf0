/**
 * One nats-server process that never outlives us. A child of a killed process (kill -9) lives on and would
 * keep port and data; so the child is started by a small shell that holds our pipe: when the pipe
 * closes, because we close it or because we are gone, the shell ends the server gracefully. Should the shell
 * be killed too, the next start finds the server through its pid file.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { access, constants, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Clock, Log } from '../runtime/ports.js';

const run = promisify(execFile);

/**
 * $0: binary, $1: configuration. The server runs beside a reader of our pipe (descriptor 3); whichever
 * ends first ends the other.
 */
const GUARD = `
exec 3<&0 </dev/null
"$0" -c "$1" 3<&- &
server=$!
( while read -r line; do :; done; kill -TERM $server ) <&3 2>/dev/null &
exec 3<&-
wait $server
`;

export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class ServerProcess {
  readonly exited: Promise<ServerExit>;
  readonly #child: ChildProcess;
  readonly #lastLines: string[] = [];
  #running = true;

  constructor(binary: string, configFile: string, log: Log) {
    // A group of its own: Ctrl-C at our terminal must not end the server before us.
    this.#child = spawn('/bin/sh', ['-c', GUARD, binary, configFile], {
      stdio: ['pipe', 'ignore', 'pipe'],
      detached: true,
    });
    this.#child.stdin!.on('error', () => undefined); // the server is already gone
    createInterface({ input: this.#child.stderr! }).on('line', (line) => {
      this.#lastLines.push(line);
      if (this.#lastLines.length > 20) this.#lastLines.shift();
      const text = line.replace(/^\[\d+\] \S+ \S+ /, '');
      if (/^\[(ERR|FTL)\]/.test(text) && !isRepeated(text)) log.warn(`nats-server: ${text}`);
      else log.debug(`nats-server: ${text}`);
    });
    this.exited = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => {
        this.#running = false;
        this.#child.stdin!.destroy();
        resolve({ code, signal });
      };
      this.#child.once('exit', end);
      this.#child.once('error', (error) => {
        this.#lastLines.push(error.message);
        end(null, null);
      });
    });
  }

  get running(): boolean {
    return this.#running;
  }

  /** What it said last. */
  get lastWords(): string {
    return this.#lastLines.join('\n');
  }

  /** Ends it gracefully, after `graceMs` by force. */
  async stop(clock: Clock, graceMs: number): Promise<void> {
    this.#child.stdin!.end();
    const timer = clock.after(graceMs, () => this.kill());
    await this.exited;
    timer.cancel();
  }

  kill(): void {
    if (!this.#running || this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** A server that another one is away from tries it every second, and says so each time: the 1st, 10th, 100th will do. */
function isRepeated(text: string): boolean {
  const attempt = /connect to route \(attempt (\d+)\)/.exec(text)?.[1];
  return attempt !== undefined && !/^10*$/.test(attempt);
}

/** Ends a server that was left behind and holds our data; tells whether there was one. */
export async function endOrphan(
  pidFile: string,
  configFile: string,
  clock: Clock,
  graceMs: number,
): Promise<boolean> {
  const text = await readFile(pidFile, 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  // A pid may have been given to another process since: only one that runs our configuration is ours.
  if (!(pid > 1) || !(await runsConfig(pid, configFile))) return false;
  signalIfThere(pid, 'SIGTERM');
  const forceAt = clock.monotonic() + graceMs;
  let forced = false;
  while (await runsConfig(pid, configFile)) {
    if (!forced && clock.monotonic() > forceAt) {
      signalIfThere(pid, 'SIGKILL');
      forced = true;
    }
    await clock.sleep(20);
  }
  return true;
}

async function runsConfig(pid: number, configFile: string): Promise<boolean> {
  try {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    return commandLine.split('\0').includes(configFile);
  } catch {
    // No such process, or a system without /proc: there ps knows.
    if (process.platform === 'linux') return false;
    const listed = await run('ps', ['-p', String(pid), '-o', 'args=']).catch(() => ({ stdout: '' }));
    return listed.stdout.includes(configFile);
  }
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The binary: as given, else the first `nats-server` on PATH or where Debian puts it; null: none. */
export async function findBinary(given: string | undefined, searchPath: string): Promise<string | null> {
  const folders = [...searchPath.split(path.delimiter), '/usr/sbin', '/usr/local/bin', '/usr/bin'];
  const candidates = given ? [given] : folders.filter(Boolean).map((f) => path.join(f, 'nats-server'));
  for (const file of candidates) {
    const usable = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return file;
  }
  return null;
}

/** Whether the server accepts a configuration file; what it says against it otherwise. */
export async function checkConfig(binary: string, file: string): Promise<string | null> {
  try {
    await run(binary, ['-t', '-c', file]);
    return null;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    return (stderr ?? '').trim() || message;
  }
}
