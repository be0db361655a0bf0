/** The door of the test servers: private, disposable instances of real servers. */
export { startMariaDb } from './mariadb.js';
export { startMySql } from './mysql.js';
export { startNats, startNatsCluster } from './nats.js';
export { available, describeWith, startDatabase, targets } from './availability.js';
