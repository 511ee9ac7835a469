import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { follow } from '../../../src/effects/ssh/follow.ts';

test('a host that talks on and on before the shell began is hung up on, and is told as having begun nothing', async () => {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let hungUp = false;
  let sent = 0;
  const followed = follow(
    { stdin, stdout, stderr, onExit: () => {}, onClose: () => {}, hangUp: () => (hungUp = true) },
    { mark: 'decom-0123456789abcdef', lostEnd: () => ({ how: 'exit', code: 0 }) },
  );
  const piece = Buffer.alloc(65_536, 'x');
  const talk = (): void => {
    while (!hungUp && sent < 64 << 20) {
      sent += piece.length;
      if (!stderr.write(piece)) return void stderr.once('drain', talk);
    }
    stderr.end();
  };
  talk();
  const begun = await followed.begun;
  expect(begun).toMatchObject({
    began: false,
    why: 'no-mark',
    ended: { how: 'aborted', trouble: { code: 'no-shell' } },
  });
  if (!begun.began && begun.why === 'no-mark') expect(begun.said.length).toBeLessThanOrEqual(4096);
  expect(hungUp).toBe(true);
  expect(sent).toBeLessThan(4 << 20);
});

test('what a program said is whole, although this process stood still while the last of it came', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'decom-follow-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const mark = 'decom-0123456789abcdef';
  const [go, said] = [join(folder, 'go'), join(folder, 'said')];
  const wait = (file: string): string => `while [ ! -e '${file}' ]; do sleep 0.05; done`;
  const child = spawn(
    'sh',
    ['-c', `echo '${mark} 1' >&2; echo '${mark}'; echo first; ${wait(go)}; echo last; : > '${said}'; exec cat`],
    { stdio: 'pipe' },
  );
  let exit = (_code: number): void => {};
  const followed = follow(
    {
      stdin: new PassThrough(),
      stdout: child.stdout,
      stderr: child.stderr,
      onExit: (listener) => {
        exit = (code) => listener(code, null);
      },
      onClose: () => {},
      hangUp: () => child.stdin.end(),
    },
    { mark, settle: 100, lostEnd: () => ({ how: 'exit', code: 1 }) },
  );
  const stdout = text(followed.process.stdout);
  followed.process.stderr.resume();
  expect(await followed.begun).toMatchObject({ began: true, group: 1 });
  exit(0);
  execFileSync('sh', ['-c', `: > '${go}'; ${wait(said)}; sleep 0.2`]);
  expect(await followed.process.ended).toEqual({ how: 'exit', code: 0 });
  expect(await stdout).toBe('first\nlast\n');
});

test('a program that is aborted has not ended while what ends it still works, though it fell to the first signal and is silent', async () => {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let exit = (_signal: string): void => {};
  const followed = follow(
    {
      ...{ stdin, stdout, stderr, onClose: () => {}, hangUp: () => {} },
      onExit: (listener) => {
        exit = (signal) => listener(null, signal);
      },
    },
    { mark: 'decom-0123456789abcdef', settle: 10, lostEnd: () => ({ how: 'exit', code: 0 }) },
  );
  followed.abort(async () => {
    exit('SIGTERM');
    // Others of its group take as long as ten silences.
    await new Promise((resolve) => setTimeout(resolve, 100));
    return true;
  });
  expect(await followed.process.ended).toMatchObject({ how: 'aborted', trouble: { code: 'aborted' } });
});
