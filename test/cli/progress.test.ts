import { describe, expect, test } from 'vitest';
import { openProgress, type ProgressMode, progressMode } from '../../src/cli/progress.ts';
import { progressLine } from '../../src/cli/view/progress-line.ts';
import { plainLook } from '../../src/cli/view/text.ts';

const MiB = 1_048_576;

describe('the line', () => {
  const base = { host: 'web01', step: 'files', began: 0, heard: 60_000 };

  test('with totals: percent, bytes, files, the average rate and the time left', () => {
    const progress = { what: 'copying', bytes: 120 * MiB, totalBytes: 480 * MiB, files: 10, totalFiles: 40 };
    expect(progressLine({ ...base, progress }, 60_000)).toBe(
      'web01 files: copying, 25 %, 120 MiB of 480 MiB, 10 of 40 files, 2.0 MiB/s on average, about 3 min left, 1 min so far',
    );
  });

  test('without a total there is no percentage and no time left, only the time taken', () => {
    expect(progressLine({ ...base, progress: { what: 'copying', bytes: 60 * MiB } }, 60_000)).toBe(
      'web01 files: copying, 60.0 MiB, 1.0 MiB/s on average, 1 min so far',
    );
  });

  test('a total that was guessed too low never gives more than 100 %', () => {
    expect(progressLine({ ...base, progress: { what: 'hashing', files: 12, totalFiles: 10 } }, 60_000)).toContain(
      '100 %',
    );
  });

  test('in the first second there is no rate yet', () => {
    expect(progressLine({ ...base, progress: { what: 'copying', bytes: 60 * MiB, totalBytes: 480 * MiB } }, 20)).toBe(
      'web01 files: copying, 12 %, 60.0 MiB of 480 MiB',
    );
  });

  test('silence is said', () => {
    expect(progressLine({ ...base, progress: { what: 'copying' } }, 360_000)).toBe(
      'web01 files: copying, 6 min so far, nothing heard for 5 min',
    );
  });
});

/** A display with a clock that is moved by hand. */
function display(mode: ProgressMode) {
  let now = 0;
  let shown = '';
  const lines: string[] = [];
  const progress = openProgress({
    mode,
    host: 'web01',
    look: plainLook,
    columns: () => 40,
    show: (text) => {
      shown += text;
    },
    emit: (_step, _progress, line) => lines.push(line),
    monotonic: () => now,
  });
  const pass = (ms: number) => {
    now += ms;
    progress.tick();
  };
  return { progress, pass, shown: () => shown, lines };
}

describe('the display', () => {
  test('without a terminal: a full line at the start and every 30 s, and never a carriage return', () => {
    const { progress, pass, shown } = display('plain');
    for (let i = 0; i < 65; i++) {
      progress.tell('files', { what: 'copying', bytes: i * MiB });
      pass(1000);
    }
    progress.end();
    expect(shown().split('\n')).toHaveLength(4);
    expect(shown()).toMatch(/^web01 files: copying, 0 B\n/);
    expect(shown()).not.toMatch(/[\r\u001b]/);
  });

  test('on a terminal: one line, rewritten, no longer than the terminal, and taken away before anything else is said', () => {
    const { progress, pass, shown } = display('tty');
    progress.tell('files', { what: 'copying', bytes: MiB, totalBytes: 10 * MiB });
    pass(250);
    expect(
      shown()
        .split('\r\u001b[2K')
        .map((line) => line.length <= 39),
    ).not.toContain(false);
    expect(shown()).not.toContain('\n');
    progress.clear();
    expect(shown().endsWith('\r\u001b[2K')).toBe(true);
  });

  test('as JSON: one message each time, and nothing on the screen', () => {
    const { progress, lines, shown } = display('json');
    progress.tell('files', { what: 'copying' });
    expect(lines).toEqual(['web01 files: copying']);
    expect(shown()).toBe('');
  });

  test('of what takes a time that is known: how much of it, and how long still, whatever was found meanwhile', () => {
    const { progress, pass, shown } = display('plain');
    progress.tell('unused', { what: 'watching, nobody found', time: 0, totalTime: 900_000 });
    pass(20_000);
    progress.tell('unused', { what: 'watching, 1 peer found', time: 300_000, totalTime: 900_000 });
    expect(shown().trimEnd().split('\n')).toEqual([
      'web01 unused: watching, nobody found, 0 % of 15 min',
      'web01 unused: watching, 1 peer found, 33 % of 15 min, about 10 min left, 5 min so far',
    ]);
  });

  test('none says nothing', () => {
    const { progress, pass, shown, lines } = display('none');
    progress.tell('files', { what: 'copying' });
    pass(60_000);
    expect(shown() + lines.join('')).toBe('');
  });
});

test.each([
  ['auto', { rich: true, json: false, environment: {} }, 'tty'],
  ['auto', { rich: true, json: false, environment: { CI: 'true' } }, 'plain'],
  ['auto', { rich: false, json: false, environment: {} }, 'plain'],
  ['auto', { rich: true, json: true, environment: {} }, 'json'],
  ['tty', { rich: false, json: false, environment: {} }, 'plain'],
  ['none', { rich: true, json: false, environment: {} }, 'none'],
] as const)('--progress=%s with %j is %s', (asked, about, mode) => {
  expect(progressMode(asked, about)).toBe(mode);
});
