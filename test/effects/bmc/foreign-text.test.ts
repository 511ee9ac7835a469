import { expect, it } from 'vitest';
import { secret } from '../../../src/core/secret.ts';
import { foreignText } from '../../../src/effects/bmc/foreign-text.ts';

it('takes out secrets, wherever they stand', () => {
  expect(foreignText('login admin/hunter2 failed (hunter2)', [secret('hunter2')])).toBe(
    'login admin/[redacted] failed ([redacted])',
  );
});

it('leaves a text alone when the secret is empty', () => {
  expect(foreignText('no password set', [secret('')])).toBe('no password set');
});

it('writes out what a terminal would obey, and what turns text around; white space is one blank, and padding goes', () => {
  expect(foreignText('\0 a\u001b[2Jb\u009b31mc\r\n\td\u202ee\n\0\0', [])).toBe('a\\x1b[2Jb\\x9b31mc d\\u202ee');
});

it('cuts a text that is too long', () => {
  expect(foreignText('x'.repeat(1000), [], 10)).toBe(`${'x'.repeat(10)}…`);
});
