import { describe, expect, test } from 'vitest';
import { hasUnicode, lookFor, mayEscape } from '../../src/cli/look.ts';
import { openOutput } from '../../src/cli/output.ts';
import { bad, render, strong } from '../../src/cli/view/text.ts';

const terminal = { isTTY: true };
const plain = { environment: {}, noColor: false, accessible: false };
const lines = [[bad('✗ failed'), ' — ', strong('nginx')], 'wait … 5 × 2 ≤ 10'];

test('a terminal gets colours', () => {
  expect(render(lines, lookFor(terminal, { ...plain, environment: { LANG: 'en_GB.UTF-8' } }))).toContain('\u001b[');
});

test.each([
  ['NO_COLOR', terminal, { ...plain, environment: { NO_COLOR: '1' } }],
  ['TERM=dumb', terminal, { ...plain, environment: { TERM: 'dumb' } }],
  ['--no-color', terminal, { ...plain, noColor: true }],
  ['--accessible', terminal, { ...plain, accessible: true }],
  ['a stream that is no terminal', {}, plain],
])('%s: not one escape character', (_, stream, settings) => {
  expect(mayEscape(stream, settings)).toBe(false);
  expect(render(lines, lookFor(stream, settings))).not.toContain('\u001b');
});

test('in an ASCII locale every character is ASCII, and nothing is lost', () => {
  const text = render(lines, lookFor({}, { ...plain, environment: { LC_ALL: 'C' } }));
  expect(text).toBe('x failed - nginx\nwait ... 5 x 2 <= 10\n');
  expect(text).toMatch(/^[\x20-\x7e\n]*$/);
});

test.each([
  [{ LC_ALL: 'C', LANG: 'en_GB.UTF-8' }, false],
  [{ LC_CTYPE: 'C.UTF-8', LANG: 'C' }, true],
  [{ LANG: 'ru_RU.utf8' }, true],
  [{}, false],
])('the locale %j shows Unicode: %j', (environment, unicode) => {
  expect(hasUnicode(environment, 'linux')).toBe(unicode);
});

describe('output', () => {
  const opened = (json: boolean) => {
    const written = { stdout: '', stderr: '' };
    const stream = (name: 'stdout' | 'stderr') => ({
      write: (text: string) => {
        written[name] += text;
      },
    });
    const look = lookFor({}, plain);
    const output = openOutput(
      { stdout: stream('stdout'), stderr: stream('stderr') },
      { stdout: look, stderr: look },
      json,
      () => new Date('2026-03-01T10:00:00Z'),
    );
    return { output, written };
  };

  test('results go to stdout, everything else to stderr', () => {
    const { output, written } = opened(false);
    output.note(['on the way']);
    output.result({ type: 'x', message: 'the result' }, ['the result']);
    output.trouble({ code: 'gone', what: 'it is gone', fix: 'Look for it.', detail: 'line 1\nline \u001b2' });
    expect(written).toEqual({
      stdout: 'the result\n',
      stderr: 'on the way\nerror it is gone [gone]\n  line 1\n  line \\x1b2\n  Look for it.\n',
    });
  });

  test('with --json every line of stdout has type, ts and message, and the version comes first', () => {
    const { output, written } = opened(true);
    output.note(['on the way']);
    output.result({ type: 'x', message: 'the result', more: 1 }, ['never shown']);
    output.trouble({ code: 'gone', what: 'it is gone', fix: 'Look for it.' });
    const messages = written.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    const ts = '2026-03-01T10:00:00.000Z';
    expect(messages).toEqual([
      { type: 'version', ts, message: 'decom development', decom: 'development', ui: '1.0' },
      { type: 'x', ts, message: 'the result', more: 1 },
      { type: 'error', ts, message: 'it is gone', code: 'gone', what: 'it is gone', fix: 'Look for it.' },
    ]);
    expect(written.stderr).toBe('on the way\nerror it is gone [gone]\n  Look for it.\n');
  });
});
