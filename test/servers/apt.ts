/** Debian packages: installed into the system where a test cannot do without, as root only. */
import { run } from './child.js';

/** Installs the packages, or says which are missing when we may not. */
export async function installPackages(packages: readonly string[]): Promise<void> {
  const command = `apt-get install --no-install-recommends ${packages.join(' ')}`;
  if (process.getuid?.() !== 0) {
    throw new Error(`missing Debian package(s) ${packages.join(', ')}: run "sudo ${command}"`);
  }
  process.stderr.write(`installing ${packages.join(', ')} ...\n`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const args = [
    'install',
    '-y',
    '-q',
    '--no-install-recommends',
    '-o',
    'DPkg::Lock::Timeout=300',
    ...packages,
  ];
  try {
    await run('apt-get', args, { env });
  } catch {
    // Package lists may be absent or stale on a fresh machine.
    await run('apt-get', ['update', '-q', '-o', 'DPkg::Lock::Timeout=300'], { env });
    await run('apt-get', args, { env });
  }
}
