/** MariaDB 10.11 from the Debian package `mariadb-server`, each instance with its own data folder and port. */
import { existsSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createConnection } from 'mysql2/promise';
import { installPackages } from './apt.js';
import { cached, temporaryFolder } from './cache.js';
import { Child, run } from './child.js';
import { ADMIN, DatabaseServer, newServerId, type DatabaseOptions } from './database.js';
import { freePort } from './ports.js';

const BINARY_FOLDERS = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin'];

function find(name: string): string | undefined {
  return BINARY_FOLDERS.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
}

/** The server's binary, installed on demand. */
export async function mariadbBinary(): Promise<string> {
  const present = find('mariadbd');
  if (present) return present;
  await installPackages(['mariadb-server']);
  const installed = find('mariadbd');
  if (!installed) throw new Error('the package mariadb-server brought no mariadbd');
  return installed;
}

/** The user under which mariadbd is to run: it refuses root unless told so. */
function userArgs(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}

async function installTemplate(binary: string, folder: string): Promise<void> {
  const installer = find('mariadb-install-db');
  if (!installer) throw new Error('mariadb-install-db is missing beside mariadbd');
  const data = path.join(folder, 'data');
  await run(installer, [
    '--no-defaults',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    '--innodb-log-file-size=4M',
    ...userArgs(),
  ]);
  const socket = path.join(folder, 's');
  const server = new Child({
    command: binary,
    args: [
      '--no-defaults',
      `--datadir=${data}`,
      `--socket=${socket}`,
      '--skip-networking',
      '--innodb-log-file-size=4M',
      ...userArgs(),
    ],
    logFile: path.join(folder, 'log'),
  });
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      const connection = await createConnection({
        socketPath: socket,
        user: 'root',
        multipleStatements: true,
      });
      await connection.query(
        `DELETE FROM mysql.global_priv WHERE user IN ('root', ''); FLUSH PRIVILEGES;
         CREATE USER '${ADMIN.user}'@'%' IDENTIFIED BY '${ADMIN.password}';
         GRANT ALL PRIVILEGES ON *.* TO '${ADMIN.user}'@'%' WITH GRANT OPTION`,
      );
      await connection.end();
      break;
    } catch (error) {
      if (!server.running || performance.now() > deadline) {
        throw new Error(`preparing MariaDB failed: ${server.describe()}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  await server.stop(60_000);
}

/** A data folder with the administrator in it, made once and copied for each instance. */
async function template(binary: string): Promise<string> {
  const version =
    /Ver (\d+\.\d+\.\d+)/.exec(await run(binary, ['--no-defaults', '--version']))?.[1] ?? 'unknown';
  return cached(`mariadb-${version}-data-2`, (folder) => installTemplate(binary, folder));
}

/** Installs the server and makes the data folder that instances start from, where either is missing. */
export async function prepareMariaDb(): Promise<void> {
  await template(await mariadbBinary());
}

/** Starts a MariaDB with row binlog and GTID. */
export async function startMariaDb(options: DatabaseOptions = {}): Promise<DatabaseServer> {
  const binary = await mariadbBinary();
  const ready = await template(binary);
  const folder = await temporaryFolder('mariadb');
  const data = path.join(folder, 'data');
  await cp(path.join(ready, 'data'), data, { recursive: true });
  await mkdir(path.join(folder, 'tmp'));
  const port = await freePort();
  const serverId = newServerId();
  const socket = path.join(folder, 's');
  const binlog = options.binlog ?? 'row';
  const args = [
    '--no-defaults',
    `--datadir=${data}`,
    `--tmpdir=${path.join(folder, 'tmp')}`,
    `--socket=${socket}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--pid-file=${path.join(folder, 'pid')}`,
    '--skip-name-resolve',
    `--server-id=${serverId}`,
    `--report-port=${port}`,
    '--character-set-server=utf8mb4',
    `--innodb-log-file-size=${options.redoLogMb ?? 4}M`,
    '--innodb-buffer-pool-size=64M',
    '--innodb-flush-log-at-trx-commit=2',
    '--aria-pagecache-buffer-size=8M',
    '--key-buffer-size=8M',
    '--performance-schema=OFF',
    '--max-connections=300',
    '--max-allowed-packet=1G',
    '--local-infile=ON',
    ...(binlog === 'off'
      ? ['--skip-log-bin']
      : [`--log-bin=${path.join(data, 'mysql-bin')}`, `--binlog-format=${binlog}`]),
    ...(options.rowImage ? [`--binlog-row-image=${options.rowImage}`] : []),
    ...(options.rowMetadata ? [`--binlog-row-metadata=${options.rowMetadata}`] : []),
    ...userArgs(),
    ...(options.settings ?? []).map((line) => `--${line}`),
  ];
  return DatabaseServer.start({
    kind: 'mariadb-10.11',
    flavor: 'mariadb',
    port,
    folder,
    socket,
    serverId,
    launch: { command: binary, args, logFile: path.join(folder, 'log') },
  });
}
