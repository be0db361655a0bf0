import type { CheckResult } from '../check/types.js';
import type { Secrets } from '../config/secret.js';
import type { DbConfig, SubtaskConfig } from '../model/subtask-config.js';
import type { Flavor } from '../model/stage.js';
import type { Log } from '../runtime/ports.js';
import type { Cluster } from './cluster.js';
import type { JsonObject } from './request.js';

/** What the command handlers are given. */
export interface HandlerDeps {
  cluster: Cluster;
  log: Log;
  secrets: Secrets;
  /** The precheck of one subtask; the results in the order of the manual. `anew`: its checkpoint will be removed. */
  check: (subtask: SubtaskConfig, anew: boolean) => Promise<CheckResult[]>;
  /**
   * Connects to an upstream and tells what it is, and whether it writes GTIDs. The password is plain.
   * Rejects with DmError (10001 and the like) when it cannot be reached or the login fails.
   */
  probeSource: (from: DbConfig) => Promise<{ flavor: Flavor; gtidMode?: boolean }>;
}

/** Answers one command. May reject; `createHandlers` turns that into `result: false`. */
export type Handler = (request: JsonObject) => Promise<JsonObject>;
