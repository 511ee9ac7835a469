import type { PracticeMachine } from '../../src/practice/practice-machine.ts';

/** The run that is killed: its runbook, the answers to its questions, and what it leaves on the host. */
export interface Job {
  /** YAML of the twenty steps, without indentation. */
  readonly steps: string;
  readonly answers: string;
  /** Ids of its steps, in order. */
  readonly ids: readonly string[];
  /** Files on the host to which a `once` step appends one line; more than one line is an act that was done twice. */
  readonly counters: readonly string[];
}

const step = (id: string, uses: string, input?: string): string =>
  `- id: ${id}\n  title: ${id}\n  uses: ${uses}${input === undefined ? '' : `\n  with: ${input}`}`;

/**
 * Every kind of step that needs no more than the practice machine, with a command that may happen only once between each two: it appends
 * a line where nothing takes lines back. `counters` is a folder on the host, `vault` one here.
 */
export function twentySteps(
  { folders: [srv = '', etc = ''] }: Pick<PracticeMachine, 'folders'>,
  counters: string,
  vault: string,
): Job {
  const files: string[] = [];
  const once = (id: string): string => {
    const file = `${counters}/${id}`;
    files.push(file);
    return step(id, 'command.run', `{ shell: "echo done >> ${file}", probe: { argv: [grep, -q, done, ${file}] } }`);
  };
  const copy = (id: string, from: string): string => step(id, 'backup.archive', `{ from: [${from}], to: ${vault} }`);
  const proof = (id: string, of: string): string =>
    step(id, 'restore.verify', `{ backup: "\${{ steps.${of}.backup }}" }`);
  const asked = (id: string, question: string): string => step(id, 'confirm', `{ question: ${question} }`);
  const steps = [
    step('identity', 'identity.check'),
    step('power', 'power.status'),
    asked('told', 'Has everybody been told?'),
    once('first'),
    step('light', 'bmc.locate', '{ light: on }'),
    step('unused', 'use.check', '{ watch: 1s }'),
    once('second'),
    step('app', 'service.stop', '{ unit: app.service }'),
    asked('keys', 'Are its keys taken back?'),
    once('third'),
    // A command might start something that writes, so none comes after the last stop.
    step('web', 'service.stop', '{ unit: web.service }'),
    copy('etc-copy', etc),
    proof('etc-proof', 'etc-copy'),
    copy('srv-copy', `${srv}/app/links, ${srv}/app/data`),
    proof('srv-proof', 'srv-copy'),
    step('leaving', 'inventory.retire', '{ status: decommissioning }'),
    step('labels', 'checklist', '{ items: [{ id: front, text: In front }, { id: back, text: Behind }] }'),
    asked('ready', 'May it be switched off?'),
    step('off', 'power.off', '{ grace: 30s }'),
    step('retired', 'inventory.retire'),
  ];
  return {
    steps: steps.join('\n'),
    answers: `answers:
  told: { confirm: true, note: by mail }
  keys: { confirm: true }
  ready: { confirm: true }
  labels:
    items:
      front: { done: true, note: seen }
      back: { done: true, note: seen }
`,
    ids: steps.map((text) => /^- id: (\S+)/.exec(text)?.[1] ?? ''),
    counters: files,
  };
}
