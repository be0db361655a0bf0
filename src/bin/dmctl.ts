#!/usr/bin/env node
import { createLog } from '../log/create-log.js';
import { RealClock } from '../runtime/real/clock.js';
import { RealIds } from '../runtime/real/ids.js';
import { runDmctl } from '../cli/dmctl.js';

const clock = new RealClock();
const err = (text: string): void => void process.stderr.write(text);
// Answers go to standard output alone; what the connection has to say must not mix with them.
const log = createLog({ level: 'error', file: '', format: 'text', clock, write: err });

process.exitCode = await runDmctl({
  argv: process.argv.slice(2),
  env: process.env,
  ports: { clock, ids: new RealIds(), log },
  out: (text) => void process.stdout.write(text),
  err,
});
