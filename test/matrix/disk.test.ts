import { expect, test } from 'vitest';
import { type Disk, emptyDisk } from './disk.ts';
import { generator } from './power-cut.ts';
import { traceOf } from './trace.ts';

/** A disk below /d after these calls, as strace tells them. */
function after(...lines: readonly string[]): Disk {
  const disk = emptyDisk('/d');
  for (const call of traceOf(lines.join('\n')).calls) disk.apply(call);
  return disk;
}

const made = 'openat(AT_FDCWD</d>, "/d/a", O_RDWR|O_CREAT|O_APPEND|O_CLOEXEC, 0600) = 3</d/a>';
const syncFolder = 'fsync(4</d>) = 0';
const nothing = (): number => 0;
const textIn = (files: ReadonlyMap<string, Buffer>): unknown =>
  Object.fromEntries([...files].map(([path, bytes]) => [path, bytes.toString()]));

test('a file that was synced and whose folder was not is gone', () => {
  const lines = [made, 'write(3</d/a>, "one\\n", 4) = 4', 'fdatasync(3</d/a>) = 0'];
  expect(textIn(after(...lines).afterPowerCut(nothing))).toEqual({});
  expect(textIn(after(...lines, syncFolder).afterPowerCut(nothing))).toEqual({ '/d/a': 'one\n' });
});

test('a folder that was synced and whose own was not takes its files along', () => {
  const lines = [
    'mkdir("/d/b", 0700) = 0',
    'openat(AT_FDCWD</d>, "/d/b/c", O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0600) = 3</d/b/c>',
    'fdatasync(3</d/b/c>) = 0',
    'fsync(4</d/b>) = 0',
  ];
  expect(textIn(after(...lines).afterPowerCut(nothing))).toEqual({});
  expect(textIn(after(...lines, syncFolder).afterPowerCut(nothing))).toEqual({ '/d/b/c': '' });
});

test('of a write that was not synced any sectors may be there, and the others read as zeros', () => {
  const line = 'x'.repeat(1500);
  const disk = after(
    made,
    syncFolder,
    'write(3</d/a>, "sure\\n", 5) = 5',
    'fdatasync(3</d/a>) = 0',
    `write(3</d/a>, "${line}", 1500) = 1500`,
  );
  const seeds = generator(1);
  const seen = new Set<string>();
  for (let i = 0; i < 500; i++) seen.add(disk.afterPowerCut(seeds).get('/d/a')?.toString() ?? '');
  for (const content of seen) expect(content).toMatch(/^sure\n[x\0]*$/);
  expect(seen).toContain('sure\n');
  expect(seen).toContain(`sure\n${line}`);
  // The first sector is shared with what was synced, the second and third are not there.
  expect(seen).toContain(`sure\n${'x'.repeat(507)}${'\0'.repeat(993)}`);
  expect(seen).toContain(`sure\n${'\0'.repeat(507)}${'x'.repeat(993)}`);
  expect(textIn(disk.now())).toEqual({ '/d/a': `sure\n${line}` });
});

test('a rename that was not synced happened or did not, never half', () => {
  const disk = after(made, syncFolder, 'rename("/d/a", "/d/z") = 0');
  const seeds = generator(2);
  const seen = new Set<string>();
  for (let i = 0; i < 100; i++) seen.add([...disk.afterPowerCut(seeds).keys()].join());
  expect([...seen].sort()).toEqual(['/d/a', '/d/z']);
});

test('what a call did that failed, was killed or was done by a fault is not on the disk', () => {
  const disk = after(
    made,
    syncFolder,
    'write(3</d/a>, "no\\n", 3) = -1 ENOSPC (No space left on device) (INJECTED)',
    'write(3</d/a>, "half\\n", 5) = 2',
    'fdatasync(3</d/a>) = -1 EIO (Input/output error) (INJECTED)',
    'write(3</d/a>, "killed\\n", 7) = ?',
  );
  expect(textIn(disk.now())).toEqual({ '/d/a': 'ha' });
  expect(textIn(disk.afterPowerCut(nothing))).toEqual({ '/d/a': '' });
});

test('a trace tells calls of several threads, what each was on, and which was cut off', () => {
  const { calls } = traceOf(
    [
      '7 write(3<TCP:[127.0.0.1:5->127.0.0.1:22]>, "a) = 3\\"", 7 <unfinished ...>',
      '8 write(5</d/a>, "\\1\\n\\303", 3) = 3',
      '7 <... write resumed>) = 7',
      '7 write(5</d/a>, "b", 1) = ?',
      '7 +++ killed by SIGKILL +++',
    ].join('\n'),
  );
  expect(calls.map(({ thread, on, nth, result }) => [thread, on, nth, result])).toEqual([
    [8, '/d/a', 1, 3],
    [7, 'TCP:[127.0.0.1:5->127.0.0.1:22]', 1, 7],
    [7, '/d/a', 2, undefined],
  ]);
});
