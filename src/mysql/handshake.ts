/**
 * Makes an authenticated connection: mysql2 does the TCP connect, TLS and every authentication plugin
 * (native, caching_sha2 and sha256 with the server's RSA key where the line is not encrypted, ed25519
 * and cleartext as mysql2 has them); then the socket is ours and mysql2 is out of the way.
 */
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import mysql from 'mysql2';
import type { DbConfig, SecurityConfig } from '../model/subtask-config.js';
import { ReadArena } from './read-arena.js';
import { ConnectionError } from './session.js';

export interface Handshake {
  readonly socket: Socket;
  readonly threadId: number;
  /** As the server says it, without MariaDB's `5.5.5-` in front. */
  readonly serverVersion: string;
  readonly isMariaDb: boolean;
  /** MariaDB sends one more field in column definitions. */
  readonly extendedMetadata: boolean;
  /** MariaDB takes COM_STMT_BULK_EXECUTE. */
  readonly arrayBinding: boolean;
}

export interface HandshakeOptions {
  readonly db: DbConfig;
  readonly database?: string;
  /** ms until the server has accepted the login; default 10 s. */
  readonly connectTimeoutMs?: number;
  /** Much is going to be read of it. */
  readonly bulk?: boolean;
  readonly signal?: AbortSignal;
}

const KEEP_ALIVE_MS = 30_000;

/** What we use of mysql2's connection beyond its typings; mysql2 is pinned for that. */
interface Internals {
  readonly stream: Socket;
  readonly _command: HandshakeCommand;
  readonly threadId: number;
  readonly _mariadbExtendedMetadata: boolean;
  readonly _handshakePacket: { readonly serverVersion: string };
}

interface HandshakeCommand {
  readonly handshake: { readonly mariadbExtendedCapabilityFlags: number };
  mariadbExtendedClientFlags: number;
  sendSSLRequest(connection: unknown): void;
  sendCredentials(connection: unknown): void;
}

const EXTENDED_METADATA = 0x08;
const BULK_OPERATIONS = 0x04;

const FLAGS = [
  // An OK packet's info is then simply its rest, and a COM_QUERY has no attribute block.
  '-SESSION_TRACK',
  '-CLIENT_QUERY_ATTRIBUTES',
  // Would add IGNORE_SPACE to sql_mode.
  '-IGNORE_SPACE',
  '-ODBC',
];

/**
 * Rejects with ConnectionError (errno of the server where it refused), or the signal's reason. The
 * socket has no data listener yet and is flowing: add one in the same tick.
 */
export async function handshake(options: HandshakeOptions): Promise<Handshake> {
  const { db, signal } = options;
  signal?.throwIfAborted();
  const ssl = db.security && (await tlsOptions(db.security));
  signal?.throwIfAborted();
  const connection = mysql.createConnection({
    host: db.host,
    port: db.port,
    user: db.user,
    password: db.password,
    database: options.database,
    charset: 'UTF8MB4_GENERAL_CI',
    multipleStatements: true,
    connectTimeout: options.connectTimeoutMs ?? 10_000,
    enableKeepAlive: true,
    keepAliveInitialDelay: 30_000,
    flags: options.database === undefined ? [...FLAGS, '-CONNECT_WITH_DB'] : FLAGS,
    ssl,
    // TLS takes the bytes from the socket below JavaScript.
    stream: options.bulk === true && !ssl ? () => bulkSocket(db) : undefined,
  });
  const internals = connection as unknown as Internals;
  const command = internals._command;
  askForArrays(command);
  const socket = await new Promise<Socket>((resolve, reject) => {
    const onAbort = () => {
      internals.stream.destroy();
      reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    // Stays: mysql2 goes on to hear of socket errors, and an unheard error event would end the process.
    connection.on('error', (error: Error & { errno?: number }) => {
      signal?.removeEventListener('abort', onAbort);
      internals.stream.destroy();
      reject(connectFailure(error, db));
    });
    connection.once('connect', () => {
      signal?.removeEventListener('abort', onAbort);
      internals.stream.removeAllListeners('data');
      resolve(internals.stream);
    });
  });
  // A host that is gone without a word is noticed also while a statement of hours runs.
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  // Nothing can arrive before the first command is sent.
  const wrongName = db.security && commonNameProblem(socket, db.security);
  if (wrongName) {
    socket.destroy();
    throw new ConnectionError(wrongName, 0);
  }
  const version = internals._handshakePacket.serverVersion;
  return {
    socket,
    threadId: internals.threadId,
    serverVersion: version.replace(/^5\.5\.5-(?=\d+\.\d+\.\d+-MariaDB)/i, ''),
    isMariaDb: /mariadb/i.test(version),
    extendedMetadata: internals._mariadbExtendedMetadata,
    arrayBinding: (command.mariadbExtendedClientFlags & BULK_OPERATIONS) !== 0,
  };
}

/** MariaDB reads the extended flags only of clients that say they are its own, as mysql2 does where it asks for metadata. */
function askForArrays(command: HandshakeCommand): void {
  const ask = () => {
    const { mariadbExtendedCapabilityFlags: offered } = command.handshake;
    if ((command.mariadbExtendedClientFlags & EXTENDED_METADATA) !== 0) {
      command.mariadbExtendedClientFlags |= offered & BULK_OPERATIONS;
    }
  };
  const { sendSSLRequest, sendCredentials } = command;
  command.sendSSLRequest = (connection) => {
    ask();
    sendSSLRequest.call(command, connection);
  };
  command.sendCredentials = (connection) => {
    ask();
    sendCredentials.call(command, connection);
  };
}

/** Reads into an arena. Its `data` events are as usual, and the chunks may be kept. */
function bulkSocket({ host, port }: DbConfig): Socket {
  const arena = new ReadArena();
  const socket: Socket = connect({
    host,
    port,
    noDelay: true,
    onread: {
      buffer: () => arena.room(),
      callback: (count) => {
        socket.emit('data', arena.filled(count));
        return true;
      },
    },
  });
  return socket;
}

function connectFailure(
  error: Error & { errno?: number; code?: string; sqlState?: string; errors?: Error[] },
  db: DbConfig,
): ConnectionError {
  const errno = typeof error.errno === 'number' && error.errno > 0 ? error.errno : 0;
  // A refused connection to a name with several addresses is an AggregateError with an empty message.
  const detail = error.message || error.errors?.map((each) => each.message).join('; ') || error.code || '';
  const text = errno > 0 ? `Error ${errno} (${error.sqlState ?? 'HY000'}): ${detail}` : detail;
  return new ConnectionError(errno > 0 ? text : `cannot connect to ${db.host}:${db.port}: ${text}`, errno, {
    cause: error,
  });
}

/**
 * As DM: with a CA the server's certificate must be signed by it (its host name is not compared), without
 * one it is taken as it is.
 */
async function tlsOptions(security: SecurityConfig): Promise<mysql.SslOptions> {
  const ca = await material(security.sslCa, security.sslCaBase64);
  const cert = await material(security.sslCert, security.sslCertBase64);
  const key = await material(security.sslKey, security.sslKeyBase64);
  return {
    ca: ca as string | undefined,
    cert: cert as string | undefined,
    key: key as string | undefined,
    rejectUnauthorized: ca !== undefined,
    verifyIdentity: false,
  };
}

async function material(path?: string, base64?: string): Promise<string | undefined> {
  if (base64) return Buffer.from(base64, 'base64').toString('utf8');
  if (!path) return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new ConnectionError(`cannot read the certificate file ${path}: ${(cause as Error).message}`, 0, {
      cause,
    });
  }
}

function commonNameProblem(socket: Socket, security: SecurityConfig): string | null {
  const allowed = security.certAllowedCn ?? [];
  if (allowed.length === 0 || !(socket instanceof TLSSocket)) return null;
  const name = String(socket.getPeerCertificate().subject?.CN ?? '');
  if (allowed.includes(name)) return null;
  return `the server's certificate has the common name '${name}', cert-allowed-cn has ${allowed.join(', ')}`;
}
