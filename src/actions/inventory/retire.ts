import * as Type from 'typebox';
import { action } from '../../core/action.ts';
import { type Seen, seen, trouble } from '../../core/result.ts';

const Input = Type.Object(
  {
    status: Type.Optional(
      Type.Enum(['decommissioning', 'retired'], { description: 'The new status. Default retired.' }),
    ),
  },
  { additionalProperties: false, description: 'Writes the new status of the host into the inventory.' },
);

interface Facts {
  readonly status: Seen<'active' | 'decommissioning' | 'retired'>;
}

export const inventoryRetire = action<typeof Input, Facts>({
  kind: 'inventory.retire',
  about: 'Writes the new status of the host into the inventory.',
  effect: 'changes',
  once: false,
  irreversible: false,
  input: Input,
  output: Type.Object({ status: Type.String() }),

  inspect: async (_input, probe, _past, { host }) => {
    const seen = await probe({ kind: 'inventory', host: host.name });
    return { status: seen.known ? { known: true, value: seen.value.status } : seen };
  },

  left: (facts, earlier) => {
    const last = earlier.findLast((operation) => operation.kind === 'inventory.set');
    return last === undefined || !facts.status.known ? facts : { status: seen(last.status) };
  },

  plan: (input, { status }, { host }) => {
    if (!status.known) return { blocked: status.trouble };
    const wanted = input.status ?? 'retired';
    return status.value === wanted ? [] : [{ kind: 'inventory.set', on: 'control', host: host.name, status: wanted }];
  },

  verify: (input, { status }, { host }) => {
    if (!status.known) return { ok: false, trouble: status.trouble };
    const wanted = input.status ?? 'retired';
    return status.value === wanted
      ? {
          ok: true,
          output: { status: wanted },
          evidence: [],
          said: `the inventory says that ${host.name} is ${wanted}`,
        }
      : { ok: false, trouble: notSet(status.value, wanted, host.name) };
  },

  rollback: {
    plan: (_input, before, now, { host }) => {
      if (!before.status.known) return { blocked: before.status.trouble };
      if (!now.status.known) return { blocked: now.status.trouble };
      return before.status.value === now.status.value
        ? []
        : [{ kind: 'inventory.set', on: 'control', host: host.name, status: before.status.value }];
    },
    verify: (_input, before, now) => {
      if (!before.status.known) return { ok: false, trouble: before.status.trouble };
      if (!now.status.known) return { ok: false, trouble: now.status.trouble };
      return before.status.value === now.status.value
        ? { ok: true, output: {}, evidence: [], said: `${before.status.value} again` }
        : { ok: false, trouble: notSet(now.status.value, before.status.value, 'the host') };
    },
  },
});

const notSet = (is: string, wanted: string, host: string) =>
  trouble(
    'inventory-not-set',
    `the inventory says that ${host} is ${is}, expected ${wanted}`,
    'See whether someone else edits the hosts file, then run the step again.',
  );
