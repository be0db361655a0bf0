/**
 * Where downloaded servers and ready-made data folders are kept between test runs:
 * `${XDG_CACHE_HOME:-~/.cache}/sluice-servers`.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';

export function cacheFolder(): string {
  return path.join(process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'sluice-servers');
}

/**
 * The folder `name` of the cache; `build` fills it when it is not there yet. It is built beside its place
 * and renamed into it, so a half-built folder is never seen and two processes may build at the same time.
 */
export async function cached(name: string, build: (folder: string) => Promise<void>): Promise<string> {
  const root = cacheFolder();
  const target = path.join(root, name);
  if (existsSync(target)) return target;
  await mkdir(root, { recursive: true });
  const work = await mkdtemp(path.join(root, `.${name}-`));
  try {
    await build(work);
    await rename(work, target).catch((error: unknown) => {
      if (!existsSync(target)) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return target;
}

/** A fresh private folder for one server or one test cluster. */
export async function temporaryFolder(kind: string): Promise<string> {
  return mkdtemp(path.join(tmpdir(), `sluice-${kind}-`));
}
