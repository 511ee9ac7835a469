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

it('takes out what a terminal would obey, and text that is turned around', () => {
  expect(foreignText('a\u001b[2Jb\u009b31mc\r\nd\u202ee', [])).toBe('a [2Jb 31mc d e');
});

it('cuts a text that is too long', () => {
  expect(foreignText('x'.repeat(1000), [], 10)).toBe(`${'x'.repeat(10)}…`);
});
