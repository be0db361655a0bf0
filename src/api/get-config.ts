import { z } from 'zod';
import { formatSourceConfig, maskTaskText } from '../config/show-config.js';
import { parseSourceConfig } from '../config/source-config.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { unreachable } from '../model/assert.js';
import type { Cluster } from './cluster.js';
import type { Handler, HandlerDeps } from './handler-deps.js';
import { parseRequest } from './request.js';

const schema = z.object({
  type: z.enum(['task', 'master', 'worker', 'source']),
  name: z.string().min(1, 'must be the name of the task, source, master or worker'),
});

type Kind = z.infer<typeof schema>['type'];

/** `get-config <task | master | worker | source> <name>`; passwords are masked. */
export function getConfig({ cluster }: HandlerDeps): Handler {
  return async (request) => {
    const { type, name } = parseRequest(schema, request);
    return { result: true, msg: '', cfg: await read(cluster, type, name) };
  };
}

async function read(cluster: Cluster, type: Kind, name: string): Promise<string> {
  switch (type) {
    case 'task': {
      const task = (await cluster.listTasks()).find((one) => one.name === name);
      if (!task) throw new DmError(CODES.schedulerTaskNotExist, `task with name ${name} not exist`);
      return maskTaskText(task.yaml);
    }
    case 'source': {
      const source = (await cluster.listSources()).find((one) => one.sourceId === name);
      if (!source)
        throw new DmError(CODES.schedulerSourceNotExist, `source config with ID ${name} not exists`);
      return formatSourceConfig(parseSourceConfig(source.yaml, `source ${name}`), { mask: true });
    }
    case 'master':
    case 'worker': {
      const text = await cluster.memberConfig(type, name);
      if (text === null) {
        throw new DmError(CODES.schedulerWorkerNotExist, `dm-${type} with name ${name} not exists`);
      }
      return text;
    }
    default:
      return unreachable(type);
  }
}
