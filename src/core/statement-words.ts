import { readableName } from './mtree.ts';
import type { Statement } from './statement.ts';

/** A gate as people read it: that of a file system has its path encoded. */
export const gateWords = readableName;

/** A statement in one line, for people. */
export function statementWords(statement: Statement): string {
  const { by, text } = statement;
  const more = text === '' ? '' : `: ${text}`;
  switch (statement.kind) {
    case 'approve':
      return `approved by ${by}${statement.role ? ` as ${statement.role}` : ''}${statement.expires === undefined ? '' : `, until ${statement.expires}`}${more}`;
    case 'comment':
      return `${by} says${more}`;
    case 'sign':
      return `signed by ${by}${statement.role === null ? '' : ` as ${statement.role}`}, lines 1 to ${statement.size}${more}`;
    case 'tick':
      return `${statement.done ? 'ticked' : 'unticked'} by ${by}, ${statement.step}: ${statement.item}${text === '' ? '' : ` (${text})`}`;
    case 'waive':
      return `${by} answers for passing ${gateWords(statement.gate)} at ${statement.step}${more}`;
  }
}
