import { shellWord } from '../core/shell-word.ts';
import type { PlanningOptions } from './new-plan.ts';

/** The options that a plan was made with, as they were typed: ` -r web -p vault=/srv`. For the command that comes next. */
export function planningWords({ runbook, param = [], params, facts }: PlanningOptions): string {
  const words = [
    ...(runbook === undefined ? [] : ['-r', runbook]),
    ...param.flatMap((given) => ['-p', given]),
    ...(params === undefined ? [] : ['--params', params]),
    ...(facts === undefined ? [] : ['--facts', facts]),
  ];
  return words.map((word) => ` ${shellWord(word)}`).join('');
}
