/**
 * The door of the test servers: private, disposable instances of real servers. Programs that run outside
 * vitest (quickstart, chaos) import the files behind it instead.
 */
export { startMariaDb } from './mariadb.js';
export { startMySql } from './mysql.js';
export { startNats, startNatsCluster } from './nats.js';
export { available, startDatabase, targets } from './availability.js';
export { describeWith } from './describe-with.js';
