import { startNats } from '../servers/index.js';
import { busContract } from './bus-contract.js';
import { kvContract } from './kv-contract.js';
import { leaseContract } from './lease-contract.js';
import { realHarness } from './real-harness.js';

async function harness() {
  const server = await startNats({ config: ['max_payload: 8MB'] });
  return realHarness(server.url, () => server.stop());
}

kvContract('nats-server, one node', harness);
busContract('nats-server, one node', harness);
leaseContract('nats-server, one node', harness);
