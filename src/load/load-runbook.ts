import type { AnyAction } from '../core/action.ts';
import type { Diagnostic } from '../core/diagnostic.ts';
import { type Json, sha256 } from '../core/json.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { Param, ParamType, Phase, Place, Runbook } from '../core/runbook.ts';
import type { Window } from '../core/window.ts';
import { checkNode } from './check.ts';
import { checkOrder } from './check-order.ts';
import { checkStep, type DraftStep, draftStep } from './check-step.ts';
import { relatedFile } from './file-path.ts';
import { entryOf, placeAt, type SourceNode } from './node.ts';
import { paramTypes, paramValue } from './param.ts';
import { PhaseShape, RunbookShape, UseShape } from './runbook-shape.ts';
import { parseSource } from './source.ts';
import { readWindow, type WindowContext } from './window.ts';

export type ReadFile = (file: string) => Result<Uint8Array>;

export interface LoadOptions extends WindowContext {
  /** Reads plainly written files without the YAML parser: for `validate` alone, never for what is acted upon. */
  readonly quick?: boolean;
  /** Says what is wrong with a `when:` expression, or undefined. */
  readonly checkWhen?: (expression: string) => string | undefined;
  /** Also refuses what may begin before it is proved. What plans need not ask: there, knowing more, each is a blocker. */
  readonly order?: boolean;
}

interface DraftPhase {
  readonly phase: string;
  readonly title: string;
  readonly steps: readonly DraftStep[];
  readonly window: Window | undefined;
}

/**
 * Reads a runbook with all its phase files, and checks it whole: shape, then each step against its own action, then references,
 * needs and ids. Every problem comes back at once, in the order of the files.
 */
export function loadRunbook(
  entry: string,
  read: ReadFile,
  actions: readonly AnyAction[],
  options: LoadOptions = {},
): Result<Runbook, readonly Diagnostic[]> {
  const faults: Diagnostic[] = [];
  const sources: Runbook['sources'][number][] = [];
  const kinds = new Map(actions.map((action) => [action.kind, action]));

  const open = (file: string, from?: Place): SourceNode | undefined => {
    const bytes = read(file);
    if (!bytes.ok) {
      const { code, what, fix } = bytes.error;
      faults.push({ code, ...(from ?? { file, line: 1, column: 1 }), what: `${what}.`, fix });
      return undefined;
    }
    sources.push(sourceOf(file, bytes.value));
    const parsed = parseSource(bytes.value, file, options.quick);
    if (!parsed.ok) faults.push(...parsed.error);
    return parsed.ok ? parsed.value : undefined;
  };

  const readPhase = (node: SourceNode): DraftPhase | undefined => {
    const label = textOf(entryOf(node, 'phase')?.value);
    const { value, faults: found } = checkNode(node, PhaseShape, label === undefined ? '' : `phase "${label}": `);
    faults.push(...found);
    const steps = entryOf(node, 'steps')?.value;
    const drafts = steps?.kind !== 'list' ? [] : steps.items.map((step) => draftStep(step, kinds, options));
    for (const draft of drafts) faults.push(...draft.faults);
    const { phase = '', title = phase } = value as { phase?: string; title?: string };
    const about = `phase "${phase}": `;
    return { phase, title, steps: drafts, window: readWindow(node, about, options, faults) };
  };

  const root = open(entry);
  if (root === undefined) return fail(faults);
  if (entryOf(root, 'phases') === undefined && entryOf(root, 'phase') !== undefined) {
    const what = 'this is a phase, not a runbook.';
    return fail([{ code: 'phase-file', ...root.place, what, fix: 'Name the runbook that uses it.' }]);
  }
  const shape = checkNode(root, RunbookShape);
  faults.push(...shape.faults);
  const params = readParams(root, shape.value as RunbookShape, faults);
  const window = readWindow(root, '', options, faults);

  const used = new Map<string, Place>([[entry, root.place]]);
  const phases: DraftPhase[] = [];
  const list = entryOf(root, 'phases')?.value;
  for (const item of list?.kind === 'list' ? list.items : []) {
    const use = entryOf(item, 'use');
    if (use === undefined) {
      const phase = readPhase(item);
      if (phase !== undefined) phases.push(phase);
      continue;
    }
    const { faults: found } = checkNode(item, UseShape);
    faults.push(...found);
    if (use.value.kind !== 'text' || found.length > 0) continue;
    const at = use.value.place;
    const file = relatedFile(use.value.text, entry, entry);
    const complain = (what: string, fix: string) => faults.push({ code: 'use', ...at, what, fix });
    if (!file.ok) {
      complain(file.error.what, file.error.fix);
      continue;
    }
    const earlier = used.get(file.value);
    if (file.value === entry) {
      complain('the runbook uses itself.', 'Name a phase file.');
    } else if (earlier !== undefined) {
      complain(`"${use.value.text}" is used twice; the first is at ${placeText(earlier)}.`, 'Remove one of them.');
    } else {
      used.set(file.value, at);
      const node = open(file.value, at);
      const phase = node === undefined ? undefined : readPhase(node);
      if (phase !== undefined) phases.push(phase);
    }
  }

  faults.push(...namedTwice(root));
  const steps = phases.flatMap((phase) => phase.steps);
  faults.push(...duplicates(steps));
  const types = Object.fromEntries(Object.entries(params).map(([name, p]) => [name, p.type]));
  for (const [position, step] of steps.entries()) {
    faults.push(...checkStep(step, { steps, position, params: types, kinds, ...options }));
  }
  if (faults.length > 0) return fail(sorted(faults, [...used.keys()]));
  const { name, title = name, not_kept } = shape.value as RunbookShape;
  const phasesOf = phases.map((phase) => finishPhase(phase, window));
  const runbook = { name, title, params, phases: phasesOf, ...(not_kept === undefined ? {} : { not_kept }), sources };
  const early = options.order === true ? checkOrder(runbook, kinds) : [];
  return early.length === 0 ? ok(runbook) : fail(sorted(early, [...used.keys()]));
}

/** Hashed when somebody asks: what is only checked needs no hash. */
function sourceOf(file: string, bytes: Uint8Array): { readonly file: string; readonly sha256: string } {
  return {
    file,
    get sha256() {
      return sha256(bytes);
    },
  };
}

/** `outer` is the runbook's window. The innermost one holds. */
function finishPhase({ phase, title, steps, window }: DraftPhase, outer: Window | undefined): Phase {
  return { phase, title, steps: steps.map((step) => step.finish(phase, window ?? outer)) };
}

function readParams(root: SourceNode, shape: RunbookShape, faults: Diagnostic[]): { readonly [name: string]: Param } {
  const node = entryOf(root, 'params')?.value;
  const params: [string, Param][] = [];
  if (node?.kind !== 'map' || typeof shape.params !== 'object') return {};
  for (const entry of node.entries) {
    const declared = shape.params[entry.key];
    if (typeof declared !== 'object' || !paramTypes.includes(declared.type)) continue;
    const { type, description, required = false } = declared;
    const given = entryOf(entry.value, 'default');
    const about = `parameter "${entry.key}": `;
    const value = given === undefined ? undefined : defaultOf(type, given.value);
    if (value !== undefined && !value.ok) {
      const what = `${about}its default ${value.error.what}`;
      faults.push({ code: 'wrong-default', ...placeAt(entry.value, ['default']), what, fix: value.error.fix });
    }
    if (given !== undefined && required) {
      const what = `${about}it is required, so its default is never used.`;
      faults.push({ code: 'wrong-default', ...given.place, what, fix: 'Remove "required" or "default".' });
    }
    params.push([
      entry.key,
      {
        type,
        ...(description === undefined ? {} : { description }),
        required,
        ...(value?.ok ? { default: value.value } : {}),
        place: entry.place,
      },
    ]);
  }
  return Object.fromEntries(params);
}

function defaultOf(type: ParamType, node: SourceNode): Result<Json, { readonly what: string; readonly fix: string }> {
  if (type === 'list') {
    if (node.kind === 'list' && node.items.every((item) => item.kind === 'text')) {
      return paramValue(
        'list',
        node.items.map((item) => textOf(item) ?? ''),
      );
    }
    return fail({ what: 'must be a list of texts.', fix: 'Write it as a list: [a, b].' });
  }
  if (node.kind === 'text') return paramValue(type, node.text);
  return fail({ what: `must be a single ${type}.`, fix: 'Write one value.' });
}

const textOf = (node: SourceNode | undefined): string | undefined => (node?.kind === 'text' ? node.text : undefined);

export const placeText = (place: Place): string => `${place.file}:${place.line}:${place.column}`;

function duplicates(steps: readonly DraftStep[]): Diagnostic[] {
  const first = new Map<string, Place>();
  const faults: Diagnostic[] = [];
  for (const { id, idPlace } of steps) {
    if (id === undefined) continue;
    const earlier = first.get(id);
    if (earlier === undefined) first.set(id, idPlace);
    else {
      const what = `step "${id}": the id is taken by the step at ${placeText(earlier)}.`;
      faults.push({ code: 'duplicate-id', ...idPlace, what, fix: 'Give one of them another id.' });
    }
  }
  return faults;
}

/** Two reasons for one file system: nobody could say which holds. */
function namedTwice(root: SourceNode): Diagnostic[] {
  const list = entryOf(root, 'not_kept')?.value;
  const paths = list?.kind !== 'list' ? [] : list.items.map((item) => entryOf(item, 'path')?.value);
  return paths.flatMap((node, i) => {
    const path = textOf(node);
    if (node === undefined || path === undefined || !paths.slice(0, i).some((other) => textOf(other) === path))
      return [];
    const what = `not_kept: "${path}" is named twice.`;
    return [{ code: 'duplicate-path', ...node.place, what, fix: 'Keep one of them.' }];
  });
}

/** File by file in the order of use, top to bottom. */
function sorted(faults: readonly Diagnostic[], files: readonly string[]): readonly Diagnostic[] {
  const rank = (file: string): number => files.indexOf(file);
  return [...faults].sort((a, b) => rank(a.file) - rank(b.file) || a.line - b.line || a.column - b.column);
}
