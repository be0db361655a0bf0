/**
 * The configurations of stored documents, parsed once a process: a task of a thousand sources is one text
 * of a thousand instances, which each of its subtasks here would parse again. Nothing outlives its document
 * by much.
 */
import { parseSourceConfig, type SourceConfig } from '../src/config/source-config.js';
import { parseTaskConfig, type TaskConfig } from '../src/config/task-config.js';
import type { SourceDocument, TaskDocument } from './documents.js';

interface ParsedTask {
  readonly yaml: string;
  readonly config: TaskConfig;
  readonly instances: ReadonlyMap<string, TaskConfig['instances']>;
}

/** Tasks whose text is kept; the one that was parsed first goes first. */
const TASKS_KEPT = 100;

export class ParsedConfigs {
  /** By name: a task's document changes while its subtasks begin, its text does not. */
  readonly #tasks = new Map<string, ParsedTask>();
  readonly #sources = new WeakMap<SourceDocument, SourceConfig>();

  /** Rejects with a DmError what cannot be parsed. The instances are those of `source` alone. */
  taskOn(document: TaskDocument, source: string): TaskConfig {
    let parsed = this.#tasks.get(document.name);
    if (parsed?.yaml !== document.yaml) {
      // The master has checked it when the task was started; instances may have been started in different ways.
      const config = parseTaskConfig(document.yaml, `task ${document.name}`, { startsAtTime: true });
      const instances = new Map<string, TaskConfig['instances'][number][]>();
      for (const instance of config.instances) {
        const same = instances.get(instance.sourceId);
        if (same) same.push(instance);
        else instances.set(instance.sourceId, [instance]);
      }
      parsed = { yaml: document.yaml, config, instances };
      this.#tasks.delete(document.name);
      this.#tasks.set(document.name, parsed);
      if (this.#tasks.size > TASKS_KEPT) this.#tasks.delete(this.#tasks.keys().next().value!);
    }
    return { ...parsed.config, instances: parsed.instances.get(source) ?? [] };
  }

  source(document: SourceDocument): SourceConfig {
    let parsed = this.#sources.get(document);
    if (!parsed) {
      parsed = parseSourceConfig(document.yaml, `source ${document.sourceId}`);
      this.#sources.set(document, parsed);
    }
    return parsed;
  }
}
