import { type Trouble, trouble } from '../../core/result.ts';

/** A program as its troubles tell of it. */
export interface Told {
  /** The host whose power it holds. */
  readonly name: string;
  /** The program as it stands in `argv`. */
  readonly program: string;
  /** What a shell takes to ask it for the power once more. */
  readonly byHand: string;
}

const called = ({ name, program }: Told): string => `the program ${program}, which holds the power of ${name},`;

/** It says that nothing was reached: unreachable is not "off". */
export const programReachesNothing = (told: Told, detail?: string): Trouble =>
  trouble(
    'bmc-no-answer',
    `${called(told)} says that it cannot reach what it switches`,
    `See why, in the folder of the hosts file: ${told.byHand}\nNothing was done, and it says nothing about the power.`,
    detail,
  );

/** What it switches did not let it in. */
export const programRefused = (told: Told, detail?: string): Trouble =>
  trouble(
    'bmc-refused',
    `${called(told)} says that it was not let in`,
    'Correct what it logs in with: the secrets in "environment" of the host’s "bmc" in the hosts file, or its own settings. Do not try often: many devices lock a user out.',
    detail,
  );

/** It did nothing: what it switches said no. */
export const programDeclined = (told: Told, what: string, detail?: string): Trouble =>
  trouble(
    'bmc-declined',
    `${called(told)} says that ${what} was declined`,
    'See what stands in its way in the log of what it switches, or do it there by hand; then resume.',
    detail,
  );

/** It has no such thing, or does not know the question. */
export const programCannot = (told: Told, what: string, detail?: string): Trouble =>
  trouble(
    'bmc-declined',
    `${called(told)} says that it does not support ${what}`,
    'Nothing was done. Teach it this question (docs/power-by-command.md), do it by hand, or leave the step out.',
    detail,
  );

/** A change was asked of it, and no answer came: in doubt. */
export const programLeftOpen = (told: Told, what: string, detail?: string): Trouble =>
  trouble(
    'bmc-unanswered',
    `${called(told)} was asked for ${what}, and gave no answer`,
    `It may or may not have been done. See what the power is, in the folder of the hosts file: ${told.byHand}`,
    detail,
  );

/** It ended without an answer to a question. */
export const programSaysNothing = (told: Told, why: string, detail?: string): Trouble =>
  trouble(
    'bmc-odd-answer',
    `${called(told)} gave no answer (${why})`,
    `It must print one JSON object, as docs/power-by-command.md says. Try it in the folder of the hosts file: ${told.byHand}`,
    detail,
  );

/** It answered, and does not know. */
export const programCannotTell = (told: Told, what: string): Trouble =>
  trouble(
    'bmc-odd-answer',
    `${called(told)} cannot tell the ${what}`,
    'What it cannot tell is unknown, and nothing is switched by it. Make it look where this is known.',
  );

/** It knows no locator light, or not the state of it. */
export const programKnowsNoLight = (told: Told, detail?: string): Trouble =>
  trouble(
    'bmc-cannot-tell',
    `${called(told)} cannot tell whether its locator light is on`,
    'What it cannot tell cannot be confirmed: switch the light by hand and have a person look ("confirm"), or leave the step out.',
    detail,
  );

/** A person stopped it before the program was started. */
export const programNotAsked = (told: Told): Trouble =>
  trouble('aborted', `stopped before ${called(told)} was asked`, 'Nothing was done. Resume when ready.');

export const programMissing = (told: Told, why: string): Trouble =>
  trouble(
    'tool-missing',
    `the program ${told.program}, which switches the power of ${told.name}, could not be started (${why})`,
    'Correct "argv" of the host’s "bmc" in the hosts file: a relative path starts at the folder of that file. The program must be executable.',
  );
