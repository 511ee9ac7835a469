import type { Answer, Question } from '../../core/ports.ts';
import { strong } from '../view/text.ts';
import { askReason } from './ask-text.ts';
import { type Choice, choose } from './choose.ts';
import type { Conversation, Quit } from './conversation.ts';

type Form = Extract<Question, { ask: 'form' }>;
type Filled = Extract<Answer, { answer: 'filled' }>['items'][number];

/** Asks a confirmation or a checklist item by item. */
export async function fillForm(conversation: Conversation, question: Form): Promise<Answer> {
  const { step, form, items } = question;
  const same = form === 'confirm' && items.length === 1 && items[0]?.text === question.title;
  conversation.say([[strong(`[${step.position}/${step.of}] ${step.id}`), ` — ${same ? step.title : question.title}`]]);
  if (form === 'checklist')
    conversation.say(['  For each: y (done) or n (not done), and a note behind it if you like.']);
  const filled: Filled[] = [];
  for (const [i, item] of items.entries()) {
    const answer =
      form === 'confirm'
        ? await confirmed(conversation, item.id, item.text)
        : await ticked(conversation, item.id, `(${i + 1}/${items.length}) ${item.text}`);
    if ('answer' in answer) return answer;
    filled.push(answer);
  }
  return { answer: 'filled', items: filled };
}

const confirming: readonly Choice<'yes' | 'no'>[] = [
  ['yes', 'it is so, and the run goes on; this goes on record'],
  ['no', 'it is not; the reason goes on record'],
];

async function confirmed(conversation: Conversation, id: string, text: string): Promise<Filled | Quit> {
  for (;;) {
    const chosen = await choose(conversation, `  ${text}`, confirming, { grave: true, noted: true });
    if ('answer' in chosen) return chosen;
    const { word, note } = chosen;
    if (word === 'yes' || note !== '') return { id, done: word === 'yes', note };
    const why = await askReason(conversation, 'Why not?');
    if (typeof why === 'string') return { id, done: false, note: why };
    if (why !== undefined) return why;
  }
}

const ticking: readonly Choice<'yes' | 'no'>[] = [
  ['yes', 'it is done'],
  ['no', 'it is not done'],
];

async function ticked(conversation: Conversation, id: string, question: string): Promise<Filled | Quit> {
  const chosen = await choose(conversation, `  ${question}`, ticking, { noted: true });
  return 'answer' in chosen ? chosen : { id, done: chosen.word === 'yes', note: chosen.note };
}
