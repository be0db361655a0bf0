/**
 * The configurations of stored documents, parsed once a process: a task of a thousand sources is one text
 * of a thousand instances, which each of its subtasks here would parse again. A document that is changed is
 * another one; what is parsed goes with the document.
 */
import { parseSourceConfig, type SourceConfig } from '../src/config/source-config.js';
import { parseTaskConfig, type TaskConfig } from '../src/config/task-config.js';
import type { SourceDocument, TaskDocument } from './documents.js';

interface ParsedTask {
  readonly config: TaskConfig;
  readonly instances: ReadonlyMap<string, TaskConfig['instances']>;
}

export class ParsedConfigs {
  readonly #tasks = new WeakMap<TaskDocument, ParsedTask>();
  readonly #sources = new WeakMap<SourceDocument, SourceConfig>();

  /** Rejects with a DmError what cannot be parsed. The instances are those of `source` alone. */
  taskOn(document: TaskDocument, source: string): TaskConfig {
    let parsed = this.#tasks.get(document);
    if (!parsed) {
      // The master has checked it when the task was started; instances may have been started in different ways.
      const config = parseTaskConfig(document.yaml, `task ${document.name}`, { startsAtTime: true });
      const instances = new Map<string, TaskConfig['instances'][number][]>();
      for (const instance of config.instances) {
        const same = instances.get(instance.sourceId);
        if (same) same.push(instance);
        else instances.set(instance.sourceId, [instance]);
      }
      parsed = { config, instances };
      this.#tasks.set(document, parsed);
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
