export { startMariaDb } from './mariadb.js';
export { startNats, startNatsCluster } from './nats.js';
