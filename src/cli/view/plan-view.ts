import { wantedWords } from '../../core/approval.ts';
import { durationText } from '../../core/duration.ts';
import { operationWords } from '../../core/operation-words.ts';
import { type Blocker, bmcWords, intentDigest, type Plan, type PlannedStep } from '../../core/plan.ts';
import { preconditionWords } from '../../core/precondition.ts';
import { printableLines } from '../../core/printable.ts';
import type { Seen, Trouble } from '../../core/result.ts';
import { shellWord } from '../../core/shell-word.ts';
import { windowWords } from '../../core/window.ts';
import { coverageLines } from './coverage-view.ts';
import { classOf, markOf, reversibility, type StepClass } from './mark.ts';
import { surveyLines } from './survey-view.ts';
import { bad, counted, dim, indent, type Line, pairs, type Span, strong, warn } from './text.ts';

export interface PlanViewOptions {
  /** What a kind of step does, in a sentence. */
  readonly about: (uses: string) => string | undefined;
  /** Where it was saved. */
  readonly saved: string | undefined;
  /** The options that it was made with, each with a space before it: the next command takes them too. */
  readonly given: string;
  readonly now: Date;
  /** Another run works on the host now. */
  readonly claim?: Trouble;
}

/** The plan for a person: whose machine it is, every step in full, what stands in the way, the totals, and what to type next. */
export function planView(plan: Plan, options: PlanViewOptions): readonly Line[] {
  return [
    ...identityLines(plan, options.now),
    '',
    ...(plan.facts.survey === undefined ? [] : [...surveyLines(plan.facts.survey), '']),
    ...coverageLines(plan.facts.coverage, plan.intent.not_kept),
    ...plan.intent.phases.flatMap((phase) => phaseLines(plan, phase.phase, phase.title, options)),
    ...blockerLines(plan.facts.blockers),
    ...calendarLines(plan),
    ...(options.claim === undefined
      ? []
      : [[warn(`claimed now: ${options.claim.what}`)], ...indent([options.claim.fix]), '']),
    [strong(totals(plan))],
    ...nextLines(plan, options),
  ];
}

/** Whose machine it is and what is about to happen, for the start of a run. */
export function planOutline(plan: Plan): readonly Line[] {
  const { host, runbook } = plan.intent;
  return [
    [strong(runbook.title), ` on ${host.name} at ${host.address}, serial `, strong(host.serial)],
    totals(plan),
    '',
  ];
}

/** What stands above a run that is taken up again: which one, and whom it is about. */
export const runOutline = ({ intent: { host, runbook } }: Plan, run: string): readonly Line[] => [
  [strong(runbook.title), ` on ${host.name} at ${host.address}, serial `, strong(host.serial)],
  `run ${run}, taken up again`,
  '',
];

function identityLines({ intent, facts }: Plan, now: Date): readonly Line[] {
  const { host } = intent;
  const rows: [string, Span | readonly Span[]][] = [
    ['host', [strong(host.name), ...(host.fqdn === null ? [] : [` (${host.fqdn})`]), ` at ${host.address}`]],
    ['serial', [strong(host.serial), `; ${compared(facts.identity, 'serial', host.serial)}`]],
  ];
  if (host.uuid !== null) rows.push(['UUID', `${host.uuid}; ${compared(facts.identity, 'uuid', host.uuid)}`]);
  if (host.machine_id !== null) {
    rows.push(['machine-id', `${host.machine_id}; ${compared(facts.identity, 'machine_id', host.machine_id)}`]);
  }
  if (host.asset_tag !== null) rows.push(['asset tag', host.asset_tag]);
  if (host.owner !== null) rows.push(['owner', host.owner]);
  if (host.location !== null) rows.push(['location', host.location]);
  for (const way of facts.way ?? []) rows.push(['SSH', way]);
  const legacy = facts.identity.known ? facts.identity.value.legacy : undefined;
  if (legacy !== undefined) rows.push(['SSH', warn(`legacy algorithms in use: ${legacy.join(', ')}`)]);
  const bmc = bmcWords(host);
  if (bmc !== undefined) rows.push(['BMC', bmc]);
  for (const [name, { address, folder }] of Object.entries(intent.helpers ?? {})) {
    rows.push([`helper ${name}`, `at ${address}; only ${folder} is changed there`]);
  }
  if (host.disks.length > 0) rows.push(['disks', host.disks.join(', ')]);
  rows.push(['power', facts.power]);
  const age = now.getTime() - Date.parse(facts.observed);
  rows.push([
    'observed',
    `${facts.observed}${facts.borrowed ? `, ${durationText(Math.max(0, age))} ago, from a file` : ''}`,
  ]);
  rows.push(['runbook', `${intent.runbook.name} — ${intent.runbook.title}`]);
  for (const [name, value] of Object.entries(intent.params)) {
    rows.push([`param ${name}`, typeof value === 'string' ? value : JSON.stringify(value)]);
  }
  rows.push(['plan', `${intent.id}, expires ${intent.expires}`]);
  rows.push(['digest', intentDigest({ format: 1, intent, facts })]);
  return pairs(rows);
}

/** What the machine said of itself beside what the inventory expects. */
function compared(
  identity: Plan['facts']['identity'],
  source: 'serial' | 'uuid' | 'machine_id',
  expected: string,
): string {
  if (!identity.known) return `expected by the inventory; the machine could not be asked (${identity.trouble.what})`;
  const seen: Seen<string> = identity.value[source];
  if (!seen.known) return `expected by the inventory; the machine could not say (${seen.trouble.what})`;
  return seen.value.toLowerCase() === expected.toLowerCase()
    ? 'inventory and machine agree'
    : `THE MACHINE SAYS ${seen.value}`;
}

function phaseLines(plan: Plan, phase: string, title: string, options: PlanViewOptions): readonly Line[] {
  const steps = plan.intent.steps.filter((step) => step.phase === phase);
  return [
    [strong(`phase ${phase}`), ` — ${title}`],
    ...steps.flatMap((step) => indent(stepLines(plan, step, options))),
    '',
  ];
}

const markWidth = 11;

function stepLines(plan: Plan, step: PlannedStep, options: PlanViewOptions): readonly Line[] {
  const mark = markOf(step);
  const gap = ' '.repeat(markWidth - (typeof mark === 'string' ? mark : mark.text).length);
  const number = String(plan.intent.steps.indexOf(step) + 1).padStart(String(plan.intent.steps.length).length);
  const head: Line = [dim(number), ' ', mark, gap, strong(step.id), ` — ${step.title}`];
  const under = number.length + 1 + markWidth;
  const remarks = (plan.facts.steps[step.id]?.remarks ?? []).map((remark): Line => [warn('note'), ` ${remark}`]);
  return [head, ...indent([[dim(facets(step).join('; '))], ...whatLines(plan, step, options), ...remarks], under)];
}

function facets(step: PlannedStep): readonly string[] {
  return [
    step.uses,
    reversibility(step),
    ...(step.once ? ['never repeated by itself'] : []),
    ...(step.when === null ? [] : [`only when ${step.when}`]),
    ...(step.window === undefined ? [] : [`window ${windowWords(step.window)}`]),
    ...(step.needs.length === 0 ? [] : [`needs ${step.needs.join(', ')}`]),
    ...(step.timeout === null ? [] : [`at most ${durationText(step.timeout)}`]),
    ...(step.retry === null ? [] : [`up to ${counted(step.retry.attempts, 'attempt')}`]),
    ...(step.approvals === undefined ? [] : [`approved by ${wantedWords(step.approvals)}`]),
    ...(step.on_failure === 'stop' ? [] : [`on failure: ${step.on_failure}`]),
  ];
}

function whatLines(plan: Plan, step: PlannedStep, options: PlanViewOptions): readonly Line[] {
  if (step.operations === null) return [[warn('not known yet: see the blockers')]];
  if (step.operations.length > 0) {
    const only = step.precondition === undefined ? [] : [preconditionWords(step.precondition)];
    return [...step.operations.flatMap(operationWords), ...only];
  }
  if (plan.facts.steps[step.id]?.already === true) return ['already so: nothing would be done'];
  return [`reads only: ${options.about(step.uses) ?? step.uses}`];
}

function blockerLines(blockers: readonly Blocker[]): readonly Line[] {
  if (blockers.length === 0) return [];
  const groups = new Map<string, { readonly steps: string[]; readonly blocker: Blocker }>();
  for (const blocker of blockers) {
    const { code, what, fix } = blocker.trouble;
    const key = JSON.stringify([code, what, fix]);
    const group = groups.get(key) ?? { steps: [], blocker };
    if (blocker.step !== null) group.steps.push(blocker.step);
    groups.set(key, group);
  }
  const lines = [...groups.values()].flatMap(({ steps, blocker }): readonly Line[] => [
    [
      bad('blocked'),
      ...(steps.length === 0 ? [] : [` ${steps.join(', ')}:`]),
      ` ${blocker.trouble.what} `,
      dim(`[${blocker.trouble.code}]`),
    ],
    ...printableLines(blocker.trouble.detail ?? '').map((line): Line => [dim(`  ${line}`)]),
    `  ${blocker.trouble.fix}`,
  ]);
  return [[strong('What stands in the way')], ...indent(lines), ''];
}

/** Freezes to come, and where a run would park if it came there now. */
function calendarLines({ intent, facts: { freezes = [], closed = [] } }: Plan): readonly Line[] {
  if (freezes.length === 0 && closed.length === 0) return [];
  const order = intent.steps.map(({ id }) => id);
  const firstOf = ({ steps }: { readonly steps: readonly string[] }) => order.indexOf(steps[0] ?? '');
  return [
    [strong('When steps may be begun')],
    ...indent([
      ...freezes.map(({ from, to, why }): Line => [warn('frozen'), ` from ${from} until ${to}: ${why}`]),
      ...[...closed]
        .sort((a, b) => firstOf(a) - firstOf(b))
        .flatMap(({ steps, until, why }): readonly Line[] => [
          [warn('closed now'), ` ${steps.join(', ')}: the run would park until ${until}`],
          `  ${why}`,
        ]),
    ]),
    '',
  ];
}

/** The one line of totals, also in the JSON. */
export function totals(plan: Plan): string {
  const { steps } = plan.intent;
  const count = (kind: StepClass) => steps.filter((step) => classOf(step) === kind).length;
  const already = steps.filter((step) => plan.facts.steps[step.id]?.already === true).length;
  const blockers = plan.facts.blockers.length;
  const parts = [
    `${count('irreversible')} irreversible`,
    `${count('reversible')} reversible`,
    ...(count('one-way') === 0 ? [] : [`${count('one-way')} without a way back`]),
    ...(count('adding') === 0 ? [] : [`${count('adding')} only adding`]),
    counted(count('check'), 'check'),
    counted(count('question'), 'question'),
    ...(count('wait') === 0 ? [] : [counted(count('wait'), 'wait')]),
  ];
  return [
    `${counted(steps.length, 'step')}: ${parts.join(', ')}`,
    ...(already === 0 ? [] : [`${already} already so`]),
    blockers === 0 ? 'nothing stands in the way' : counted(blockers, 'blocker'),
  ].join('; ');
}

function nextLines(plan: Plan, { saved, given }: PlanViewOptions): readonly Line[] {
  const again = `${plan.intent.host.name}${given}`;
  const file = saved === undefined ? undefined : shellWord(saved);
  if (plan.facts.borrowed)
    return [`Made on saved facts: it can be rehearsed, never run. Next: decom run ${again} --dry-run`];
  if (plan.facts.blockers.length > 0) {
    return [
      ...(saved === undefined ? [] : [`Saved to ${saved} as it is: it can be rehearsed, not run.`]),
      `Next: clear what stands in the way, then: decom plan ${again}${file === undefined ? '' : ` -o ${file}`}`,
    ];
  }
  return [
    file === undefined
      ? `Next: decom run ${again} --dry-run, and then: decom run ${again}`
      : `Saved to ${saved}. Next: decom run --plan ${file} --dry-run, and then: decom run --plan ${file}`,
  ];
}
