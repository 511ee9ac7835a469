import type { Answer, Ask, Question, StepAsked } from '../../core/ports.ts';
import type { Trouble } from '../../core/result.ts';
import { dim, type Line, type Look, strong, warn } from '../view/text.ts';
import { troubleLines } from '../view/trouble.ts';
import { askReason, askText } from './ask-text.ts';
import { type Choice, choose } from './choose.ts';
import { type Conversation, openConversation, type Quit, quits, quitsBack } from './conversation.ts';
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

const quitsOf = (step: StepAsked): string => (step.direction === 'back' ? quitsBack : quits);

/** As many lines of what taking a step back does stand above its question; all of them are behind `d`. */
const shownLines = 5;

async function begin(
  conversation: Conversation,
  question: Extract<Question, { ask: 'begin' }>,
  settings: AskPersonSettings,
): Promise<Answer> {
  const { step, serial } = question;
  const grave = serial !== null;
  const quitting = quitsOf(step);
  const details = question.details.map((detail): Line => [dim('  | '), detail]);
  if (step.direction === 'back') {
    const more = details.length - shownLines;
    conversation.say([
      [strong(position(step, 'taking back')), ' would be:'],
      ...details.slice(0, shownLines),
      ...(more > 0 ? [`  … and ${more} more; d shows all`] : []),
    ]);
  }
  const line: Line = [strong(position(step)), ` — ${step.title}`, ...(grave ? [' ', warn('(irreversible)')] : [])];
  for (;;) {
    const chosen = await choose(conversation, line, choicesBefore(step, grave), { grave, quit: quitting });
    if ('answer' in chosen) return chosen;
    switch (chosen.word) {
      case 'continue': {
        if (serial === null) return { answer: 'continue', how: 'asked' };
        const answer = await typeSerial(conversation, serial, settings.host);
        if (answer !== undefined) return answer;
        break;
      }
      case 'skip': {
        const reason = await askReason(conversation, 'Why is it skipped?', quitting);
        if (typeof reason === 'string') return { answer: 'skip', reason };
        if (reason !== undefined) return reason;
        break;
      }
      case 'details':
        conversation.say(details);
        break;
      case 'log':
        conversation.say(settings.log());
        break;
    }
  }
}

/** Undefined: back to the question before. */
async function typeSerial(
  conversation: Conversation,
  serial: string,
  host: string,
): Promise<Answer | Quit | undefined> {
  const typed = await askText(
    conversation,
    [warn('  This cannot be taken back.'), ` Type the serial number of ${host} in full`],
    {
      grave: true,
      unfit: (text) =>
        text === serial
          ? undefined
          : `That is not the serial number of ${host}; nothing was done. It stands at the top of the plan.`,
    },
  );
  return typeof typed === 'string' ? { answer: 'typed', text: typed, how: 'typed' } : typed;
}

const choicesBefore = (step: StepAsked, grave: boolean): readonly Choice<'continue' | 'skip' | 'details' | 'log'>[] => [
  ...(step.direction === 'back'
    ? ([
        ['continue', 'take this step back'],
        ['skip', 'leave it as it is, with a reason that goes on record'],
      ] as const)
    : ([
        ['continue', `do this step${grave ? '; it wants the serial number typed first' : ''}`],
        ['skip', 'leave it out, with a reason that goes on record'],
      ] as const)),
  ['details', 'exactly what would be done, and where'],
  ['log', 'what has happened in this run'],
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
  const choices: readonly Choice<'retry' | 'skip'>[] = [
    ...(question.mayRetry ? ([['retry', 'try the step once more']] as const) : []),
    ['skip', 'go on without it, with a reason that goes on record'],
  ];
  for (;;) {
    const chosen = await choose(conversation, '  What now?', choices, { grave: true, inFull: true });
    if ('answer' in chosen) return chosen;
    if (chosen.word === 'retry') return { answer: 'retry' };
    const reason = await askReason(conversation, 'Why is it skipped?');
    if (typeof reason === 'string') return { answer: 'skip', reason };
    if (reason !== undefined) return reason;
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
  const quitting = quitsOf(question.step);
  for (;;) {
    const chosen = await choose(conversation, '  Was it done?', inDoubt, { grave: true, inFull: true, quit: quitting });
    if ('answer' in chosen) return chosen;
    const reason = await askReason(conversation, 'How do you know?', quitting);
    if (typeof reason === 'string') return { answer: 'resolved', outcome: chosen.word, reason };
    if (reason !== undefined) return reason;
  }
}

const inDoubt: readonly Choice<'done' | 'not-done'>[] = [
  ['done', 'it was done, and is not done again'],
  ['not-done', 'it was not done'],
];

const withoutDetail = ({ code, what, fix }: Trouble): Trouble => ({ code, what, fix });

const dimLine = (text: string): Line => [dim(text)];
