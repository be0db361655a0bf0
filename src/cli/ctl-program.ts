import { Command, CommanderError } from 'commander';
import type { JsonObject } from '../api/request.js';
import { didYouMean } from '../config/nearest.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { CtlCommand, CtlFiles } from './ctl-command.js';
import { CTL_COMMANDS, CTL_COMMANDS_NOT_YET } from './ctl-commands.js';
import { commandHelp, programHelp } from './ctl-help.js';

/** What one command line asks for. */
export type CtlAction =
  | { type: 'print'; text: string }
  | { type: 'encrypt'; text: string }
  | { type: 'decrypt'; text: string }
  | {
      type: 'send';
      command: string;
      request: JsonObject;
      saveAs?: string;
      format?: CtlCommand['format'];
    }
  | { type: 'exit' };

/** Go's `-name value` for flags of more than one letter, as DM's users type it. */
export function doubleDashes(words: readonly string[]): string[] {
  return words.map((word) => (/^-[A-Za-z][A-Za-z-]+(=|$)/.test(word) ? `-${word}` : word));
}

/**
 * Reads one command with its arguments (global options taken off before).
 * Rejects with 48003 for what is wrong in it, 60001 for what is not supported yet.
 */
export function parseCommand(words: readonly string[], files: CtlFiles): CtlAction {
  const [name, ...rest] = words;
  if (name === undefined || name === '--help' || name === '-h') return { type: 'print', text: programHelp() };
  switch (name) {
    case 'help':
      return { type: 'print', text: rest[0] === undefined ? programHelp() : helpOf(rest[0]) };
    case 'exit':
    case 'quit':
      return { type: 'exit' };
    case 'encrypt':
    case 'decrypt': {
      const [text, ...more] = rest;
      if (text === undefined || more.length > 0) {
        throw new DmError(CODES.ctlInvalidArguments, `usage: dmctl ${name} <text>`);
      }
      return { type: name, text };
    }
  }
  const command = findCommand(name);
  const parsed = parseArguments(command, doubleDashes(rest));
  if (parsed === 'help') return { type: 'print', text: commandHelp(command) };
  const request = command.request({ ...parsed, files });
  if (request === 'help') return { type: 'print', text: commandHelp(command) };
  if ('print' in request) return { type: 'print', text: String(request['print']) };
  const saveAs = parsed.options['file'] as string | undefined;
  const { format } = command;
  return {
    type: 'send',
    command: name,
    request,
    ...(saveAs === undefined ? {} : { saveAs }),
    ...(format === undefined ? {} : { format }),
  };
}

function findCommand(name: string): CtlCommand {
  const command = CTL_COMMANDS.find((one) => one.name === name);
  if (command) return command;
  if (CTL_COMMANDS_NOT_YET.some((one) => one.name === name)) {
    throw new DmError(CODES.notSupportedYet, `command "${name}" is not supported yet`, {
      workaround: 'Please use one of the commands that `help` lists.',
    });
  }
  const names = CTL_COMMANDS.map((one) => one.name);
  throw new DmError(
    CODES.ctlInvalidArguments,
    `unknown command "${name}" for "dmctl"${didYouMean(name, names)}`,
  );
}

function helpOf(name: string): string {
  return commandHelp(findCommand(name));
}

function parseArguments(
  command: CtlCommand,
  words: string[],
): { args: string[]; options: Record<string, unknown> } | 'help' {
  if (words.includes('--help') || words.includes('-h')) return 'help';
  const program = new Command(command.name)
    .helpOption(false)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, writeOut: () => undefined })
    .allowExcessArguments()
    .argument('[args...]')
    .option('-s, --source <source>', '', collect, []);
  for (const { flags } of command.options) {
    if (flags.endsWith('...>')) program.option(flags.replace('...>', '>'), '', collect, []);
    else program.option(flags);
  }
  const { words: rest, values } = goBooleans(words, command);
  try {
    program.parse(rest, { from: 'user' });
  } catch (cause) {
    if (!(cause instanceof CommanderError)) throw cause;
    const message = cause.message.replace(/^error: /, '');
    throw new DmError(CODES.ctlInvalidArguments, `${message}; usage: dmctl ${command.usage}`);
  }
  return { args: program.args, options: { ...program.opts(), ...values } };
}

/** Go's `--flag=true` and `--flag=false` of flags that take no value. */
function goBooleans(
  words: readonly string[],
  command: CtlCommand,
): { words: string[]; values: Record<string, boolean> } {
  const values: Record<string, boolean> = {};
  const rest = words.filter((word) => {
    const [, name, value] = /^--([a-z-]+)=(true|false)$/i.exec(word) ?? [];
    if (name === undefined || !command.options.some(({ flags }) => flags.endsWith(`--${name}`))) return true;
    const key = name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    values[key] = value?.toLowerCase() === 'true';
    return false;
  });
  return { words: rest, values };
}

/** Several `-s a -s b` add up; one takes one value, so that arguments may follow. */
function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
