import type { Static } from 'typebox';
import * as Type from 'typebox';
import { action } from '../../core/action.ts';
import type { Operation } from '../../core/operation.ts';
import type { ServiceState } from '../../core/probe.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';
import { disabling, enabling, leftBy, starting, stopping } from '../parts/service-commands.ts';
import {
  bootUnknown,
  initNames,
  isStopped,
  namesOneWay,
  notEnabled,
  notFound,
  startsAtBoot,
  unitFields,
  unitsOf,
  wrongState,
} from '../parts/systemd.ts';

const Input = Type.Object(
  {
    ...unitFields,
    enable: Type.Optional(Type.Boolean({ description: 'Also start them at boot. Default false.' })),
  },
  { additionalProperties: false, description: 'Starts services.' },
);

export const serviceStart = action<typeof Input, readonly Seen<ServiceState>[]>({
  kind: 'service.start',
  about: 'Starts services.',
  effect: 'changes',
  once: false,
  irreversible: false,
  startsWriters: true,
  input: Input,
  check: namesOneWay,
  output: Type.Object({ units: Type.Array(Type.String()) }),

  inspect: (input, probe) => Promise.all(unitsOf(input).map((unit) => probe({ kind: 'service', unit }))),

  left: (facts, earlier) => facts.map((unit) => leftBy(earlier, unit)),

  plan: ({ enable = false }, facts) => {
    const operations: Operation[] = [];
    for (const seen of facts) {
      if (!seen.known) return { blocked: seen.trouble };
      const s = seen.value;
      if (s.load !== 'loaded') return { blocked: notLoaded(s) };
      if (enable && s.enabled === 'unknown') return { blocked: bootUnknown(s, 'enable') };
      if (enable && !startsAtBoot(s)) {
        const commands = enabling(s);
        if ('blocked' in commands) return commands;
        operations.push(...commands);
      }
      if (s.active !== 'active') operations.push(...starting([s]));
    }
    return operations;
  },

  settle: () => ({ within: 30_000, every: 1000 }),

  verify: (input, after) => {
    const units = unitsOf(input);
    for (const seen of after) {
      const why = complaint(input, seen);
      if (why !== undefined) return { ok: false, trouble: why };
    }
    return { ok: true, output: { units }, evidence: [], said: `${units.join(', ')} running` };
  },

  rollback: {
    plan: (_input, before, now) => {
      const operations: Operation[] = [];
      for (const [i, was] of [...before.entries()].reverse()) {
        const is = now[i] ?? was;
        if (!was.known) return { blocked: was.trouble };
        if (!is.known) return { blocked: is.trouble };
        if (isStopped(was.value) && !isStopped(is.value)) operations.push(...stopping([is.value]));
        if (!startsAtBoot(was.value)) operations.push(...disabling([is.value].filter(startsAtBoot)));
      }
      return operations;
    },
    verify: (_input, before, now) => {
      for (const [i, was] of before.entries()) {
        const is = now[i] ?? was;
        if (!was.known) return { ok: false, trouble: was.trouble };
        if (!is.known) return { ok: false, trouble: is.trouble };
        if (isStopped(was.value) && !isStopped(is.value)) {
          return { ok: false, trouble: wrongState('still-running', is.value, 'and was stopped before') };
        }
      }
      return { ok: true, output: {}, evidence: [], said: 'stopped as before' };
    },
  },
});

function complaint({ enable = false }: Static<typeof Input>, seen: Seen<ServiceState>): Trouble | undefined {
  if (!seen.known) return seen.trouble;
  const s = seen.value;
  if (s.load !== 'loaded') return notLoaded(s);
  if (s.active !== 'active') return wrongState('not-started', s, 'not active');
  if (enable && !startsAtBoot(s)) {
    return notEnabled(s, 'runs but would not start at boot');
  }
  return undefined;
}

const notLoaded = (s: ServiceState): Trouble =>
  s.load === 'not-found'
    ? notFound(s)
    : trouble(
        'unit-not-loaded',
        `${s.unit} cannot be started: ${s.init === undefined ? 'systemd' : initNames[s.init.kind]} says "${s.load}"`,
        s.load === 'masked' ? `Unmask it first: systemctl unmask ${s.unit}` : `See: systemctl status ${s.unit}`,
      );
