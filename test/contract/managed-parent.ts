/** A stand-in for a master: starts a managed nats-server, says so, and stays until it is killed. */
import { ManagedNatsServer } from '../../src/nats/managed-server.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { silentLog } from './real-harness.js';

const [listen, dataDir] = process.argv.slice(2) as [string, string];
await ManagedNatsServer.start({
  clientListen: listen,
  dataDir,
  serverName: 'parent',
  clusterName: 'test',
  log: silentLog,
  clock: new RealClock(),
});
process.stdout.write('ready\n');
