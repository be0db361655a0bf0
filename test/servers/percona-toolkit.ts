/** pt-online-schema-change of the Debian package `percona-toolkit`, installed on demand. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { installPackages } from './apt.js';

const NAME = 'pt-online-schema-change';
const FOLDERS = ['/usr/bin', '/usr/local/bin'];

function find(): string | undefined {
  return FOLDERS.map((folder) => path.join(folder, NAME)).find((file) => existsSync(file));
}

/** The program's path. */
export async function onlineSchemaChange(): Promise<string> {
  const present = find();
  if (present) return present;
  await installPackages(['percona-toolkit']);
  const installed = find();
  if (!installed) throw new Error(`the package percona-toolkit brought no ${NAME}`);
  return installed;
}
