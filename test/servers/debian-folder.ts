/**
 * Unpacks Debian packages of another suite into a folder of ours, with the libraries they need, through a
 * private apt configuration: the machine's own sources, lists and packages are not touched. Programs in
 * the folder run through the folder's own dynamic loader, so they do not depend on the machine's libc.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from './child.js';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Dependencies of maintainer scripts and of features that a test server does not use. */
const LEFT_OUT =
  /^(systemd|perl|perl-.*|libperl.*|libsystemd-shared|libmount1|libblkid1|libselinux1|libpcre2.*|libgdbm.*|libdb5.*|libc-gconv.*|libtirpc-common|openssl-provider-legacy)$/;

/** The address of the Debian mirror that this machine uses. */
async function mirror(): Promise<string> {
  const targets = await run('apt-get', ['indextargets', '--format', '$(REPO_URI) $(COMPONENT)']);
  const addresses = new Set(targets.split('\n').map((line) => line.split(' ')[0] ?? ''));
  const found = [...addresses].find((address) => /\/debian\/?$/.test(address));
  if (!found) throw new Error('no Debian mirror among the apt sources of this machine');
  return found;
}

/** Downloads `packages` of `suite` with their dependencies and unpacks them into `folder`/root. */
export async function unpackPackages(
  suite: string,
  packages: readonly string[],
  folder: string,
): Promise<void> {
  const apt = path.join(folder, 'apt');
  const directories = [
    'etc/preferences.d',
    'etc/apt.conf.d',
    'etc/sources.list.d',
    'state/lists/partial',
    'cache/archives/partial',
  ];
  for (const directory of directories) await mkdir(path.join(apt, directory), { recursive: true });
  await writeFile(path.join(apt, 'status'), '');
  const signed = existsSync(KEYRING) ? ` [signed-by=${KEYRING}]` : '';
  await writeFile(path.join(apt, 'etc/sources.list'), `deb${signed} ${await mirror()} ${suite} main\n`);
  const options = [
    `Dir::Etc=${apt}/etc`,
    `Dir::State=${apt}/state`,
    `Dir::State::status=${apt}/status`,
    `Dir::Cache=${apt}/cache`,
    'Acquire::Check-Valid-Until=false',
    'Acquire::Languages=none',
    'APT::Sandbox::User=root',
    'Debug::NoLocking=1',
  ].flatMap((option) => ['-o', option]);
  await run('apt-get', [...options, 'update', '-q'], { timeoutMs: 300_000 });
  const plan = await run('apt-get', [...options, 'install', '-s', '--no-install-recommends', ...packages]);
  const wanted = [...plan.matchAll(/^Inst (\S+)/gm)]
    .map((match) => match[1]!.replace(/:.*$/, ''))
    .filter((name) => !LEFT_OUT.test(name));
  const archives = path.join(folder, 'archives');
  await mkdir(archives);
  await run('apt-get', [...options, 'download', '-q', ...wanted], { cwd: archives, timeoutMs: 600_000 });
  const root = path.join(folder, 'root');
  await mkdir(root);
  for (const archive of await readdir(archives)) {
    await run('dpkg', ['-x', path.join(archives, archive), root]);
  }
  await rm(archives, { recursive: true });
  await rm(apt, { recursive: true });
}

/** How to run a program of such a folder: its own loader, its own libraries. */
export function loaderFor(folder: string): { command: string; args: readonly string[] } {
  const root = path.join(folder, 'root');
  const libraries = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu', 'usr/lib']
    .map((directory) => path.join(root, directory))
    .filter((directory) => existsSync(directory));
  const loader = [
    'usr/lib64/ld-linux-x86-64.so.2',
    'usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2',
    'lib64/ld-linux-x86-64.so.2',
  ]
    .map((file) => path.join(root, file))
    .find((file) => existsSync(file));
  if (!loader) throw new Error(`no dynamic loader below ${root}`);
  return { command: loader, args: ['--library-path', libraries.join(':')] };
}
