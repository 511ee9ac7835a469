import { type Trouble, trouble } from '../../core/result.ts';

/** Nothing came back, so nothing was done and nothing is known: unreachable is not "off". */
export const noAnswer = (name: string, where: string, detail?: string): Trouble =>
  trouble(
    'bmc-no-answer',
    `the BMC of ${name} does not answer at ${where}`,
    'Check its address, port and cabling, that the management network is reachable from here, and that its protocol is enabled. No answer says nothing about the power.',
    detail,
  );

/** The BMC answered, and would not let the user in. */
export const refused = (name: string, where: string, user: string, detail?: string): Trouble =>
  trouble(
    'bmc-refused',
    `the BMC of ${name} at ${where} refuses the login of ${user}`,
    'Correct user and password of the host’s "bmc" in the hosts file. Do not try often: many BMCs lock a user out.',
    detail,
  );

/** The BMC understood a request and declined it: nothing was done. */
export const declined = (name: string, what: string, detail?: string): Trouble =>
  trouble(
    'bmc-declined',
    `the BMC of ${name} declined ${what}`,
    'See its own event log for the reason, or do it at its web page; then resume.',
    detail,
  );

/** The one trouble after which an operation is in doubt: the request left, and its answer never came. */
export const unanswered = (name: string, what: string, detail?: string): Trouble =>
  trouble(
    'bmc-unanswered',
    `the BMC of ${name} was asked for ${what}, and its answer never came`,
    'It may or may not have been done: ask for the power state once the BMC answers again.',
    detail,
  );

/** An answer that makes no sense; shown so that a person can judge it. */
export const oddAnswer = (name: string, what: string, detail?: string): Trouble =>
  trouble(
    'bmc-odd-answer',
    `the BMC of ${name} ${what}`,
    'Compare with what its own web page says; a firmware update or a restart of the BMC often helps.',
    detail,
  );

/** A person stopped it before anything was sent. */
export const stopped = (name: string): Trouble =>
  trouble('aborted', `stopped before the BMC of ${name} was asked`, 'Nothing was sent. Resume when ready.');
