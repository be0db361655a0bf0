/** Flags as Go programs take them: `-name value`, `--name=value`, and `-switch` alone. */
import { didYouMean } from '../config/nearest.js';
import type { FlagValue } from '../config/process-config.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';

export interface FlagSpec {
  /** Without dashes. */
  name: string;
  /** The key of the TOML file that it sets; '' for one that only the command line has. */
  key: string;
  /** What stands behind it in the help; '' for a switch. */
  value: string;
  help: string;
}

export interface ParsedFlags {
  /** Flags with a key, in the order given. */
  values: FlagValue[];
  /** Flags without a key: name to value ('true' for a switch). */
  others: Map<string, string>;
}

/** Rejects with 20009 for what is unknown or lacks its value. */
export function parseGoFlags(argv: readonly string[], specs: readonly FlagSpec[]): ParsedFlags {
  const result: ParsedFlags = { values: [], others: new Map() };
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word);
    if (!match) throw new DmError(CODES.configParseFlagSet, `'${word}' is an invalid flag`);
    const name = match[1] ?? '';
    const spec = specs.find((one) => one.name === name);
    if (!spec) {
      const names = specs.map((one) => one.name);
      throw new DmError(
        CODES.configParseFlagSet,
        `flag provided but not defined: ${word}${didYouMean(name, names)}`,
      );
    }
    const position = i + 1;
    let text = match[2];
    if (text === undefined) {
      if (spec.value === '') text = 'true';
      else text = argv[++i];
    }
    if (text === undefined) throw new DmError(CODES.configParseFlagSet, `flag needs an argument: ${word}`);
    if (spec.key === '') result.others.set(name, text);
    else result.values.push({ key: spec.key, text, word: position });
  }
  return result;
}

/** The help text of a process. */
export function flagsHelp(program: string, specs: readonly FlagSpec[]): string {
  const lines = specs.map(({ name, value, help }) => {
    const dashes = name.length === 1 ? '-' : '--';
    const left = `  ${dashes}${name}${value === '' ? '' : ` ${value}`}`;
    return left.length < 36 ? `${left.padEnd(36)}${help}` : `${left}\n${' '.repeat(36)}${help}`;
  });
  return `Usage of ${program}:\n${lines.join('\n')}\n`;
}
