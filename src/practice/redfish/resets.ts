import { randomBytes } from 'node:crypto';
import type { JsonObject } from '../../core/json.ts';
import type { Resource } from './protocol.ts';
import { type Reply, refusal } from './reply.ts';

export type ResetType = 'On' | 'ForceOff' | 'GracefulShutdown';

/** A change of power that was accepted: a task, and its monitor under a URI of its own. */
export interface Resets {
  /** Begins the reset and answers 202 with where to look. */
  begin(type: ResetType): Reply;
  /** What a path of a task or a monitor holds. */
  find(path: string): Resource | undefined;
  /** The state the machine is being brought to, while it is. */
  pending(): 'on' | 'off' | undefined;
}

interface Job {
  readonly name: string;
  state: 'Running' | 'Completed' | 'Exception';
  message: string;
}

export function resets(
  base: string,
  power: { set(want: 'on' | 'off', how: 'soft' | 'hard'): Promise<void> },
  fails: () => boolean,
): Resets {
  const tasks = new Map<string, Job>();
  const monitors = new Map<string, Job>();
  let pending: { want: 'on' | 'off'; job: Job } | undefined;

  const describe = (path: string, job: Job): JsonObject => ({
    '@odata.id': path,
    '@odata.type': '#Task.v1_7_4.Task',
    Id: path.split('/').at(-1) ?? '',
    Name: job.name,
    TaskState: job.state,
    TaskStatus: job.state === 'Exception' ? 'Critical' : 'OK',
    Messages: job.message === '' ? [] : [{ MessageId: 'Base.1.18.InternalError', Message: job.message }],
  });

  return {
    pending: () => (pending?.job.state === 'Running' ? pending.want : undefined),

    begin(type) {
      const want = type === 'On' ? 'on' : 'off';
      const job: Job = { name: `Reset ${type}`, state: 'Running', message: '' };
      const task = `${base}/${randomBytes(5).toString('hex')}`;
      const monitor = `${base}/${randomBytes(5).toString('hex')}`;
      tasks.set(task, job);
      monitors.set(monitor, job);
      pending = { want, job };
      const done = fails()
        ? Promise.reject(new Error('the power supply does not obey'))
        : power.set(want, type === 'GracefulShutdown' ? 'soft' : 'hard');
      done.then(
        () => {
          job.state = 'Completed';
        },
        (error: unknown) => {
          job.state = 'Exception';
          job.message = error instanceof Error ? error.message : 'the reset failed';
        },
      );
      return { status: 202, headers: { Location: monitor, 'Retry-After': '1' }, body: describe(task, job) };
    },

    find(path) {
      const task = tasks.get(path);
      if (task !== undefined) return { get: async () => ({ status: 200, body: describe(path, task) }) };
      const job = monitors.get(path);
      if (job === undefined) return undefined;
      return {
        get: async () => {
          if (job.state === 'Running') {
            return { status: 202, headers: { Location: path, 'Retry-After': '1' }, body: describe(path, job) };
          }
          // A monitor gives the outcome once and is gone.
          monitors.delete(path);
          return job.state === 'Completed' ? { status: 204 } : refusal(500, 'InternalError', job.message);
        },
      };
    },
  };
}
