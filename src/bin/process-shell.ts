/** What all long-running processes share: signals, uncaught errors, the exit code, waiting for the cluster. */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { LogConfig } from '../config/process-config.js';
import type { SecurityConfig } from '../model/subtask-config.js';
import { createLog } from '../log/create-log.js';
import type { NatsTls } from '../nats/connect.js';
import type { Ports } from '../runtime/ports.js';
import { RealClock } from '../runtime/real/clock.js';
import { RealIds } from '../runtime/real/ids.js';
import { RealRandom } from '../runtime/real/random.js';

export interface Shell {
  readonly ports: Ports;
  /** Aborts at the first SIGTERM or SIGINT. */
  readonly stopping: AbortSignal;
}

/** A process that has not ended this long after it was told to is ended. */
const FORCE_EXIT_MS = 20_000;

/**
 * Runs a process to its end. `main` returns once `stopping` has been aborted and everything is put away.
 * Exit code 0 then, 1 when it rejects, with the error in the log and on standard error.
 */
export async function runProcess(
  name: string,
  logConfig: LogConfig,
  main: (shell: Shell) => Promise<void>,
): Promise<void> {
  const clock = new RealClock();
  const log = createLog({ ...logConfig, clock });
  const ports: Ports = { clock, log, ids: new RealIds(), random: new RealRandom() };
  const stop = new AbortController();
  const fail = (what: string, error: unknown): void => {
    log.error(what, { error: describe(error) });
    if (logConfig.file !== '') process.stderr.write(`${name}: ${what}: ${describe(error)}\n`);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted) return;
    log.info('stopping', { signal });
    clock.after(FORCE_EXIT_MS, () => {
      log.error('stopping took too long');
      process.exit(1);
    });
    stop.abort(new Error(`stopped by ${signal}`));
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  const onUncaught = (error: unknown): void => {
    fail('uncaught error', error);
    process.exit(1);
  };
  process.on('uncaughtException', onUncaught);
  process.on('unhandledRejection', onUncaught);
  log.info('starting', { process: name, pid: process.pid });
  try {
    await main({ ports, stopping: stop.signal });
    log.info('stopped', { process: name });
    process.exit(0);
  } catch (error) {
    if (stop.signal.aborted) {
      log.info('stopped before it was up', { process: name, error: describe(error) });
      process.exit(0);
    }
    fail('cannot go on', error);
    process.exit(1);
  }
}

/** What cannot be reached yet is tried again until it can, or the process is told to stop. */
export async function untilAvailable<T>(shell: Shell, what: string, attempt: () => Promise<T>): Promise<T> {
  for (let wait = 500; ; wait = Math.min(wait * 2, 5_000)) {
    shell.stopping.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof DmError) || error.code !== CODES.clusterUnavailable.code) throw error;
      shell.ports.log.warn(`waiting for ${what}`, { error: error.toString() });
      await shell.ports.clock.sleep(wait, shell.stopping);
    }
  }
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

export function natsTls(security: SecurityConfig): NatsTls | undefined {
  const { sslCa, sslCert, sslKey } = security;
  if (!sslCa && !sslCert && !sslKey) return undefined;
  return {
    ...(sslCa ? { caFile: sslCa } : {}),
    ...(sslCert ? { certFile: sslCert } : {}),
    ...(sslKey ? { keyFile: sslKey } : {}),
  };
}

export function describe(error: unknown): string {
  if (error instanceof DmError) return error.toString();
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
