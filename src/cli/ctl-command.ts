/** What a command of dmctl is, and what several of them share. */
import type { JsonObject } from '../api/request.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';

export interface CtlOption {
  /** In commander's form, short one first: `-s, --source <sources...>`. */
  flags: string;
  /** What the help shows behind the flags: `strings`. */
  type: string;
  help: string;
}

/** What a command may ask of the machine it runs on. */
export interface CtlFiles {
  /** Rejects with 20018 when the file cannot be read. */
  read(name: string): string;
  isFile(name: string): boolean;
}

export interface CtlInput {
  args: string[];
  options: Record<string, unknown>;
  files: CtlFiles;
}

export interface CtlCommand {
  name: string;
  /** Behind `dmctl `: the arguments as the manual shows them. */
  usage: string;
  /** One line of the command list. */
  summary: string;
  /** First line of the command's own help. */
  description: string;
  options: CtlOption[];
  /** Makes the request; a text, or the command's help, is printed and nothing is sent. Rejects with 48003 for wrong arguments. */
  request(input: CtlInput): JsonObject | { print: string } | 'help';
  /** How the answer to this request is shown in place of JSON; undefined = as JSON. */
  format?(request: JsonObject, answer: JsonObject): string | undefined;
  /** What is completed behind the command. */
  completes?: 'task' | 'source' | 'file' | 'operate-source' | 'get-config' | 'binlog';
}

export function usageError(command: CtlCommand): DmError {
  return new DmError(CODES.ctlInvalidArguments, `usage: dmctl ${command.usage}`);
}

export function sources({ options }: CtlInput): string[] {
  const given = (options['source'] as string[] | undefined) ?? [];
  return given.flatMap((one) => one.split(',')).filter((one) => one !== '');
}

/** A task's name as typed, or the text of the file of that name. */
export function taskArgument(argument: string, files: CtlFiles): string {
  if (!files.isFile(argument)) return argument;
  const text = files.read(argument);
  return text.includes('\n') ? text : `${text}\n`;
}
