import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
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
