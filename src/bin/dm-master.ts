#!/usr/bin/env node
import { parseMasterArgs } from '../cli/flags-master.js';
import { parseOrExit } from './parse-or-exit.js';
import { runProcess } from './process-shell.js';
import { runMaster } from './run-master.js';

const config = parseOrExit('dm-master', () => parseMasterArgs(process.argv.slice(2)));
await runProcess('dm-master', config.log, (shell) => runMaster(config, shell));
