import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The version in the package file, found from here upwards (sources and build lie at different depths). */
export function packageVersion(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const file = path.join(folder, 'package.json');
    if (existsSync(file)) {
      const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version?: string };
      if (version !== undefined) return version;
    }
    const above = path.dirname(folder);
    if (above === folder) return 'unknown';
    folder = above;
  }
}

/** What `-V` prints. */
export function versionText(): string {
  return `Release Version: v${packageVersion()}\nNode Version: ${process.version}\n`;
}
