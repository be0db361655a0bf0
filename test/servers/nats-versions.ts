/**
 * Newer nats-servers than the machine's own, unpacked from later Debian suites into the cache folder. The
 * suites move on; what a suite has today is what `nats-server --version` says.
 */
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cached } from './cache.js';
import { run } from './child.js';
import { loaderFor, unpackPackages } from './debian-folder.js';

export type NewerNats = 'trixie' | 'sid';

export const NEWER_NATS: readonly NewerNats[] = ['trixie', 'sid'];

/** The server of a suite as one executable file; fetched when it is not in the cache yet. */
export async function installNats(suite: NewerNats): Promise<string> {
  if (process.arch !== 'x64' || process.platform !== 'linux') {
    throw new Error('servers of other Debian suites need Linux on x64');
  }
  const folder = await cached(`nats-${suite}`, async (work) => {
    await unpackPackages(suite, ['nats-server'], work);
    const { command, args } = loaderFor(work);
    // The folder is moved after it is built, so the script finds everything from where it is itself.
    const inFolder = (text: string): string => text.replaceAll(work, '$folder');
    const script = path.join(work, 'nats-server');
    const [loader, ...rest] = [command, ...args, path.join(work, 'root/usr/sbin/nats-server')];
    const words = [loader!, ...rest].map((word) => `"${inFolder(word)}"`).join(' ');
    await writeFile(script, `#!/bin/sh\nfolder=$(dirname "$0")\nexec ${words} "$@"\n`);
    await chmod(script, 0o755);
    await run(script, ['--version']);
  });
  return path.join(folder, 'nats-server');
}

/** The version in the form of `nats-server --version`: `2.10.27`. */
export async function natsVersion(binary: string): Promise<string> {
  const text = await run(binary, ['--version']);
  const found = /v?(\d+\.\d+\.\d+)/.exec(text);
  if (!found) throw new Error(`cannot read the version of nats-server in: ${text}`);
  return found[1]!;
}
