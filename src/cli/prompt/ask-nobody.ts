import type { Ask } from '../../core/ports.ts';
import { answerTo, leftToOthers } from '../../load/answers.ts';
import type { Beforehand } from './questions-of.ts';

/**
 * Answers from what was given beforehand, and asks nobody. Ordinary steps begin because the plan itself was handed over; irreversible
 * ones want `--confirm`; a failure or a doubt is never decided without a person.
 */
export const askNobody =
  ({ answers, confirm, leaves = false }: Beforehand): Ask =>
  async (question) => {
    const { id } = question.step;
    switch (question.ask) {
      case 'begin':
        if (question.serial === null) return { answer: 'continue', how: 'beforehand' };
        if (confirm !== undefined) return { answer: 'typed', text: confirm, how: 'beforehand' };
        return missing(
          `step "${id}" is irreversible and wants the serial of the host`,
          'Give it with: --confirm=SERIAL',
        );
      case 'form': {
        const items = answerTo(answers, id, question.form, question.items);
        if (items !== undefined) return { answer: 'filled', items };
        if (leaves || leftToOthers(answers, id)) return { answer: 'left' };
        const key = `answers.${id}.${question.form === 'confirm' ? 'confirm' : 'items'}`;
        return missing(
          `step "${id}" asks: ${question.title}`,
          `Answer it in a file given with --answers, by the key ${key}`,
        );
      }
      case 'failed':
        return missing(`step "${id}" has failed, and there is nobody to ask`, 'Go on at a terminal: decom resume');
      case 'doubt':
        return missing(`step "${id}" is in doubt, and only a person can say`, 'Go on at a terminal: decom resume');
    }
  };

const missing = (what: string, fix: string) => ({ answer: 'missing', what, fix }) as const;
