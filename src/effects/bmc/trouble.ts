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

/** It has no locator light, or none whose state can be read. */
export const cannotTell = (name: string, detail?: string): Trouble =>
  trouble(
    'bmc-cannot-tell',
    `the BMC of ${name} cannot tell whether its locator light is on`,
    'What it cannot tell cannot be confirmed: switch the light by hand and have a person look ("confirm"), or leave the step out.',
    detail,
  );

/** It opens a session with cipher suite 0, which checks no password (CVE-2013-4782). */
export const cipherZero = (name: string, where: string): Trouble =>
  trouble(
    'bmc-cipher-zero',
    `the BMC of ${name} at ${where} accepts IPMI cipher suite 0: whoever reaches it can switch the machine with any password`,
    'Disable cipher suite 0 at the BMC, or keep its network closed, until the machine is gone.',
  );

/** It says that it has no time now (429, 503), and was asked again as often as seems fit. Nothing was done. */
export const busy = (name: string, where: string, status: number, rest: number | undefined, detail?: string): Trouble =>
  trouble(
    'bmc-busy',
    `the BMC of ${name} at ${where} is busy (${status})${rest === undefined ? '' : ` and wants to be asked again in ${Math.ceil(rest / 1000)} s`}`,
    'Nothing was done. Try again later; if it stays so, end open sessions at its web page, or restart it.',
    detail,
  );

/** It no longer knows the session that it gave (401). Nothing was done. */
export const sessionLost = (name: string, where: string, detail?: string): Trouble =>
  trouble(
    'bmc-session-lost',
    `the BMC of ${name} at ${where} ended the session that it had opened`,
    'Nothing was done. See whether its session timeout is very short, or somebody else ends its sessions; then try again.',
    detail,
  );

export const onlyOldTls = (name: string, where: string, detail?: string): Trouble =>
  trouble(
    'bmc-old-tls',
    `the BMC of ${name} at ${where} and this program find no TLS version and cipher that both take: it may know only old ones`,
    'Update its firmware. If there is none, allow old TLS for this BMC alone: "legacy: true" and "tls_pin" in the host’s "bmc" in the hosts file.',
    detail,
  );
