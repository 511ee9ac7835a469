import { Type } from 'typebox';
import { action } from '../../core/action.ts';
import type { Operation } from '../../core/operation.ts';
import type { ServiceState } from '../../core/probe.ts';
import { type Seen, trouble } from '../../core/result.ts';

const Input = Type.Object(
  {
    units: Type.Array(Type.String({ minLength: 1, pattern: '^[A-Za-z0-9@:_.\\\\-]+\\.[a-z]+$' }), {
      minItems: 1,
      description: 'The systemd units to stop, in order, with their suffix (nginx.service).',
    }),
    disable: Type.Optional(Type.Boolean({ description: 'Also keep them from starting at boot. Default true.' })),
  },
  { additionalProperties: false, description: 'Stops systemd units, with what would start them again.' },
);

type Facts = readonly Seen<ServiceState>[];

/** Whether nothing of the unit runs and nothing is about to start it. A unit that does not exist is not "stopped". */
const stopped = (s: ServiceState): boolean =>
  (s.active === 'inactive' || s.active === 'failed') && s.triggers.every((t) => t.active !== 'active');

const keptOff = (s: ServiceState): boolean => !['enabled', 'enabled-runtime', 'linked', 'alias'].includes(s.enabled);

export const serviceStop = action<typeof Input, Facts>({
  kind: 'service.stop',
  about: 'Stops systemd units and keeps them from coming back.',
  effect: 'changes',
  once: false,
  irreversible: false,
  input: Input,
  output: Type.Object({ units: Type.Array(Type.String()) }),
  yields: ['writers.stopped'],

  inspect: async ({ units }, probe) => Promise.all(units.map((unit) => probe({ kind: 'service', unit }))),

  plan: ({ disable = true }, facts) => {
    const operations: Operation[] = [];
    for (const seen of facts) {
      if (!seen.known) return { blocked: seen.trouble };
      const s = seen.value;
      if (s.load === 'not-found') return { blocked: notFound(s.unit) };
      const triggers = s.triggers.filter((t) => t.active === 'active').map((t) => t.unit);
      if (!stopped(s)) operations.push(systemctl('stop', ...triggers, s.unit));
      if (disable && !keptOff(s)) operations.push(systemctl('disable', s.unit));
    }
    return operations;
  },

  settle: () => ({ within: 30_000, every: 1000 }),

  verify: ({ units, disable = true }, after) => {
    for (const seen of after) {
      if (!seen.known) return { ok: false, trouble: seen.trouble };
      const s = seen.value;
      if (s.load === 'not-found') return { ok: false, trouble: notFound(s.unit) };
      if (!stopped(s)) {
        return {
          ok: false,
          trouble: trouble(
            'still-running',
            `${s.unit} is still ${s.active} (${s.sub})`,
            `See why with: systemctl status ${s.unit}`,
          ),
        };
      }
      if (disable && !keptOff(s)) {
        return {
          ok: false,
          trouble: trouble(
            'still-enabled',
            `${s.unit} is stopped but would start at boot`,
            `Try: systemctl disable ${s.unit}`,
          ),
        };
      }
    }
    return {
      ok: true,
      output: { units },
      evidence: [{ kind: 'writers.stopped', units }],
      said: `${units.join(', ')} stopped`,
    };
  },

  rollback: {
    plan: (_input, before) => {
      const operations: Operation[] = [];
      for (const seen of [...before].reverse()) {
        if (!seen.known) return { blocked: seen.trouble };
        const s = seen.value;
        if (!keptOff(s)) operations.push(systemctl('enable', s.unit));
        const triggers = s.triggers.filter((t) => t.active === 'active').map((t) => t.unit);
        if (s.active === 'active') operations.push(systemctl('start', s.unit, ...triggers));
      }
      return operations;
    },
    verify: (_input, before, now) => {
      for (const [i, was] of before.entries()) {
        const is = now[i];
        if (!was.known) return { ok: false, trouble: was.trouble };
        if (is === undefined || !is.known) {
          return {
            ok: false,
            trouble: is?.trouble ?? trouble('unknown', `${was.value.unit} could not be asked`, 'Try again.'),
          };
        }
        if (was.value.active === 'active' && is.value.active !== 'active') {
          return {
            ok: false,
            trouble: trouble(
              'not-started',
              `${is.value.unit} is ${is.value.active}`,
              `See why with: systemctl status ${is.value.unit}`,
            ),
          };
        }
      }
      return { ok: true, output: {}, evidence: [], said: 'running as before' };
    },
  },
});

const systemctl = (verb: string, ...units: string[]): Operation => ({
  kind: 'exec',
  on: 'host',
  argv: ['systemctl', '--no-ask-password', verb, '--', ...units],
  root: true,
});

const notFound = (unit: string) =>
  trouble(
    'unit-not-found',
    `there is no unit ${unit} on the host`,
    'Correct its name in the runbook, or remove it from the list.',
  );
