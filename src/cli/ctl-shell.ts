import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { errorText, type JsonObject } from '../api/request.js';
import { BINLOG_OPS } from '../model/operation.js';
import { splitWords } from '../config/extra-args.js';
import type { CtlClient } from './ctl-client.js';
import { CTL_COMMANDS, CTL_COMMANDS_NOT_YET } from './ctl-commands.js';
import type { CtlGlobals } from './ctl-globals.js';
import { runCommand } from './ctl-run.js';
import { versionText } from './version.js';

export interface ShellOptions {
  globals: CtlGlobals;
  client: CtlClient;
  out: (text: string) => void;
  err: (text: string) => void;
  env: Record<string, string | undefined>;
}

const PROMPT = '» ';
const HISTORY_LINES = 1000;

/** The interactive mode: until `exit`, Ctrl-D or the end of the input. A failing command does not end it. */
export async function runShell(options: ShellOptions): Promise<void> {
  const { client, globals, out, err } = options;
  const interactive = process.stdin.isTTY === true;
  const historyFile = interactive ? path.join(options.env['HOME'] ?? '.', '.dmctl_history') : null;
  const names = new Names(client);
  out(`Welcome to dmctl\n${versionText()}\n`);
  const reader = createInterface({
    input: process.stdin,
    output: interactive ? process.stdout : undefined,
    prompt: PROMPT,
    history: historyFile === null ? [] : readHistory(historyFile),
    historySize: HISTORY_LINES,
    removeHistoryDuplicates: true,
    completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
      void names.complete(line).then((result) => done(null, result));
    },
  });
  reader.prompt();
  for await (const line of reader) {
    const words = splitWords(line);
    if (words === null) err('a quote is not closed\n');
    else if (words.length > 0) {
      if (historyFile !== null) appendFileSync(historyFile, `${line}\n`, { mode: 0o600 });
      try {
        if ((await runCommand(words, globals, client, out)) === 'exit') break;
      } catch (error) {
        err(`${errorText(error)}\n`);
      }
      names.forget();
    }
    reader.prompt();
  }
  reader.close();
}

/** The newest first, as readline wants it. */
function readHistory(file: string): string[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines
    .filter((line) => line !== '')
    .slice(-HISTORY_LINES)
    .reverse();
}

/** Completes commands, tasks and sources; the cluster is asked once between two commands. */
class Names {
  readonly #client: CtlClient;
  readonly #cache = new Map<'task' | 'source', Promise<string[]>>();

  constructor(client: CtlClient) {
    this.#client = client;
  }

  forget(): void {
    this.#cache.clear();
  }

  async complete(line: string): Promise<[string[], string]> {
    const words = line.trimStart().split(/\s+/);
    const last = words[words.length - 1] ?? '';
    const candidates = words.length <= 1 ? commandNames() : await this.#after(words);
    const hits = candidates.filter((name) => name.startsWith(last));
    return [hits.map((hit) => `${hit} `), last];
  }

  async #after(words: readonly string[]): Promise<string[]> {
    const previous = words[words.length - 2] ?? '';
    if (previous === '-s' || previous === '--source') return this.#names('source');
    if (words[0] === 'help') return commandNames();
    const command = CTL_COMMANDS.find((one) => one.name === words[0]);
    if (!command) return [];
    const options = command.options.flatMap(({ flags }) => /--[a-z-]+/.exec(flags)?.[0] ?? []);
    if ((words[words.length - 1] ?? '').startsWith('-')) return [...options, '--source', '--help'];
    switch (command.completes) {
      case 'task':
        return this.#names('task');
      case 'source':
        return this.#names('source');
      case 'operate-source':
        if (words.length === 2) return ['create', 'update', 'stop', 'show'];
        return words[1] === 'stop' ? this.#names('source') : [];
      case 'binlog':
        if (words.length === 2) return [...BINLOG_OPS];
        return words.length === 3 ? this.#names('task') : [];
      case 'get-config':
        if (words.length === 2) return ['task', 'master', 'worker', 'source'];
        return words[1] === 'task' || words[1] === 'source' ? this.#names(words[1]) : [];
      case 'file':
      case undefined:
        return [];
    }
  }

  #names(kind: 'task' | 'source'): Promise<string[]> {
    const cached = this.#cache.get(kind);
    if (cached) return cached;
    const asked = this.#ask(kind);
    this.#cache.set(kind, asked);
    return asked;
  }

  async #ask(kind: 'task' | 'source'): Promise<string[]> {
    try {
      if (kind === 'task') return field(await this.#client.send('query-status', {}), 'tasks', 'taskName');
      return field(await this.#client.send('operate-source', { op: 'show' }), 'sources', 'source');
    } catch {
      // Completion offers nothing when the cluster cannot be asked; the command itself will tell.
      return [];
    }
  }
}

function commandNames(): string[] {
  return [...CTL_COMMANDS, ...CTL_COMMANDS_NOT_YET]
    .map(({ name }) => name)
    .concat('help', 'exit', 'encrypt', 'decrypt')
    .sort();
}

function field(answer: JsonObject, list: string, key: string): string[] {
  const items = answer[list];
  return Array.isArray(items) ? items.map((item: JsonObject) => String(item[key])) : [];
}
