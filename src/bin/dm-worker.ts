#!/usr/bin/env node
import { parseWorkerArgs } from '../cli/flags-worker.js';
import { parseOrExit } from './parse-or-exit.js';
import { runProcess } from './process-shell.js';
import { runWorker } from './run-worker.js';

const config = parseOrExit('dm-worker', () => parseWorkerArgs(process.argv.slice(2)));
await runProcess('dm-worker', config.log, (shell) => runWorker(config, shell));
