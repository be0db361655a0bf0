/** The configuration file of a managed nats-server. */

export interface ServerConfig {
  readonly serverName: string;
  readonly clusterName: string;
  /** `host:port` for clients. */
  readonly clientListen: string;
  /** `host:port` for the other servers; absent: no cluster. */
  readonly clusterListen?: string;
  /** `host:port` of all servers of the cluster, this one included. */
  readonly routes?: readonly string[];
  readonly storeDir: string;
  readonly pidFile: string;
  readonly authorization?: { readonly user: string; readonly password: string };
}

export const MAX_PAYLOAD = 8 * 1024 * 1024;

/** Reads back what a URL or `host:port` names: scheme and path are dropped. */
export function hostPort(address: string): string {
  return address.replace(/^[a-z]+:\/\//i, '').replace(/\/.*$/, '');
}

/**
 * Text of the file. `syncAlways` needs a server that knows the setting (2.10 and later; 2.9 refuses the
 * word): there an acknowledged write survives a power cut, else only the death of the process.
 */
export function serverConfig(config: ServerConfig, syncAlways: boolean): string {
  const lines = [
    `server_name: ${quote(config.serverName)}`,
    `listen: ${quote(hostPort(config.clientListen))}`,
    `pid_file: ${quote(config.pidFile)}`,
    `max_payload: ${MAX_PAYLOAD}`,
    // A connection that cannot keep up is cut rather than let the server's memory grow.
    `max_pending: ${8 * MAX_PAYLOAD}`,
    'jetstream {',
    `  store_dir: ${quote(config.storeDir)}`,
    ...(syncAlways ? ['  sync_interval: always'] : []),
    '}',
  ];
  if (config.authorization) {
    const { user, password } = config.authorization;
    lines.push(`authorization { user: ${quote(user)}, password: ${quote(password)} }`);
  }
  if (config.clusterListen) {
    const routes = (config.routes ?? []).map((route) => quote(`nats-route://${hostPort(route)}`));
    lines.push(
      'cluster {',
      `  name: ${quote(config.clusterName)}`,
      `  listen: ${quote(hostPort(config.clusterListen))}`,
      `  routes: [${routes.join(', ')}]`,
      '}',
    );
  }
  return lines.join('\n') + '\n';
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, (char) => '\\' + char)}"`;
}
