import type { Evidence } from '../core/evidence.ts';
import { isProgram, type Operation } from '../core/operation.ts';
import type { Precondition } from '../core/precondition.ts';
import { fail, ok, type Result, trouble } from '../core/result.ts';
import { isGrave } from './agree.ts';
import type { StepRun } from './perform-step.ts';

type Acting = Pick<StepRun, 'journal' | 'action' | 'setting' | 'direction' | 'step'>;

/**
 * What the host must say of itself in the same command as an act. Before what destroys or cannot be undone: every source that agreed when its identity
 * was last looked at, and the boot it was looked at in. Before any other act on it: what costs no process, its machine-id and that boot; nothing
 * where no step of the run has looked. On the way back the boot is not asked, because giving a machine back may switch it on.
 */
export function preconditionOf(run: Acting, operation: Operation): Result<Precondition | undefined> {
  if (!isProgram(operation)) return ok(undefined);
  const { execution } = run.journal;
  const confirmed = execution.evidence.findLast(isIdentity);
  const grave = isGrave(run.action);
  if (confirmed === undefined || confirmed.host_serial !== execution.serial) {
    if (!grave) return ok(undefined);
    return fail(
      trouble(
        'identity-unconfirmed',
        `step "${run.step.id}" would act on ${execution.host}, and no step of this run has looked at its identity`,
        'Add a step "identity.check" before it, then: decom replan',
      ),
    );
  }
  const { serial, uuid, machine_id } = run.setting.expected;
  const agreed = (source: string): boolean => confirmed.sources.includes(source);
  const wanted: Precondition = {
    ...(grave && agreed('serial') ? { serial } : {}),
    ...(grave && agreed('uuid') && uuid !== undefined ? { uuid } : {}),
    ...(agreed('machine-id') && machine_id !== undefined ? { machine_id } : {}),
    ...(run.direction === 'back' ? {} : { boot: confirmed.boot_id }),
  };
  return ok(Object.keys(wanted).length === 0 ? undefined : wanted);
}

const isIdentity = (e: Evidence): e is Evidence & { readonly kind: 'identity.confirmed' } =>
  e.kind === 'identity.confirmed';
