/** Another owner has a higher epoch, or a later run of the same one: this one must not write any more. */
export class FencedError extends Error {
  override readonly name = 'FencedError';
  constructor(readonly seenEpoch: number) {
    super(`another owner has taken over with epoch ${seenEpoch}`);
  }
}
