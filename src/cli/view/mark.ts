import type { PlannedStep } from '../../core/plan.ts';
import { ask, bad, dim, type Span, warn } from './text.ts';

/** What kind of step it is, in the totals' terms. Every step is exactly one. */
export type StepClass = 'irreversible' | 'reversible' | 'one-way' | 'adding' | 'check' | 'question' | 'wait';

export function classOf(step: PlannedStep): StepClass {
  const kinds = new Set((step.operations ?? []).map((operation) => operation.kind));
  if (kinds.has('ask') || step.uses === 'confirm' || step.uses === 'checklist') return 'question';
  if (kinds.has('wait') || step.uses === 'wait') return 'wait';
  if (step.irreversible) return 'irreversible';
  switch (step.effect) {
    case 'none':
      return 'check';
    case 'adds':
      return 'adding';
    case 'changes':
    case 'destroys':
      return step.reversible ? 'reversible' : 'one-way';
  }
}

/** Symbol and word of a step; the word alone says everything. */
export function markOf(step: PlannedStep): Span {
  switch (classOf(step)) {
    case 'irreversible':
      return bad(step.effect === 'destroys' ? '✗ destroy' : '✗ end');
    case 'reversible':
      return warn('~ change');
    case 'one-way':
      return warn('! change');
    case 'adding':
      return '+ add';
    case 'check':
      return dim('✓ check');
    case 'question':
      return ask('? ask');
    case 'wait':
      return dim('… wait');
  }
}

/** Whether and how the step can be taken back. */
export function reversibility(step: PlannedStep): string {
  switch (classOf(step)) {
    case 'irreversible':
      return step.reversible
        ? 'irreversible for what runs on it, so the serial is typed; rollback reverses the act itself'
        : 'irreversible: the serial is typed';
    case 'reversible':
      return 'can be taken back by rollback';
    case 'one-way':
      return 'decom cannot take it back';
    case 'adding':
      return 'only adds; rollback leaves it';
    case 'check':
      return 'changes nothing';
    case 'question':
      return 'a person answers';
    case 'wait':
      return 'the run parks';
  }
}
