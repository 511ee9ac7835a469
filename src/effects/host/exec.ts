import type { OperationHandlers } from '../../core/action.ts';
import type { OperationOf, Outcome } from '../../core/operation.ts';
import type { CollectedOutput, Machine, Secrets } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import type { Secret } from '../../core/secret.ts';
import { exitOutcome, notStarted, signalOutcome, tailLimit, tailsOf } from './exit-outcome.ts';
import type { Jobs, Ready } from './jobs.ts';

/**
 * `exec`: runs an argument vector on the host, as a job that outlives the connection wherever the host can keep one. Receipt:
 * `{exit, stdout_tail, stderr_tail}`.
 */
export const execHandlers = (machine: Machine, secrets: Secrets, jobs: Jobs): Pick<OperationHandlers, 'exec'> => ({
  exec: async (operation, { signal, act, precondition }) => {
    const command = await withSecrets(operation, secrets);
    if (!command.ok) return { outcome: 'failed', trouble: command.error };
    if (act !== undefined) return jobs.run(command.value, act, signal, precondition);
    const only = precondition === undefined ? {} : { precondition };
    const ran = await machine.exec({ ...command.value, ...only }, { signal, limit: tailLimit, keep: 'last' });
    if (!ran.ok) return notStarted(ran.error);
    return outcome(machine.name, operation.argv, ran.value);
  },
});

function outcome(host: string, argv: readonly string[], output: CollectedOutput): Outcome {
  const { ended } = output;
  switch (ended.how) {
    case 'exit':
      return exitOutcome(host, argv, ended.code, output);
    case 'signal':
      return signalOutcome(host, argv, ended.signal, output);
    case 'aborted':
      return ended.trouble.code === 'aborted'
        ? { outcome: 'failed', trouble: ended.trouble, receipt: { exit: null, ...tailsOf(output) } }
        : { outcome: 'unknown', trouble: ended.trouble };
    case 'lost':
      return { outcome: 'unknown', trouble: ended.trouble };
  }
}

async function withSecrets(operation: OperationOf<'exec'>, secrets: Secrets): Promise<Result<Ready>> {
  const { environment, ...plain } = operation;
  const filled: { [name: string]: string | Secret } = {};
  for (const [name, value] of Object.entries(environment ?? {})) {
    if (typeof value === 'string') {
      filled[name] = value;
      continue;
    }
    const got = await secrets(value, name);
    if (!got.ok) return fail(got.error);
    filled[name] = got.value;
  }
  return ok(environment === undefined ? plain : { ...plain, environment: filled });
}
