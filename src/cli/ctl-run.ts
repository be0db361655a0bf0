/** Runs one command of dmctl and prints its answer. */
import { existsSync, statSync, writeFileSync } from 'node:fs';
import type { JsonObject } from '../api/request.js';
import { loadSecrets } from '../config/secret.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { CtlClient } from './ctl-client.js';
import type { CtlFiles } from './ctl-command.js';
import type { CtlGlobals } from './ctl-globals.js';
import { parseCommand } from './ctl-program.js';
import { readText } from './process-args.js';

const files: CtlFiles = {
  read: readText,
  isFile: (name) => existsSync(name) && statSync(name).isFile(),
};

/** Rejects with 20010 for what `encrypt` did not make. */
export function decrypt(text: string, globals: CtlGlobals): string {
  const plain = loadSecrets(globals.secretKeyPath).decrypt(text);
  if (plain === null) throw new DmError(CODES.configDecryptDbPassword, `decrypt DB password ${text} failed`);
  return plain;
}

/** One command, from the command line or the shell. Rejects with DmError for what was typed wrong. */
export async function runCommand(
  words: readonly string[],
  globals: CtlGlobals,
  client: CtlClient,
  out: (text: string) => void,
): Promise<'ok' | 'failed' | 'exit'> {
  const action = parseCommand(words, files);
  switch (action.type) {
    case 'print':
      out(action.text);
      return 'ok';
    case 'exit':
      return 'exit';
    case 'decrypt':
      out(`${decrypt(action.text, globals)}\n`);
      return 'ok';
    case 'encrypt':
      out(`${await encrypt(action.text, globals, client)}\n`);
      return 'ok';
    case 'send': {
      const answer = await client.send(action.command, action.request);
      const succeeded = answer['result'] === true;
      if (action.saveAs !== undefined && succeeded) {
        writeFileSync(action.saveAs, String(answer['cfg']));
        out(`write config to file ${action.saveAs} succeed\n`);
      } else {
        out((succeeded ? action.format?.(action.request, answer) : undefined) ?? formatAnswer(answer));
      }
      return succeeded ? 'ok' : 'failed';
    }
  }
}

/** With the key at hand, or no cluster named, here; otherwise with the cluster's key. */
async function encrypt(text: string, globals: CtlGlobals, client: CtlClient): Promise<string> {
  if (globals.secretKeyPath !== '' || globals.servers.length === 0) {
    return loadSecrets(globals.secretKeyPath).encrypt(text);
  }
  const answer = await client.send('encrypt', { text });
  if (answer['result'] !== true) throw new DmError(CODES.notSet, String(answer['msg']));
  return String(answer['ciphertext']);
}

/** JSON as dmctl prints it: indented by four spaces. */
export function formatAnswer(answer: JsonObject): string {
  return `${JSON.stringify(answer, null, 4)}\n`;
}
