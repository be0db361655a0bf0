/** `npm test`. */
import { writeSync } from 'node:fs';
import { projectRoot } from '../support/cluster.js';
import { runTests } from './run-tests.js';

const passed = await runTests({
  root: projectRoot(),
  args: process.argv.slice(2),
  print: (text) => void writeSync(1, text),
});
process.exitCode = passed ? 0 : 1;
