import type { Progress } from '../core/operation.ts';
import { progressLine, type Underway } from './view/progress-line.ts';
import { type Look, render, renderLine } from './view/text.ts';

export type ProgressMode = 'tty' | 'plain' | 'json' | 'none';

/** How long work is shown. `auto` rewrites one line only on a terminal that takes cursor codes, and not in CI. */
export function progressMode(
  asked: 'auto' | ProgressMode,
  about: {
    readonly rich: boolean;
    readonly json: boolean;
    readonly environment: { readonly [name: string]: string | undefined };
  },
): ProgressMode {
  if (asked === 'auto') {
    if (about.json) return 'json';
    return about.rich && !about.environment.CI ? 'tty' : 'plain';
  }
  // A stream that may not carry escapes never gets any, whatever was asked.
  return asked === 'tty' && !about.rich ? 'plain' : asked;
}

export interface ProgressSettings {
  readonly mode: ProgressMode;
  readonly host: string;
  readonly look: Look;
  readonly columns: () => number;
  /** Text to stderr. */
  readonly show: (text: string) => void;
  /** One `--json` message. */
  readonly emit: (step: string, progress: Progress, line: string) => void;
  /** Milliseconds of a clock that never jumps. */
  readonly monotonic: () => number;
  /** Milliseconds between two lines without a terminal; default 30 s. */
  readonly every?: number;
}

/** Shows how far a long operation is: one line rewritten on a terminal, or a line of its own now and then. */
export interface ProgressDisplay {
  tell(step: string, progress: Progress): void;
  /** Called regularly; says something when it is time to. */
  tick(): void;
  /** Takes the rewritten line away, before something else is printed. */
  clear(): void;
  /** The operation has ended. */
  end(): void;
}

/** Milliseconds between two rewritings of a terminal's line. */
const rewriteEvery = 200;

export function openProgress(settings: ProgressSettings): ProgressDisplay {
  const { mode, look, show, monotonic } = settings;
  const every = mode === 'tty' ? rewriteEvery : (settings.every ?? 30_000);
  let underway: Underway | undefined;
  let shown = Number.NEGATIVE_INFINITY;
  let onScreen = false;

  const clear = () => {
    if (onScreen) show('\r\u001b[2K');
    onScreen = false;
  };
  const say = () => {
    if (underway === undefined || mode === 'none') return;
    const now = monotonic();
    if (now - shown < every) return;
    shown = now;
    const line = progressLine(underway, now);
    if (mode === 'json') return settings.emit(underway.step, underway.progress, line);
    if (mode === 'plain') return show(render([line], look));
    clear();
    show(renderLine([...line].slice(0, Math.max(20, settings.columns() - 1)).join(''), look));
    onScreen = true;
  };
  return {
    tell(step, progress) {
      const now = monotonic();
      const same = underway?.step === step && underway.progress.what === progress.what;
      if (!same && mode !== 'tty') shown = Number.NEGATIVE_INFINITY;
      underway = { host: settings.host, step, progress, began: same && underway ? underway.began : now, heard: now };
      say();
    },
    tick: say,
    clear,
    end() {
      clear();
      underway = undefined;
    },
  };
}
