import type { ProbeHandlers } from '../../core/action.ts';
import type { Machine } from '../../core/ports.ts';
import { seen, trouble, unseen } from '../../core/result.ts';
import { decode, plainText } from './plain-text.ts';

// A login without root often lacks the sbin folders, and sudo adds them.
const script =
  'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; for tool; do command -v "$tool" >/dev/null 2>&1 && echo 1 || echo 0; done';

/** `host.tools`: whether each program can be found there. */
export const toolsProbe =
  (machine: Machine): ProbeHandlers['host.tools'] =>
  async ({ names }) => {
    const asked = await machine.exec({ argv: ['sh', '-c', script, 'sh', ...names], root: false });
    if (!asked.ok) return unseen(asked.error);
    const { ended, stdout } = asked.value;
    if (ended.how === 'lost' || ended.how === 'aborted') return unseen(ended.trouble);
    const answers = decode(stdout).trim().split('\n');
    if (answers.length !== names.length) {
      return unseen(
        trouble(
          'no-answer',
          `${machine.name} did not tell which tools it has`,
          'Check that its sh works.',
          plainText(stdout),
        ),
      );
    }
    return seen(Object.fromEntries(names.map((name, i) => [name, answers[i] === '1'])));
  };
