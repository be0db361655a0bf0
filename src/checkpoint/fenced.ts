/** Another owner has a higher epoch, or a later run of the same one: this one must not write any more. */
export class FencedError extends Error {
  override readonly name = 'FencedError';
  /** @param detail What was to be written, by whom, and whose it is: for the log. */
  constructor(
    readonly seenEpoch: number,
    detail = '',
  ) {
    super(`another owner has taken over with epoch ${seenEpoch}${detail === '' ? '' : `: ${detail}`}`);
  }
}
