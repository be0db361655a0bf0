/**
 * `--join` of a master (manual 8.2.1.6): what the running masters say of each other is all that its
 * nats-server needs to become one of theirs. It is asked once and kept in the data folder, so that a later
 * start does not depend on the masters of `join` being there still.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openClusterStore } from '../../actors/cluster-store.js';
import { asDmUnavailable } from '../../actors/unavailable.js';
import type { MasterConfig } from '../config/process-config.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { connectBus } from '../nats/connect.js';
import { natsTls, untilAvailable, type Shell } from './process-shell.js';

export interface Peer {
  readonly name: string;
  readonly url: string;
}

/** All masters of the cluster, this one included. Rejects with 60206 when they cannot be joined. */
export async function peersOf(config: MasterConfig, shell: Shell): Promise<readonly Peer[]> {
  if (config.join.length === 0 || config.initialCluster.length > 1) return config.initialCluster;
  const file = path.join(config.dataDir, 'peers.json');
  const kept = await readFile(file, 'utf8').catch(() => null);
  if (kept !== null) return JSON.parse(kept) as Peer[];
  const others = await untilAvailable(shell, 'the masters to join', () => askPeers(config, shell));
  const peers = [...others, ...config.initialCluster];
  await mkdir(config.dataDir, { recursive: true });
  await writeFile(`${file}.new`, JSON.stringify(peers));
  await rename(`${file}.new`, file);
  return peers;
}

async function askPeers(config: MasterConfig, shell: Shell): Promise<Peer[]> {
  const { ports, stopping } = shell;
  const bus = await connectBus({
    servers: config.join,
    name: config.name,
    tls: natsTls(config.security),
    ...ports,
    signal: stopping,
  }).catch((error: unknown) => {
    throw asDmUnavailable(error);
  });
  try {
    if (!bus.clustered) {
      throw new DmError(
        CODES.masterCannotJoin,
        `the master at ${config.join.join(',')} is a single one, which no other can join`,
      );
    }
    const store = await openClusterStore(bus.kvStore(), { observe: false });
    try {
      return [...store.members.values('master.')]
        .filter(({ name }) => name !== config.name)
        .flatMap(({ name, peerUrls }) => peerUrls.slice(0, 1).map((url) => ({ name, url })));
    } finally {
      await store.close();
    }
  } finally {
    await bus.close();
  }
}
