import type { Static } from 'typebox';
import * as Type from 'typebox';
import { action, type Setting, type Verdict } from '../../core/action.ts';
import { durationPattern, durationText, milliseconds } from '../../core/duration.ts';
import type { BmcIdentity, Reachable } from '../../core/probe.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';
import { type Answered as AnsweredFor, answeringFor, type Find } from '../../core/use.ts';
import { type Answered, lastAnswer } from '../parts/answers.ts';
import { bmcSources, otherMachine, type SourceVerdict, sourceText } from '../parts/bmc-match.ts';

const Input = Type.Object(
  {
    over: Type.Optional(
      Type.String({
        pattern: durationPattern,
        patternErrorMessage: 'a duration like 1m or 15m',
        description: 'How long the host has to stay silent while it is called again and again. Default 1m.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Attests which machine it is that does not answer any more.' },
);
type Input = Static<typeof Input>;

/** `bmc` is null where the inventory names none. */
interface Facts {
  readonly reachable: Seen<Reachable>;
  readonly bmc: Seen<BmcIdentity> | null;
  readonly answered: Answered | null;
}

/** `calls`: how often it was called; the first answer that is not silence ends it. */
interface Called extends Facts {
  readonly calls: number;
}

const overOf = ({ over }: Input): number => milliseconds(over ?? '1m') ?? 0;

/**
 * What somebody may have to answer for, as waivers name it. `running`: that no system runs there any more. Only the port of its SSH server is called, and one that is
 * refused or silent may belong to a host that works well behind a dead sshd or a dead network: a person has to look.
 */
const gates = ['running', 'host-keys', 'machine-id', 'uuid', 'bmc'] as const;
const label = 'serial';
const callings = 6;

export const identityAttest = action<typeof Input, Facts, Called>({
  kind: 'identity.attest',
  about:
    'For a host that does not answer any more: a person reads its label, another one agrees, and each source of identity that cannot be had is answered for by name.',
  effect: 'none',
  once: false,
  irreversible: false,
  bmc: 'uses',
  witnesses: 1,
  input: Input,
  output: Type.Object({ sources: Type.Array(Type.String()), read_by: Type.String() }),
  yields: ['identity.attested'],

  check: (input) => (overOf(input) < 1000 ? '"over" is shorter than a second' : undefined),
  waivable: () => gates,
  lasts: overOf,

  inspect: async (_input, probe, past, setting) => {
    const [reachable, bmc] = await Promise.all([
      probe({ kind: 'host.reachable' }),
      setting.host.hasBmc ? probe({ kind: 'bmc.identity' }) : null,
    ]);
    return { reachable, bmc, answered: lastAnswer(past) };
  },

  remarks: ({ reachable, bmc }, setting) => {
    if (aliveOr(reachable, setting) !== undefined || wrongBmc(bmc, setting) !== undefined) return [];
    const missing = missingOf(bmcTold(bmc, setting), setting);
    return [
      `the run will stop here until somebody has answered by name for each of: ${gatesOf(missing)}`,
      ...missing.map(({ words }) => words),
    ];
  },

  plan: (_input, { reachable, bmc, answered }, setting) => {
    const alive = aliveOr(reachable, setting) ?? wrongBmc(bmc, setting);
    if (alive !== undefined) return { blocked: alive };
    if (rightLabel(answered, setting)) return [];
    const text = `Go to ${setting.host.name}. Read the serial on its label, and give it as the note (at the terminal: y SERIAL)`;
    return [
      { kind: 'ask', on: 'control', form: 'checklist', title: 'Which machine is it?', items: [{ id: label, text }] },
    ];
  },

  examine: async (input, _receipts, { probe, sleep, signal, progress, past }, setting) => {
    const answered = lastAnswer(past);
    const askBmc = async () => (setting.host.hasBmc ? probe({ kind: 'bmc.identity' }) : null);
    // Nobody waits for the whole of it only to hear that the serial was mistyped, or who has to answer first.
    const ready = rightLabel(answered, setting) && unanswered(await askBmc(), setting).left.length === 0;
    const long = overOf(input);
    let calls = 0;
    let reachable: Seen<Reachable>;
    for (;;) {
      reachable = await probe({ kind: 'host.reachable' });
      calls++;
      if (!ready || signal.aborted || calls > callings || !reachable.known || reachable.value !== 'no') break;
      const passed = ((calls - 1) * long) / callings;
      progress({ what: 'calling it again and again', time: passed, totalTime: long });
      await sleep(long / callings);
    }
    return { reachable, bmc: await askBmc(), answered, calls };
  },

  verify: (input, { reachable, bmc, answered, calls }, setting): Verdict => {
    const alive = aliveOr(reachable, setting) ?? wrongBmc(bmc, setting);
    if (alive !== undefined) return { ok: false, trouble: alive };
    if (answered === null || !rightLabel(answered, setting)) {
      return { ok: false, trouble: otherLabel(answered === null ? '' : (labelOf(answered) ?? ''), setting) };
    }
    const ofBmc = bmcTold(bmc, setting);
    const agreed = ['label', ...ofBmc.filter(({ is }) => is === 'agrees').map(({ source }) => source)];
    const { missing, answers, left } = unanswered(bmc, setting);
    if (left.length > 0) return { ok: false, trouble: unattested(left, setting), found: missing };
    if (calls <= callings) return { ok: false, trouble: cutShort(input, setting) };
    const waived = [...answers.keys()].map(({ gate, by }) => ({ gate, by }));
    return {
      ok: true,
      output: { sources: agreed, read_by: answered.by },
      evidence: [{ kind: 'identity.attested', sources: agreed, read_by: answered.by, waived }],
      said: `${setting.host.name} has been silent for ${durationText(overOf(input))}; ${agreed.join(', ')} agree; ${waived.map(({ gate, by }) => `${by} answers for ${gate}`).join('; ')}`,
      waived: [...answers].map(([answer, of]) => ({ answer, trouble: unattested(of, setting) })),
    };
  },
});

const labelOf = ({ items }: Answered): string | undefined =>
  items.find(({ id, done }) => id === label && done)?.note.trim();

const rightLabel = (answered: Answered | null, { expected }: Setting): boolean =>
  answered !== null && labelOf(answered) === expected.serial.trim();

/** Why a host may not be treated as one that is dead: it answers, or whether it does cannot be told. */
function aliveOr(reachable: Seen<Reachable>, { host: { name } }: Setting): Trouble | undefined {
  if (!reachable.known) return reachable.trouble;
  if (reachable.value === 'no') return undefined;
  if (reachable.value === 'yes') {
    return trouble(
      'host-answers',
      `${name} answers on its address: it is not dead`,
      'Retire it by a runbook for hosts that live (identity.check, power.off). If the login to it is lost, repair that first; if another machine has its address, correct the inventory.',
    );
  }
  return trouble(
    'way-unknown',
    `whether ${name} answers cannot be told: its ProxyCommand leads to no answer, and whether the way or the host ended nothing says`,
    `Give a way whose machines can be asked (ssh.jump in hosts.yaml); then: decom resume ${name}`,
  );
}

function wrongBmc(bmc: Seen<BmcIdentity> | null, { host, expected }: Setting): Trouble | undefined {
  const wrong = bmcTold(bmc, { expected }).filter(({ is }) => is === 'contradicts');
  return wrong.length === 0 ? undefined : otherMachine(host, wrong);
}

const bmcTold = (bmc: Facts['bmc'], { expected }: Pick<Setting, 'expected'>): readonly SourceVerdict[] =>
  bmc === null ? [] : bmcSources(expected, bmc);

/** What nobody but a person can say: each source of identity that does not speak for this machine, in the inventory or not, and that nothing runs there. */
function missingOf(ofBmc: readonly SourceVerdict[], { expected, host }: Setting): readonly Find[] {
  const why = (has: boolean): string => (has ? `${host.name} does not answer` : 'the inventory does not have it');
  const find = (gate: (typeof gates)[number], words: string): Find => ({ gate, key: gate, words });
  const bmc = ofBmc.some(({ is }) => is === 'agrees');
  const told = ofBmc.map(sourceText).join('; ');
  return [
    find(
      'running',
      `running: only the port of its SSH server was called; whether a system still runs on ${host.name}, somebody has to see at its console`,
    ),
    find('host-keys', `host-keys: ${why((expected.host_keys ?? []).length > 0)}`),
    find('machine-id', `machine-id: ${why(expected.machine_id !== undefined)}`),
    find('uuid', `uuid: ${why(expected.uuid !== undefined)}`),
    ...(bmc ? [] : [find('bmc', `bmc: ${host.hasBmc ? told : 'the inventory names none'}`)]),
  ];
}

/** Who answers for what of it, and what nobody answers for. */
function unanswered(bmc: Facts['bmc'], setting: Setting) {
  const missing = missingOf(bmcTold(bmc, setting), setting);
  const answers = new Map<AnsweredFor, Find[]>();
  const left: Find[] = [];
  for (const find of missing) {
    const answer = answeringFor(setting.answers ?? [], find);
    if (answer === undefined) left.push(find);
    else answers.set(answer, [...(answers.get(answer) ?? []), find]);
  }
  return { missing, answers, left };
}

const gatesOf = (finds: readonly Find[]): string => finds.map(({ gate }) => gate).join(', ');

function unattested(missing: readonly Find[], { host, step }: Setting): Trouble {
  const [first, ...others] = missing;
  const more = others.length === 0 ? '' : `, and in the same way for ${gatesOf(others)}`;
  return trouble(
    'identity-missing',
    `${gatesOf(missing)} cannot be had of ${host.name}`,
    `Somebody answers for each by name: decom waive ${host.name} ${step}/${first?.gate} --reason TEXT${more}; then: decom resume ${host.name}`,
    missing.map(({ words }) => words).join('\n'),
  );
}

const otherLabel = (read: string, { host, expected }: Setting): Trouble =>
  trouble(
    'serial-mismatch',
    read === ''
      ? `nobody gave the serial on the label of ${host.name}`
      : `the serial on the label is "${read}", and that of ${host.name} is "${expected.serial}"`,
    read === ''
      ? `Give it as the note of "${label}"; then: decom resume ${host.name}`
      : `It is another machine, or the inventory is wrong: find out which before anything is done to it. If it was only mistyped, the label is asked for anew by: decom resume ${host.name}`,
  );

const cutShort = (input: Input, { host }: Setting): Trouble =>
  trouble(
    'call-short',
    `it was not called for all of ${durationText(overOf(input))}`,
    `Have it called once more: decom resume ${host.name}`,
  );
