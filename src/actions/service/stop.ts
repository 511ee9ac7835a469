import * as Type from 'typebox';
import { action } from '../../core/action.ts';
import type { Operation } from '../../core/operation.ts';
import type { ServiceState } from '../../core/probe.ts';
import type { Trouble } from '../../core/result.ts';
import { disabling, enablingAgain, leftBy, starting, stopping } from '../parts/service-commands.ts';
import {
  askUnit,
  bootUnknown,
  isStopped,
  namesOneWay,
  notEnabled,
  notFound,
  startsAtBoot,
  startsLost,
  statesOf,
  stillEnabled,
  type UnitFacts,
  unitFields,
  unitsOf,
  wrongState,
} from '../parts/systemd.ts';

const Input = Type.Object(
  {
    ...unitFields,
    disable: Type.Optional(Type.Boolean({ description: 'Also keep them from starting at boot. Default true.' })),
  },
  { additionalProperties: false, description: 'Stops services, with what would start them again.' },
);

export const serviceStop = action<typeof Input, readonly UnitFacts[]>({
  kind: 'service.stop',
  cutsOff: true,
  about: 'Stops services and keeps them from coming back.',
  effect: 'changes',
  once: false,
  irreversible: false,
  input: Input,
  check: namesOneWay,
  output: Type.Object({ units: Type.Array(Type.String()) }),
  yields: ['writers.stopped'],

  inspect: (input, probe) => Promise.all(unitsOf(input).map((unit) => askUnit(probe, unit))),

  left: (facts, earlier) =>
    facts.map(({ unit, triggers }) => ({
      unit: leftBy(earlier, unit),
      triggers: triggers.map((trigger) => leftBy(earlier, trigger)),
    })),

  plan: ({ disable = true }, facts) => {
    const operations: Operation[] = [];
    for (const one of facts) {
      const states = statesOf(one);
      if (!states.known) return { blocked: states.trouble };
      const missing = states.value.find((s) => s.load === 'not-found');
      if (missing !== undefined) return { blocked: notFound(missing) };
      const untold = states.value.find((s) => s.enabled === 'unknown');
      if (disable && untold !== undefined) return { blocked: bootUnknown(untold, 'disable') };
      operations.push(...stopping(states.value.filter((s) => !isStopped(s))));
      if (disable) operations.push(...disabling(states.value.filter(startsAtBoot)));
    }
    return operations;
  },

  settle: () => ({ within: 30_000, every: 1000 }),

  verify: (input, after) => {
    const units = unitsOf(input);
    for (const one of after) {
      const states = statesOf(one);
      if (!states.known) return { ok: false, trouble: states.trouble };
      for (const s of states.value) {
        if (s.load === 'not-found') return { ok: false, trouble: notFound(s) };
        if (!isStopped(s)) return { ok: false, trouble: wrongState('still-running', s, 'not stopped') };
        if (input.disable === false) continue;
        if (s.enabled === 'unknown') return { ok: false, trouble: bootUnknown(s, 'disable') };
        if (startsAtBoot(s)) return { ok: false, trouble: stillEnabled(s) };
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
    plan: (_input, before, now) => {
      const operations: Operation[] = [];
      for (const [i, one] of [...before.entries()].reverse()) {
        const was = statesOf(one);
        const is = now[i] === undefined ? was : statesOf(now[i]);
        if (!was.known) return { blocked: was.trouble };
        if (!is.known) return { blocked: is.trouble };
        const at = (unit: string) => is.value.find((s) => s.unit === unit);
        operations.push(...enablingAgain(was.value, is.value));
        const start = was.value.filter((s) => s.active === 'active' && at(s.unit)?.active !== 'active');
        // The unit itself first: its socket cannot be started while it holds the address.
        operations.push(...starting([...start].reverse()));
      }
      return operations;
    },
    verify: (_input, before, now) => {
      for (const [i, one] of before.entries()) {
        const was = statesOf(one);
        if (!was.known) return { ok: false, trouble: was.trouble };
        const is = now[i] === undefined ? was : statesOf(now[i]);
        if (!is.known) return { ok: false, trouble: is.trouble };
        for (const s of was.value) {
          const found = is.value.find((other) => other.unit === s.unit);
          if (found === undefined) return { ok: false, trouble: notFound(s) };
          if (s.active === 'active' && found.active !== 'active') {
            return { ok: false, trouble: wrongState('not-started', found, 'and was active before') };
          }
          const lost = startsLost(s, found);
          if ((startsAtBoot(s) && !startsAtBoot(found)) || lost.length > 0) {
            return { ok: false, trouble: notEnabledAgain(s) };
          }
        }
      }
      return { ok: true, output: {}, evidence: [], said: 'running and enabled as before' };
    },
  },
});

const notEnabledAgain = (s: ServiceState): Trouble => {
  const found = notEnabled(s, 'does not start at boot, and did before');
  return s.init === undefined ? { ...found, fix: `Try: systemctl enable ${s.unit}` } : found;
};
