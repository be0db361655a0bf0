import { z } from 'zod';
import { formatSourceConfig } from '../config/show-config.js';
import { assertDistinctSources, parseSourceConfig, type SourceConfig } from '../config/source-config.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { unreachable } from '../model/assert.js';
import { inParallel } from '../runtime/in-parallel.js';
import type { SourceResult } from './cluster.js';
import type { Handler, HandlerDeps } from './handler-deps.js';
import { errorText, parseRequest, sourcesAnswer, sourcesField, type JsonObject } from './request.js';

/** What `operate-source show` says of a source that waits for a worker (manual 4.3.2.3). */
const NO_FREE_WORKER = 'source is added but there is no free worker to bound';

/** Sources that are added or stopped at a time: each waits for its worker. */
const PARALLEL_SOURCES = 64;

const schema = z.object({
  op: z.enum(['create', 'update', 'stop', 'show']),
  config: z
    .union([z.array(z.string()), z.string().transform((one) => [one])])
    .optional()
    .transform((list) => list ?? []),
  /** Names of the files of `config`, for messages. */
  files: z.array(z.string()).optional(),
  sourceID: sourcesField,
});

interface NamedConfig {
  file: string;
  config: SourceConfig;
}

/** `operate-source create|update|stop|show`. */
export function operateSource(deps: HandlerDeps): Handler {
  return async (request) => {
    const { op, config: texts, files, sourceID } = parseRequest(schema, request);
    const configs = texts.map((text, i) => {
      const file = files?.[i] ?? (texts.length === 1 ? 'source.yaml' : `config[${i}]`);
      return { file, config: parseSourceConfig(text, file) };
    });
    assertDistinctSources(configs);
    switch (op) {
      case 'create':
        return create(deps, needed(configs));
      case 'update':
        return update(deps, needed(configs));
      case 'stop':
        return stop(deps, [...configs.map(({ config }) => config.sourceId), ...sourceID]);
      case 'show':
        return show(deps, sourceID);
      default:
        return unreachable(op);
    }
  };
}

function needed(configs: NamedConfig[]): NamedConfig[] {
  if (configs.length > 0) return configs;
  throw new DmError(CODES.masterRequestInvalid, 'operate-source create and update need source config files');
}

/** All or nothing: when one cannot be created, those created before are taken back. */
async function create(deps: HandlerDeps, configs: NamedConfig[]): Promise<JsonObject> {
  const existing = new Set((await deps.cluster.listSources()).map(({ sourceId }) => sourceId));
  for (const { config } of configs) {
    if (existing.has(config.sourceId)) {
      throw new DmError(
        CODES.schedulerSourceExist,
        `source config with ID ${config.sourceId} already exists`,
      );
    }
  }
  const probed = await probeAll(deps, configs);
  const created = new Map<string, SourceResult>();
  let failed = false;
  const addOne = async ({ config }: NamedConfig): Promise<void> => {
    if (failed) return;
    try {
      const result = await deps.cluster.createSource(config.sourceId, formatSourceConfig(config));
      created.set(config.sourceId, result);
      if (!result.result) throw new DmError(CODES.notSet, result.msg);
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  try {
    await inParallel(probed, PARALLEL_SOURCES, addOne);
  } catch (error) {
    await takeBack(deps, [...created.values()]);
    throw error;
  }
  return sourcesAnswer(probed.map(({ config }) => created.get(config.sourceId)!));
}

async function takeBack(deps: HandlerDeps, created: readonly SourceResult[]): Promise<void> {
  await inParallel(created, PARALLEL_SOURCES, async ({ source, result }) => {
    if (!result) return;
    try {
      await deps.cluster.stopSource(source);
    } catch (error) {
      // The error of the create is the one to answer with; this one is for the log.
      deps.log.error('a source could not be taken back', { source, error: errorText(error) });
    }
  });
}

async function update(deps: HandlerDeps, configs: NamedConfig[]): Promise<JsonObject> {
  await refuseUnknown(
    deps,
    configs.map(({ config }) => config.sourceId),
  );
  const probed = await probeAll(deps, configs);
  const results: SourceResult[] = [];
  for (const { config } of probed) {
    results.push(await deps.cluster.updateSource(config.sourceId, formatSourceConfig(config)));
  }
  return sourcesAnswer(results);
}

/** Reaches every source before anything is changed, compares what the file says of it, and fills in the flavor. */
async function probeAll(deps: HandlerDeps, configs: NamedConfig[]): Promise<NamedConfig[]> {
  return Promise.all(
    configs.map(async ({ file, config }) => {
      const password = deps.secrets.reveal(config.from.password);
      const { flavor, gtidMode } = await deps.probeSource({ ...config.from, password });
      if (config.flavor !== '' && config.flavor !== flavor) {
        throw new DmError(
          CODES.configYamlTransform,
          `${file}: flavor is ${config.flavor}, and the server of source ${config.sourceId} is ${flavor}`,
          { workaround: 'Please correct `flavor` in the source configuration file, or leave it out.' },
        );
      }
      if (config.enableGtid && gtidMode === false) {
        throw new DmError(
          CODES.configYamlTransform,
          `${file}: enable-gtid is true, and the server of source ${config.sourceId} writes no GTIDs`,
          { workaround: 'Please set `gtid_mode` to ON on the server, or `enable-gtid` to false.' },
        );
      }
      return { file, config: { ...config, flavor } };
    }),
  );
}

async function stop(deps: HandlerDeps, sourceIds: string[]): Promise<JsonObject> {
  if (sourceIds.length === 0) {
    throw new DmError(
      CODES.masterRequestInvalid,
      'operate-source stop needs source config files or source ids',
    );
  }
  const wanted = [...new Set(sourceIds)];
  await refuseUnknown(deps, wanted);
  const tasks = await deps.cluster.listTasks();
  for (const id of wanted) {
    const users = tasks.filter((task) => task.sources.includes(id)).map((task) => task.name);
    if (users.length > 0) {
      throw new DmError(
        CODES.schedulerSourceHasTasks,
        `source with name ${id} need to operate has existing tasks [${users.join(' ')}]`,
      );
    }
  }
  const results = new Map<string, SourceResult>();
  await inParallel(wanted, PARALLEL_SOURCES, async (id) => {
    results.set(id, await deps.cluster.stopSource(id));
  });
  return sourcesAnswer(wanted.map((id) => results.get(id)!));
}

async function show(deps: HandlerDeps, sourceIds: string[]): Promise<JsonObject> {
  if (sourceIds.length > 0) await refuseUnknown(deps, sourceIds);
  const sources = await deps.cluster.listSources();
  const shown =
    sourceIds.length === 0 ? sources : sources.filter(({ sourceId }) => sourceIds.includes(sourceId));
  return {
    result: true,
    msg: '',
    sources: shown.map(({ sourceId, worker }) => ({
      result: true,
      msg: worker === '' ? NO_FREE_WORKER : '',
      source: sourceId,
      worker,
    })),
  };
}

async function refuseUnknown(deps: HandlerDeps, sourceIds: readonly string[]): Promise<void> {
  const known = new Set((await deps.cluster.listSources()).map((source) => source.sourceId));
  const missing = sourceIds.find((id) => !known.has(id));
  if (missing === undefined) return;
  throw new DmError(CODES.schedulerSourceNotExist, `source config with ID ${missing} not exists`);
}
