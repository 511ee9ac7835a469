/** Exit codes, published: scripts and CI jobs rely on them, so a number never changes its meaning. */
export const exit = {
  /** Done, and every gate held. */
  done: 0,
  /** The program itself is at fault. */
  bug: 1,
  /** Usage, or input that is not valid. */
  usage: 2,
  /** Stopped by a person: quit, abort, end of input at a terminal. */
  stopped: 3,
  /** Blocked by a gate, or the host or its BMC was not reachable before any operation. */
  blocked: 4,
  /** An operation was begun and its outcome is not known. */
  inDoubt: 5,
  /** The audit log is broken. */
  logBroken: 6,
  /** Another process has the host, or an open run has. */
  locked: 7,
  /** The plan is stale, or the host has drifted from it. */
  stale: 8,
  /** Only a date, a window or another person is missing. */
  parked: 9,
  /** A step failed. */
  failed: 10,
  /** The log is intact but open. */
  logOpen: 11,
  /** The log is intact but unsigned. */
  logUnsigned: 12,
  /** Nobody to ask, and an answer is missing. */
  missing: 64,
  /** The terminal went away (SIGHUP). */
  hungUp: 129,
  /** Ctrl-C (SIGINT). */
  interrupted: 130,
  /** SIGTERM. */
  terminated: 143,
} as const;

export type ExitCode = (typeof exit)[keyof typeof exit];

/** The exit code of a process that was ended by a signal. */
export function exitOfSignal(signal: 'SIGHUP' | 'SIGINT' | 'SIGTERM'): ExitCode {
  switch (signal) {
    case 'SIGHUP':
      return exit.hungUp;
    case 'SIGINT':
      return exit.interrupted;
    case 'SIGTERM':
      return exit.terminated;
  }
}
