/** Which expected subtasks each task has, kept up with the documents. */
import type { SubtaskDocument, ExpectedDocument } from './documents.js';
import type { KvView } from './kv-view.js';

export class SubtaskIndex {
  readonly #expected: KvView<ExpectedDocument>;
  readonly #keys = new Map<string, Set<string>>();
  readonly #stop: () => void;

  /** Make it before whoever listens to the same documents and asks it. */
  constructor(expected: KvView<ExpectedDocument>) {
    this.#expected = expected;
    this.#stop = expected.onChange((key, now, before) => {
      if (before?.type === 'subtask') this.#remove(before.task, key);
      if (now?.type === 'subtask') this.#add(now.task, key);
    });
    for (const [key, document] of expected.entries('subtask.')) {
      if (document.type === 'subtask') this.#add(document.task, key);
    }
  }

  stop(): void {
    this.#stop();
  }

  has(task: string): boolean {
    return this.#keys.has(task);
  }

  tasks(): IterableIterator<string> {
    return this.#keys.keys();
  }

  of(task: string): SubtaskDocument[] {
    const found: SubtaskDocument[] = [];
    for (const key of this.#keys.get(task) ?? []) {
      const document = this.#expected.get(key);
      if (document?.type === 'subtask') found.push(document);
    }
    return found;
  }

  #add(task: string, key: string): void {
    const keys = this.#keys.get(task);
    if (keys) keys.add(key);
    else this.#keys.set(task, new Set([key]));
  }

  #remove(task: string, key: string): void {
    const keys = this.#keys.get(task);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(task);
  }
}
