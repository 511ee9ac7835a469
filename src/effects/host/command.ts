import type { ProbeHandlers } from '../../core/action.ts';
import type { Machine } from '../../core/ports.ts';
import { seen, unseen } from '../../core/result.ts';

/** `command`: how a program ended that was asked, with the first 64 KiB of each stream. */
export const commandProbe =
  (machine: Machine): ProbeHandlers['command'] =>
  async ({ argv, root }) => {
    const asked = await machine.exec({ argv, root });
    if (!asked.ok) return unseen(asked.error);
    const { ended, stdout, stderr } = asked.value;
    if (ended.how === 'lost' || ended.how === 'aborted') return unseen(ended.trouble);
    return seen({
      exit: ended.how === 'exit' ? ended.code : null,
      signal: ended.how === 'signal' ? ended.signal : null,
      stdout: Buffer.from(stdout).toString(),
      stderr: Buffer.from(stderr).toString(),
    });
  };
