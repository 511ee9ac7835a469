import type { Answer, Question } from '../../core/ports.ts';
import { strong } from '../view/text.ts';
import { type Conversation, oneOf, type Quit, required } from './conversation.ts';

type Form = Extract<Question, { ask: 'form' }>;
type Filled = Extract<Answer, { answer: 'filled' }>['items'][number];

/** Asks a confirmation or a checklist item by item. */
export async function fillForm(conversation: Conversation, question: Form): Promise<Answer> {
  const { step, form, items } = question;
  const same = form === 'confirm' && items.length === 1 && items[0]?.text === question.title;
  conversation.say([[strong(`[${step.position}/${step.of}] ${step.id}`), ` — ${same ? step.title : question.title}`]]);
  if (form === 'checklist')
    conversation.say(['  For each: y (done) or n (not done), and a note behind it if you like; q quits.']);
  const filled: Filled[] = [];
  for (const [i, item] of items.entries()) {
    const answer =
      form === 'confirm'
        ? await confirmed(conversation, item.id, item.text)
        : await ticked(conversation, item.id, `  (${i + 1}/${items.length}) ${item.text} [y,n,q,?]`);
    if ('answer' in answer) return answer;
    filled.push(answer);
  }
  return { answer: 'filled', items: filled };
}

async function confirmed(conversation: Conversation, id: string, text: string): Promise<Filled | Quit> {
  const word = await oneOf(conversation, `  ${text} (yes, no, quit):`, ['yes', 'no']);
  if (typeof word !== 'string') return word;
  if (word === 'yes') return { id, done: true, note: '' };
  const note = await required(conversation, '  Why not?', 'A reason');
  return typeof note === 'string' ? { id, done: false, note } : note;
}

async function ticked(conversation: Conversation, id: string, question: string): Promise<Filled | Quit> {
  for (;;) {
    const typed = await conversation.line(question);
    if (typeof typed !== 'string') return typed;
    const [, word = '', note = ''] = /^(\S*)\s*(.*)$/s.exec(typed) ?? [];
    switch (word.toLowerCase()) {
      case 'y':
      case 'yes':
        return { id, done: true, note };
      case 'n':
      case 'no':
        return { id, done: false, note };
      case 'q':
      case 'quit':
        return { answer: 'quit', why: 'quit' };
      default:
        conversation.say(['  Type y or n, then a note if you like ("y moved to rack 3"), and Enter; q quits.']);
    }
  }
}
