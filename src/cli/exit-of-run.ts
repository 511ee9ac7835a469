import type { RunEnd } from '../engine/drive.ts';
import { type ExitCode, exit, exitOfSignal } from './exit.ts';
import type { EndSignal } from './signals.ts';

/** The published exit code of how a session of a run ended. `signal`: the one that ended it, if any did. */
export function exitOfRun(end: RunEnd, signal: EndSignal | undefined): ExitCode {
  switch (end.end) {
    case 'done':
    case 'ended':
    case 'rolled-back':
      return exit.done;
    case 'rehearsed':
      return end.blocked.length === 0 ? exit.done : exit.blocked;
    case 'blocked':
      return exit.blocked;
    case 'drift':
      return exit.stale;
    case 'failed':
      return exit.failed;
    case 'doubt':
      return exit.inDoubt;
    case 'claimed':
      return exit.locked;
    case 'parked':
      return exit.parked;
    case 'quit':
      if (signal !== undefined) return exitOfSignal(signal);
      return end.why === 'interrupted' ? exit.interrupted : exit.stopped;
    case 'signal':
      return exitOfSignal(signal ?? 'SIGTERM');
    case 'missing':
      return exit.missing;
    case 'journal':
      return end.afterIntent ? exit.inDoubt : exit.failed;
  }
}
