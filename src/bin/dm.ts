#!/usr/bin/env node
/**
 * `dm node --roles master,worker`: one process with one or both roles. With a single role the other
 * arguments are those of dm-master or dm-worker; with both, each role has its own file.
 */
import { parseArgs } from 'node:util';
import { parseMasterArgs } from '../cli/flags-master.js';
import { parseWorkerArgs } from '../cli/flags-worker.js';
import { parseOrExit } from './parse-or-exit.js';
import { runProcess } from './process-shell.js';
import { runMaster } from './run-master.js';
import { runWorker } from './run-worker.js';

const USAGE = `Usage of dm:
  dm node --roles master [flags of dm-master]
  dm node --roles worker [flags of dm-worker]
  dm node --roles master,worker --master-config FILE --worker-config FILE
`;

function wrong(problem: string): never {
  process.stderr.write(`dm: ${problem}\n${USAGE}`);
  process.exit(2);
}

/** Takes `--roles X` or `--roles=X` out of the arguments. */
function takeRoles(argv: readonly string[]): { roles: string[]; rest: string[] } {
  const at = argv.findIndex((word) => /^--?roles(=|$)/.test(word));
  if (at < 0) wrong('--roles is missing');
  const inline = argv[at]!.split('=')[1];
  const text = inline ?? argv[at + 1] ?? '';
  const rest = argv.filter((_, i) => i !== at && (inline !== undefined || i !== at + 1));
  return { roles: text.split(',').map((role) => role.trim()), rest };
}

const [command, ...argv] = process.argv.slice(2);
if (command === undefined || /^(--?help|-h)$/.test(command)) {
  process.stdout.write(USAGE);
  process.exit(command === undefined ? 2 : 0);
}
if (command !== 'node') wrong(`unknown command ${command}`);
const { roles, rest } = takeRoles(argv);
const stranger = roles.find((role) => role !== 'master' && role !== 'worker');
if (stranger !== undefined) wrong(`unknown role "${stranger}"`);

if (roles.includes('master') && roles.includes('worker')) {
  const options = { 'master-config': { type: 'string' }, 'worker-config': { type: 'string' } } as const;
  const { values } = parseOrExit('dm', () => ({ config: parseArgs({ args: rest, options }) }));
  const files = { master: values['master-config'], worker: values['worker-config'] };
  if (!files.master || !files.worker) wrong('both roles need --master-config and --worker-config');
  const master = parseOrExit('dm', () => parseMasterArgs(['--config', files.master!]));
  const worker = parseOrExit('dm', () => parseWorkerArgs(['--config', files.worker!]));
  await runProcess('dm', master.log, async (shell) => {
    // The worker leaves first: handing over needs a NATS that runs.
    const workerDone = new AbortController();
    await Promise.all([
      runMaster(master, { ...shell, stopping: workerDone.signal }),
      runWorker(worker, shell).finally(() => workerDone.abort(new Error('the worker has ended'))),
    ]);
  });
} else if (roles.includes('master')) {
  const config = parseOrExit('dm', () => parseMasterArgs(rest));
  await runProcess('dm', config.log, (shell) => runMaster(config, shell));
} else {
  const config = parseOrExit('dm', () => parseWorkerArgs(rest));
  await runProcess('dm', config.log, (shell) => runWorker(config, shell));
}
