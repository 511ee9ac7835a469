import type { Answer, Ask, Question, StepAsked } from '../../core/ports.ts';
import type { Trouble } from '../../core/result.ts';
import { dim, type Line, type Look, strong, warn } from '../view/text.ts';
import { troubleLines } from '../view/trouble.ts';
import { type Conversation, oneOf, openConversation, type Quit, required } from './conversation.ts';
import { fillForm } from './fill-form.ts';
import type { Keyboard } from './keyboard.ts';

export interface AskPersonSettings {
  readonly keyboard: Keyboard;
  readonly show: (text: string) => void;
  readonly look: Look;
  readonly host: string;
  /** The log as far as it goes, for the key `l`. */
  readonly log: () => readonly Line[];
  /** The file of the log. */
  readonly record: string;
}

/** Asks the person at the terminal. No question has a default: Enter alone asks again. */
export const askPerson =
  (settings: AskPersonSettings): Ask =>
  (question, signal) => {
    const conversation = openConversation(settings.keyboard, settings.show, settings.look, signal);
    switch (question.ask) {
      case 'begin':
        return begin(conversation, question, settings);
      case 'failed':
        return failed(conversation, question, settings);
      case 'doubt':
        return doubt(conversation, question);
      case 'form':
        return fillForm(conversation, question);
    }
  };

/** Where a question is. A rollback's says so first: the title of a step tells the opposite of what taking it back does. */
const position = (step: StepAsked, back = 'take back'): string =>
  `[${step.position}/${step.of}] ${step.direction === 'back' ? `${back} ` : ''}${step.id}`;

/** As many lines of what taking a step back does stand above its question; all of them are behind `d`. */
const shownLines = 5;

async function begin(
  conversation: Conversation,
  question: Extract<Question, { ask: 'begin' }>,
  settings: AskPersonSettings,
): Promise<Answer> {
  const { step, serial } = question;
  const grave = serial !== null;
  const details = question.details.map((detail): Line => [dim('  | '), detail]);
  if (step.direction === 'back') {
    const more = details.length - shownLines;
    conversation.say([
      [strong(position(step, 'taking back')), ' would be:'],
      ...details.slice(0, shownLines),
      ...(more > 0 ? [`  … and ${more} more; d shows all`] : []),
    ]);
  }
  const line: Line = [
    strong(position(step)),
    ` — ${step.title}`,
    ...(grave ? [' ', warn('(irreversible)')] : []),
    ' [c,s,d,l,q,?]',
  ];
  for (;;) {
    const typed = await conversation.line(line, grave);
    if (typeof typed !== 'string') return typed;
    switch (typed) {
      case 'c': {
        if (serial === null) return { answer: 'continue', how: 'asked' };
        const answer = await typeSerial(conversation, serial, settings.host);
        if (answer !== 'back') return answer;
        break;
      }
      case 's': {
        const reason = await conversation.line('  Why is it skipped? (goes on record; Enter alone goes back)');
        if (typeof reason !== 'string') return reason;
        if (reason !== '') return { answer: 'skip', reason };
        conversation.say(['  Nothing is skipped without a reason.']);
        break;
      }
      case 'd':
        conversation.say(details);
        break;
      case 'l':
        conversation.say(settings.log());
        break;
      case 'q':
        return { answer: 'quit', why: 'quit' };
      case '?':
        conversation.say(help(step, grave));
        break;
      default:
        conversation.say(['  Type one of c, s, d, l, q, and Enter; ? explains them.']);
    }
  }
}

async function typeSerial(conversation: Conversation, serial: string, host: string): Promise<Answer | 'back'> {
  for (;;) {
    const typed = await conversation.line(
      [warn('  This cannot be taken back.'), ` Type the serial number of ${host} in full (b goes back, q quits):`],
      true,
    );
    if (typeof typed !== 'string') return typed;
    if (typed === 'b') return 'back';
    if (typed === 'q') return { answer: 'quit', why: 'quit' };
    if (typed === serial) return { answer: 'typed', text: typed, how: 'typed' };
    conversation.say([
      typed === ''
        ? '  Nothing was typed, and nothing was done.'
        : `  That is not the serial number of ${host}; nothing was done. It stands at the top of the plan.`,
    ]);
  }
}

const help = (step: StepAsked, grave: boolean): readonly Line[] => [
  ...(step.direction === 'back'
    ? ['  c  continue: take this step back', '  s  leave it as it is, with a reason that goes on record']
    : [
        `  c  continue: do this step${grave ? '; it wants the serial number typed first' : ''}`,
        '  s  skip it, with a reason that goes on record',
      ]),
  '  d  details: exactly what would be done, and where',
  '  l  log: what has happened in this run',
  '  q  quit: everything is kept, and the run can be resumed',
  '  ?  this help',
];

async function failed(
  conversation: Conversation,
  question: Extract<Question, { ask: 'failed' }>,
  { record }: AskPersonSettings,
): Promise<Answer> {
  const tail = question.tail.slice(-20);
  conversation.say([
    [strong(position(question.step)), ' has failed.'],
    ...troubleLines(tail.length === 0 ? question.trouble : withoutDetail(question.trouble)),
    ...(tail.length === 0 ? [] : [dimLine('  Last lines of its output:')]),
    ...tail.map((line): Line => [dim('  | '), line]),
    [dim(`  Its log: ${record}`)],
  ]);
  const words = question.mayRetry ? (['retry', 'skip', 'abort'] as const) : (['skip', 'abort'] as const);
  const word = await oneOf(conversation, `  ${words.join(', ')}:`, words);
  if (typeof word !== 'string') return word;
  switch (word) {
    case 'retry':
      return { answer: 'retry' };
    case 'skip': {
      const reason = await required(conversation, '  Why is it skipped?', 'A reason');
      return typeof reason === 'string' ? { answer: 'skip', reason } : reason;
    }
    case 'abort':
      return { answer: 'quit', why: 'quit' };
  }
}

async function doubt(
  conversation: Conversation,
  question: Extract<Question, { ask: 'doubt' }>,
): Promise<Answer | Quit> {
  conversation.say([
    [strong(position(question.step, 'taking back')), ' is in doubt: it was begun, and nobody saw how it ended.'],
    `  ${question.what}`,
    ...troubleLines(question.trouble),
    '  Look on the machine itself whether it was done.',
  ]);
  const word = await oneOf(conversation, '  done, not-done, quit:', ['done', 'not-done']);
  if (typeof word !== 'string') return word;
  const reason = await required(conversation, '  How do you know?', 'A reason');
  return typeof reason === 'string' ? { answer: 'resolved', outcome: word, reason } : reason;
}

const withoutDetail = ({ code, what, fix }: Trouble): Trouble => ({ code, what, fix });

const dimLine = (text: string): Line => [dim(text)];
