import type { Static } from 'typebox';
import * as Type from 'typebox';
import { action, type Setting, type Verdict } from '../../core/action.ts';
import { durationPattern, durationText, milliseconds } from '../../core/duration.ts';
import type { Operation } from '../../core/operation.ts';
import type { BmcIdentity, Reachable } from '../../core/probe.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';
import { noBmc, notThisBmc } from '../parts/bmc-match.ts';
import { offInOrder } from '../parts/off-in-order.ts';
import { holderWord, powerHolder } from '../parts/power-holder.ts';

const Duration = (description: string) =>
  Type.String({ pattern: durationPattern, patternErrorMessage: 'a duration like 30s, 5m or 7d', description });

const Input = Type.Object(
  {
    grace: Type.Optional(Duration('How long the operating system may take to shut down. Default 5m.')),
    force_after: Type.Optional(
      Duration('Cut the power if the machine is still on after this long. Without it the power is never cut.'),
    ),
    use_age: Type.Optional(Duration('How long ago it may have been seen that nobody uses the host. Default 30d.')),
    proof_age: Type.Optional(Duration('Greatest age of the restore proof, from its manifest. Default 7d.')),
  },
  { additionalProperties: false, description: 'Switches the machine off by its BMC and waits until it is off.' },
);
type Input = Static<typeof Input>;

interface Facts {
  readonly power: Seen<'on' | 'off'>;
  readonly bmc: Seen<BmcIdentity>;
  readonly reachable: Seen<Reachable>;
}

/** Several readings of the power, in order, and whether the host still answers. */
interface After {
  readonly power: readonly Seen<'on' | 'off'>[];
  readonly reachable: Seen<Reachable>;
}

const hour = 3_600_000;
const day = 24 * hour;
/** One reading can be of the moment between off and on again. */
const readings = 3;
const betweenReadings = 1000;

/** How long it counts that the host has said who it is, in milliseconds; and how far a clock may have been ahead when it did. */
const answerAge = day;
const clockSkew = 60_000;

const ms = (text: string | undefined, otherwise: number): number =>
  (text === undefined ? undefined : milliseconds(text)) ?? otherwise;
const graceOf = ({ grace }: Input): number => ms(grace, 300_000);

export const powerOff = action<typeof Input, Facts, After>({
  kind: 'power.off',
  about: 'Switches the machine off by its BMC, the operating system first, and waits until it is really off.',
  effect: 'changes',
  once: false,
  irreversible: true,
  bmc: 'uses',
  input: Input,
  output: Type.Object({ power: Type.Enum(['off']) }),
  yields: ['power.is-off'],

  check: ({ grace, force_after }) =>
    grace !== undefined && force_after !== undefined && ms(force_after, 0) < ms(grace, 0)
      ? '"force_after" is shorter than "grace": the power would be cut before the time that the system may take is over'
      : undefined,

  demands: ({ proof_age, use_age }) => [
    {
      kind: 'identity.confirmed',
      maxAge: answerAge,
      why: 'Without it, another machine could be switched off.',
    },
    {
      kind: 'identity.bound',
      maxAge: day,
      why: 'Without it, the BMC could be that of another machine, and nothing can be compared once this one is off.',
    },
    {
      kind: 'host.unused',
      // A scream test lies in between, and lasts weeks.
      maxAge: ms(use_age, 30 * day),
      uncut: true,
      why: 'Without it, somebody may still use the host.',
    },
    {
      kind: 'writers.stopped',
      maxAge: 30 * day,
      why: 'Without it, something could still write data that is in no copy.',
    },
    {
      kind: 'restore.proven',
      maxAge: ms(proof_age, 7 * day),
      after: 'writers.stopped',
      covers: 'file-systems',
      why: 'Without it, nobody knows that the copy can be restored, or it lacks what was written last.',
    },
  ],

  inspect: async (_input, probe, _past, { host }) => {
    if (!host.hasBmc) {
      const none = { known: false, trouble: noBmc(host.name) } as const;
      return { power: none, bmc: none, reachable: await probe({ kind: 'host.reachable' }) };
    }
    const [bmc, power, reachable] = await Promise.all([
      probe({ kind: 'bmc.identity' }),
      probe({ kind: 'power' }),
      probe({ kind: 'host.reachable' }),
    ]);
    return { power, bmc, reachable };
  },

  plan: (input, { power, bmc }, setting) => {
    // Before the power is believed: "off" of another machine says nothing about this one.
    const wrong = notThisBmc(setting, bmc);
    if (wrong !== undefined) return { blocked: wrong };
    if (!power.known) return { blocked: power.trouble };
    if (power.value === 'off') return [];
    const soft: Operation = { kind: 'bmc.power', on: 'control', want: 'off', how: 'soft' };
    if (input.force_after === undefined) return [soft];
    return [soft, { kind: 'bmc.power', on: 'control', want: 'off', how: 'hard', after: ms(input.force_after, 0) }];
  },

  execute: offInOrder,

  settle: (input) => ({ within: input.force_after === undefined ? graceOf(input) : 120_000, every: 5000 }),

  examine: async (_input, _receipts, { probe, sleep }) => {
    const power: Seen<'on' | 'off'>[] = [];
    const read = async (upTo: number): Promise<void> => {
      while (power.length < upTo && power.every((seen) => seen.known && seen.value === 'off')) {
        if (power.length > 0) await sleep(betweenReadings);
        power.push(await probe({ kind: 'power' }));
      }
    };
    await read(readings);
    const reachable = await probe({ kind: 'host.reachable' });
    // Silence is less than a host that cannot be reached, so the BMC has to say it for as long again.
    if (reachable.known && reachable.value === 'silent') await read(2 * readings);
    return { power, reachable };
  },

  verify: (input, { power, reachable }, setting) => {
    for (const seen of power) {
      if (!seen.known) return { ok: false, trouble: seen.trouble };
      if (seen.value === 'on') return { ok: false, trouble: stillOn(input, setting) };
    }
    if (power.length < readings) return { ok: false, trouble: stillOn(input, setting) };
    if (!reachable.known) return { ok: false, trouble: reachable.trouble };
    if (reachable.value === 'yes') return { ok: false, trouble: answersWhileOff(setting) };
    const off = `off in ${power.length} readings of ${holderWord(setting.host)}`;
    if (reachable.value === 'no') {
      return {
        ok: true,
        output: { power: 'off' },
        evidence: [{ kind: 'power.is-off' }],
        said: `${off}, and the host no longer answers`,
      };
    }
    const { answered } = setting;
    if (answered === undefined) return { ok: false, trouble: neverAnswered(setting) };
    // A way that was good last week proves nothing by its silence today.
    if (answered.ago > answerAge || answered.ago < -clockSkew) {
      return { ok: false, trouble: answeredLongAgo(setting, answered) };
    }
    return {
      ok: true,
      output: { power: 'off' },
      evidence: [{ kind: 'power.is-off', silent_since: answered.at }],
      said: `${off}; nothing answers any more by the way on which the host answered at ${answered.at}, and whether that way still leads anywhere cannot be told`,
    };
  },

  rollback: {
    plan: (_input, before, now, setting) => {
      if (before.power.known && before.power.value === 'off') return [];
      const wrong = notThisBmc(setting, now.bmc);
      if (wrong !== undefined) return { blocked: wrong };
      if (!now.power.known) return { blocked: now.power.trouble };
      return now.power.value === 'on' ? [] : [{ kind: 'bmc.power', on: 'control', want: 'on', how: 'soft' }];
    },
    verify: (_input, before, now): Verdict => {
      if (!before.power.known) return { ok: false, trouble: before.power.trouble };
      if (before.power.value === 'off') return { ok: true, output: {}, evidence: [], said: 'off as before' };
      if (!now.power.known) return { ok: false, trouble: now.power.trouble };
      if (!now.reachable.known) return { ok: false, trouble: now.reachable.trouble };
      if (now.power.value === 'on' && now.reachable.value === 'yes') {
        return { ok: true, output: {}, evidence: [], said: 'on, and the host answers again' };
      }
      return { ok: false, trouble: notBack(now.power.value) };
    },
  },
});

const stillOn = (input: Input, { host }: Setting): Trouble =>
  trouble(
    'still-on',
    input.force_after === undefined
      ? `${powerHolder(host)} still reports power on after ${durationText(graceOf(input))}`
      : `${powerHolder(host)} still reports power on, though it was told to cut it`,
    input.force_after === undefined
      ? `Look at its console: something may hold the shutdown up. Give it more "grace", or allow a hard cut with "force_after"; then: decom resume ${host.name}`
      : `Check ${holderWord(host)}, then: decom resume ${host.name}`,
  );

const answersWhileOff = ({ host }: Setting): Trouble =>
  trouble(
    'off-but-answers',
    `${holderWord(host)} says that ${host.name} is off, but its address still answers`,
    `Either ${holderWord(host)} is wrong, or another machine holds the address. Find out which before anything else is done to it.`,
  );

const neverAnswered = ({ host }: Setting): Trouble =>
  trouble(
    'way-unknown',
    `${holderWord(host)} says that ${host.name} is off, but nothing else does: its ProxyCommand leads to no answer, and did not earlier in this run either`,
    `Repair the way to it, or give one whose machines can be asked (ssh.jump in hosts.yaml); then: decom resume ${host.name}`,
  );

const answeredLongAgo = ({ host }: Setting, { at, ago }: NonNullable<Setting['answered']>): Trouble =>
  trouble(
    'way-unknown',
    `${holderWord(host)} says that ${host.name} is off, but nothing else does: its ProxyCommand leads to no answer, and the last one came at ${at}, ${ago < 0 ? 'a time to come' : `${durationText(ago)} ago`}; the limit is ${durationText(answerAge)}`,
    `Give a way whose machines can be asked (ssh.jump in hosts.yaml), or switch it on by its BMC, so that it says once more who it is; then: decom resume ${host.name}`,
  );

const notBack = (power: 'on' | 'off'): Trouble =>
  trouble(
    'not-back',
    power === 'off' ? 'the BMC still reports power off' : 'the power is on, but the host does not answer yet',
    power === 'off' ? 'Check the BMC and the supply, then try again.' : 'Look at its console, then try again.',
  );
