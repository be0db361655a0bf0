/** Every long-lived thing is a service. */
export interface Service {
  readonly id: string;
  /** Runs until stopped; rejects on failure. Called once. */
  run(): Promise<void>;
  /** Finishes what is under way, takes nothing new. Default: same as stop. */
  drain?(): Promise<void>;
  /** Ends within a second; idempotent. */
  stop(): Promise<void>;
}
