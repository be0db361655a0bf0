import type { ProcessArgs } from '../cli/process-args.js';
import { describe } from './process-shell.js';

/** The configuration; or prints what was asked for, or what is wrong with the flags, and ends the process. */
export function parseOrExit<T>(name: string, parse: () => ProcessArgs<T>): T {
  let args: ProcessArgs<T>;
  try {
    args = parse();
  } catch (error) {
    process.stderr.write(`${name}: ${describe(error)}\n`);
    process.exit(2);
  }
  if ('config' in args) return args.config;
  process.stdout.write(args.print.endsWith('\n') ? args.print : `${args.print}\n`);
  process.exit(0);
}
