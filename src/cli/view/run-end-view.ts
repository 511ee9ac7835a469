import type { Head } from '../../core/chain.ts';
import { type Execution, type Pass, type StepStatus, startedOnly, stepState } from '../../core/execution.ts';
import type { Plan } from '../../core/plan.ts';
import type { RunEnd } from '../../engine/drive.ts';
import { previewWords } from './preview-words.ts';
import { bad, counted, dim, good, indent, type Line, pairs, strong, warn } from './text.ts';
import { troubleLines } from './trouble.ts';

export interface RunEndViewOptions {
  readonly plan: Plan;
  readonly execution: Execution;
  readonly head: Head;
  /** The run's folder. */
  readonly folder: string;
  /** What `decom run` was given, for its next call: `--plan plan.json`; the host where it is left out. */
  readonly again?: string;
}

/** What a session came to, where its record lies, and what to type next. */
export function runEndView(end: RunEnd, options: RunEndViewOptions): readonly Line[] {
  const { execution, folder, head } = options;
  return [
    '',
    ...endLines(end, options),
    ...pairs([
      ['steps', tally(options.plan, execution)],
      ['record', folder],
      ['log', `${counted(head.size, 'line')}, head ${head.hash}`],
    ]),
    ...nextLines(end, options),
  ];
}

function endLines(end: RunEnd, { execution }: RunEndViewOptions): readonly Line[] {
  const { host } = execution;
  switch (end.end) {
    case 'done':
      return [[good('✓ done'), `: every step of the run on ${host} is done or was skipped on record`]];
    case 'ended':
      return [
        [
          good('✓ closed'),
          `: the run on ${host} had ended (${end.outcome}), and the process was killed before it said so`,
        ],
      ];
    case 'rehearsed':
      return end.blocked.length === 0
        ? [[good('✓ rehearsed'), `: every gate holds, and nothing on ${host} was changed`]]
        : [
            [bad(`✗ rehearsed: ${counted(end.blocked.length, 'step')} blocked`), `; nothing on ${host} was changed`],
            ...end.blocked.flatMap(({ step, trouble }) => indent([[strong(step)], ...troubleLines(trouble)])),
          ];
    case 'rolled-back':
      return [
        [good('✓ rolled back'), `: what could be taken back on ${host} is as it was`],
        ...(end.kept.length === 0 ? [] : [[warn('not taken back'), `: ${end.kept.join(', ')} (no way back)`]]),
      ];
    case 'parked':
      return [[warn('parked'), ` at ${end.step}${end.until === null ? '' : ` until ${end.until}`}: ${end.why}`]];
    case 'quit':
      return [[warn('stopped'), ` at ${end.step} (${quitWords[end.why]}). Everything is kept.`]];
    case 'signal':
      return [[warn('stopped'), ` at ${end.step} by a signal. Everything is kept.`]];
    case 'missing':
      return [[bad('an answer is missing'), ` at ${end.step}: ${end.what}`], `  ${end.fix}`];
    case 'blocked':
    case 'drift':
    case 'failed':
    case 'doubt':
    case 'claimed':
      return [
        [bad(`✗ ${troubleWords[end.end]}`), ` at ${end.step}. Nothing later has run.`],
        ...troubleLines(end.trouble),
      ];
    case 'journal':
      return [
        [bad('✗ the log could not be written'), '. The run has ended there.'],
        ...(end.afterIntent ? ['An operation was under way; what became of it is not recorded.'] : []),
        ...troubleLines(end.trouble),
      ];
  }
}

const quitWords = {
  quit: 'by you',
  interrupted: 'interrupted',
  'end-of-input': 'by you, by Ctrl-D, or because the terminal went away',
} as const;

const troubleWords = {
  blocked: 'blocked',
  drift: 'drifted from the plan',
  failed: 'failed',
  doubt: 'in doubt',
  claimed: 'claimed by another run',
} as const;

const statusWords: { readonly [S in StepStatus]: string } = {
  pending: 'to come',
  running: 'begun',
  waiting: 'waiting',
  done: 'done',
  already: 'already so',
  skipped: 'skipped',
  failed: 'failed',
  blocked: 'blocked',
  previewed: 'rehearsed',
  'rolled-back': 'taken back',
};

/** Of a step that was come to, and of which nothing was begun. */
const notBegun = 'not begun';

/** In the order in which they are counted up. */
const order: readonly string[] = [
  statusWords.done,
  statusWords.already,
  ...Object.values(previewWords).filter((word) => word !== statusWords.already),
  ...(['previewed', 'rolled-back', 'skipped', 'failed', 'blocked', 'waiting', 'running'] as const).map(
    (status) => statusWords[status],
  ),
  notBegun,
  statusWords.pending,
];

/** The steps by what became of them, or would: `3 done, 1 skipped, 13 to come`. What cannot be rehearsed is a total of its own. */
export function tally(plan: Plan, execution: Execution): string {
  const counts = new Map<string, number>();
  for (const step of plan.intent.steps) {
    const { forth, back } = stepState(execution, step.id);
    const pass = back.status === 'pending' ? forth : back;
    const { status, preview } = pass;
    const word = status === 'previewed' && preview !== null ? previewWords[preview] : statusWord(pass);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return order.flatMap((word) => (counts.has(word) ? [`${counts.get(word)} ${word}`] : [])).join(', ');
}

export const statusWord = (pass: Pass): string => (startedOnly(pass) ? notBegun : statusWords[pass.status]);

function nextLines(end: RunEnd, { plan, execution, again = execution.host }: RunEndViewOptions): readonly Line[] {
  const { run, host } = execution;
  const back = execution.direction === 'back' && execution.status !== 'closed';
  const goOn = `decom ${back ? 'rollback' : 'resume'} ${run}`;
  switch (end.end) {
    case 'done':
    case 'ended':
    case 'rolled-back':
      return [`Next: decom report ${run}, and: decom audit verify ${run}`];
    case 'rehearsed':
      if (end.blocked.length > 0) return [`Next: clear what blocks, then: decom run ${again} --dry-run`];
      return [
        plan.facts.borrowed
          ? `Rehearsed on saved facts, which can never be run. Next, where the host can be asked: decom plan ${host}`
          : `Next: decom run ${again}`,
      ];
    case 'drift':
      return [`Next: decom replan ${run}`];
    case 'claimed':
      return [`Next, when the host is free: ${goOn}`];
    case 'missing':
      return [`Next: give the answer, then: ${goOn}`];
    case 'parked':
      return [`Next, ${end.until === null ? 'once they have' : 'when its time has come'}: ${goOn}`];
    case 'quit':
    case 'signal':
      return [`Next: ${goOn}`];
    case 'blocked':
    case 'failed':
    case 'doubt':
      return [`Next: decom why ${run}, then: ${goOn}`];
    case 'journal':
      return [[dim('Once there is room and the disk is sound: '), goOn]];
  }
}
