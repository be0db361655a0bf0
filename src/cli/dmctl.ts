/** dmctl: one command and its answer, or the interactive mode when there is no command. */
import { errorText } from '../api/request.js';
import { loadSecrets } from '../config/secret.js';
import { CtlClient, type CtlPorts } from './ctl-client.js';
import { parseGlobals, type CtlGlobals } from './ctl-globals.js';
import { decrypt, runCommand } from './ctl-run.js';
import { runShell } from './ctl-shell.js';
import { readText } from './process-args.js';
import { versionText } from './version.js';

export interface DmctlOptions {
  argv: readonly string[];
  env: Record<string, string | undefined>;
  ports: CtlPorts;
  out: (text: string) => void;
  err: (text: string) => void;
}

/** Runs dmctl. Resolves with the exit code: 0 when the command was answered with `result: true`. */
export async function runDmctl(options: DmctlOptions): Promise<number> {
  try {
    const { globals, rest } = parseGlobals(options.argv, options.env, readText);
    if (globals.version) {
      options.out(versionText());
      return 0;
    }
    const local = localCommand(globals);
    if (local !== null) {
      options.out(`${local}\n`);
      return 0;
    }
    const client = new CtlClient(globals, options.ports);
    try {
      if (rest.length > 0) return (await runCommand(rest, globals, client, options.out)) === 'ok' ? 0 : 1;
      await runShell({ globals, client, out: options.out, err: options.err, env: options.env });
      return 0;
    } finally {
      await client.close();
    }
  } catch (error) {
    options.err(`${errorText(error)}\n`);
    return 1;
  }
}

function localCommand(globals: CtlGlobals): string | null {
  if (globals.encrypt !== undefined) return loadSecrets(globals.secretKeyPath).encrypt(globals.encrypt);
  return globals.decrypt === undefined ? null : decrypt(globals.decrypt, globals);
}
