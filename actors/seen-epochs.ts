/**
 * The highest placement epoch of each source that anybody has come across: those that subtasks found in the
 * target, and those that actors were hosted under. A placement must never be of a lower one.
 */
import type { SourceContext } from '../machines/source.js';
import type { SubtaskContext } from '../machines/subtask.js';
import type { ActorDocument } from '../src/runtime/host/document.js';

export class SeenEpochs {
  readonly #seen = new Map<string, number>();

  of(source: string): number {
    return this.#seen.get(source) ?? 0;
  }

  /** The document is that of a subtask or of a source. */
  note({ context, epoch }: ActorDocument): { source: string; epoch: number } {
    const { source, fencedBy = 0 } = context as SourceContext & Partial<Pick<SubtaskContext, 'fencedBy'>>;
    const highest = Math.max(this.of(source), epoch, fencedBy);
    this.#seen.set(source, highest);
    return { source, epoch: highest };
  }

  clear(): void {
    this.#seen.clear();
  }
}
