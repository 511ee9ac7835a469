import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CollectedOutput, Command, Machine, RemoteProcess } from '../../src/core/ports.ts';
import type { Result } from '../../src/core/result.ts';
import { secret } from '../../src/core/secret.ts';

/** A machine under test. Its programs run on this computer, so that files and processes can be looked at from outside. */
export interface MachineUnderTest {
  readonly machine: Machine;
  close(): Promise<void>;
}

/** What every `Machine` keeps, whatever carries it. */
export function machineContract(name: string, make: () => Promise<MachineUnderTest>): void {
  describe(`${name} keeps the contract of a machine`, () => {
    let under: MachineUnderTest;
    let folder: string;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'decom-contract-'));
      // The machine may log in as somebody else.
      chmodSync(folder, 0o777);
      under = await make();
    });
    afterAll(async () => {
      await under.machine.close();
      await under.close();
      rmSync(folder, { recursive: true, force: true });
    });

    const run = async (argv: readonly string[], more: Partial<Command> & Options = {}): Promise<CollectedOutput> => {
      const { stdin, limit, keep, signal, ...command } = more;
      const options = { stdin, limit, keep, signal };
      return got(await under.machine.exec({ argv, root: false, ...command }, definite(options)));
    };

    describe('the end of a program', () => {
      it.each([0, 1, 42, 126, 127, 255])('exit %i comes back as it is', async (code) => {
        expect((await run(['sh', '-c', `exit ${code}`])).ended).toEqual({ how: 'exit', code });
      });

      it.each(['KILL', 'TERM', 'SEGV'])('a program that ends by %s is never an exit code', async (signal) => {
        expect((await run(['sh', '-c', `kill -${signal} $$`])).ended).toEqual({
          how: 'signal',
          signal: `SIG${signal}`,
        });
      });

      it('a program that does not exist ends with 127 and says so', async () => {
        const output = await run(['no-such-program-here']);
        expect(output.ended).toEqual({ how: 'exit', code: 127 });
        expect(text(output.stderr)).toContain('no-such-program-here');
      });

      it('comes although something it started keeps its streams open', async () => {
        const output = await run(['sh', '-c', 'sleep 60 & echo $!']);
        expect(output.ended).toEqual({ how: 'exit', code: 0 });
        process.kill(Number(text(output.stdout)), 'SIGKILL');
      });
    });

    describe('streams', () => {
      it('keeps stdout and stderr apart, and nothing of the wrapper is in either', async () => {
        const output = await run(['sh', '-c', 'echo out; echo err >&2']);
        expect(text(output.stdout)).toBe('out\n');
        expect(text(output.stderr)).toBe('err\n');
      });

      it('a program without stdin reads the end of file', async () => {
        expect(text((await run(['wc', '-c'])).stdout).trim()).toBe('0');
      });

      it('hands stdin over byte by byte as it is', async () => {
        const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
        const output = await run(['cat'], { stdin: bytes, limit: 400_000 });
        expect(Buffer.compare(Buffer.from(output.stdout), bytes)).toBe(0);
      });

      it('a program that reads none of a large stdin ends all the same', async () => {
        expect((await run(['true'], { stdin: Buffer.alloc(8_000_000) })).ended).toEqual({ how: 'exit', code: 0 });
      });

      it('brings bytes that are no text', async () => {
        const output = await run(['printf', '\\377\\000\\200x\\n']);
        expect([...output.stdout]).toEqual([0xff, 0, 0x80, 0x78, 0x0a]);
      });

      it('keeps the first bytes of what is longer than the limit, and drains the rest', async () => {
        const output = await run(['sh', '-c', 'echo begin; head -c 5000000 /dev/zero; echo end >&2'], { limit: 6 });
        expect(output.ended).toEqual({ how: 'exit', code: 0 });
        expect(text(output.stdout)).toBe('begin\n');
        expect(text(output.stderr)).toBe('end\n');
      });

      it('keeps the last bytes when asked to', async () => {
        const output = await run(['sh', '-c', 'head -c 5000000 /dev/zero; echo the end'], { limit: 8, keep: 'last' });
        expect(text(output.stdout)).toBe('the end\n');
      });

      it('loses nothing of a long stream, and holds little of it while the reader is slow', async () => {
        const started = got(
          await under.machine.start({ argv: ['sh', '-c', 'seq 1 6000000; seq 1 200000 >&2'], root: false }),
        );
        const before = process.memoryUsage().rss;
        let greatest = before;
        const errors = count(started.stderr, 0);
        const lines = await count(started.stdout, 50, () => {
          greatest = Math.max(greatest, process.memoryUsage().rss);
        });
        expect(lines).toBe(6_000_000);
        expect(await errors).toBe(200_000);
        expect(await started.ended).toEqual({ how: 'exit', code: 0 });
        expect(greatest - before).toBeLessThan(100 * 1024 * 1024);
      });

      it('a started program is talked to while it runs', async () => {
        const started = got(await under.machine.start({ argv: ['cat'], root: false }));
        started.stderr.resume();
        started.stdin.write('one\n');
        const first = await new Promise<Buffer>((resolve) => started.stdout.once('data', resolve));
        expect(first.toString()).toBe('one\n');
        started.stdout.resume();
        started.stdin.end();
        expect(await started.ended).toEqual({ how: 'exit', code: 0 });
      });

      it('a reader that reads to the end before the program has ended still learns its exit', async () => {
        const started = got(
          await under.machine.start({ argv: ['sh', '-c', 'echo x; exec >&-; sleep 0.3; exit 9'], root: false }),
        );
        started.stdin.end();
        started.stderr.resume();
        for await (const _ of started.stdout);
        expect(await started.ended).toEqual({ how: 'exit', code: 9 });
      });
    });

    describe('arguments', () => {
      const nasty = [
        '',
        ' ',
        "it's",
        '"',
        '`id`',
        '$HOME $(id)',
        'a\\b\\',
        'two\nlines',
        '\ttab\r',
        '*?[a]{b,c}',
        '~',
        '-n',
        '--',
        '!history!',
        ';|&<>()#',
        'ünïcødé 名前 🎉',
        '\u0001\u001b[31m',
        "'''",
        '%s%n',
      ];

      it('arrive as they are, whatever stands in them', async () => {
        const output = await run(['printf', '%s\\0', ...nasty]);
        expect(text(output.stdout).split('\0').slice(0, -1)).toEqual(nasty);
      });

      it('with a NUL are refused before anything runs', async () => {
        const result = await under.machine.exec({ argv: ['echo', 'a\0b'], root: false });
        expect(result).toMatchObject({ ok: false, error: { code: 'not-a-command' } });
      });

      it('that no shell could be handed are refused before anything runs', async () => {
        const result = await under.machine.exec({ argv: ['echo', 'x'.repeat(200_000)], root: false });
        expect(result).toMatchObject({ ok: false, error: { code: 'not-a-command' } });
      });

      it('an empty vector is refused', async () => {
        expect(await under.machine.exec({ argv: [], root: false })).toMatchObject({ error: { code: 'not-a-command' } });
      });
    });

    describe('what the machine must say of itself', () => {
      const own = readFileSync('/etc/machine-id', 'utf8').trim();
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

      it('is asked before the program begins, which has its whole input', async () => {
        const output = await run(['cat'], { stdin: 'its input', precondition: { machine_id: own, boot } });
        expect(output.ended).toEqual({ how: 'exit', code: 0 });
        expect([text(output.stdout), text(output.stderr)]).toEqual(['its input', '']);
      });

      it.each([
        ['it was restarted', { boot: '5f6f0cf4-3a6c-4f0e-9a3c-1d2e3f405060' }, ['restarted-since']],
        ['it is another one', { machine_id: '0f2c0f2c0f2c0f2c0f2c0f2c0f2c0f2c', boot }, ['another-machine']],
        // Whether its firmware is closed to the login, or tells another serial.
        ['its serial is not this', { boot, serial: 'NO-SUCH-1' }, ['identity-unread', 'another-machine']],
      ])('is trouble, and nothing runs, where %s', async (_what, precondition, codes) => {
        const mark = join(folder, 'not-begun');
        const result = await under.machine.exec({ argv: ['touch', mark], root: false, precondition });
        expect(codes).toContain(result.ok ? 'it ran' : result.error.code);
        expect(existsSync(mark)).toBe(false);
      });
    });

    describe('directory and environment', () => {
      it('runs in the directory, whatever its name', async () => {
        const inside = join(folder, "it's a\nfolder");
        await run(['mkdir', inside]);
        expect(text((await run(['pwd'], { directory: inside })).stdout)).toBe(`${inside}\n`);
      });

      it('a directory that cannot be entered is trouble, and nothing runs', async () => {
        const mark = join(folder, 'never');
        const result = await under.machine.exec({
          argv: ['touch', mark],
          root: false,
          directory: join(folder, 'gone'),
        });
        expect(result).toMatchObject({ ok: false, error: { code: 'no-directory' } });
        expect(existsSync(mark)).toBe(false);
      });

      it('values arrive as they are, and stdin after them', async () => {
        const value = 'a\'b"c\\n\n$HOME\n\n%s é ';
        const output = await run(['sh', '-c', 'printf "%s|%s|" "$ONE" "$TWO"; cat'], {
          environment: { ONE: value, TWO: '' },
          stdin: 'the rest\n',
        });
        expect(text(output.stdout)).toBe(`${value}||the rest\n`);
      });

      it('a secret is in no argument vector of any process', async () => {
        const value = `s3cret-${process.pid}-${Math.random()}`;
        const started = got(
          await under.machine.start({
            argv: ['sh', '-c', 'echo "${#PASSWORD}"; read -r line'],
            root: false,
            environment: { PASSWORD: secret(value) },
          }),
        );
        started.stderr.resume();
        const first = await new Promise<Buffer>((resolve) => started.stdout.once('data', resolve));
        expect(first.toString()).toBe(`${value.length}\n`);
        expect(allArguments()).not.toContain(value);
        started.stdout.resume();
        started.stdin.end('\n');
        expect(await started.ended).toEqual({ how: 'exit', code: 0 });
      });

      it('a name that is none is refused', async () => {
        const result = await under.machine.exec({ argv: ['true'], root: false, environment: { 'A;id': 'x' } });
        expect(result).toMatchObject({ ok: false, error: { code: 'not-a-command' } });
      });
    });

    describe('abort', () => {
      it('ends all that the program started, also what went into a session of its own', async () => {
        const abort = new AbortController();
        const file = join(folder, 'pids');
        const script = `sleep 600 & echo $! >>'${file}'; setsid sleep 600 & echo $! >>'${file}'; (sleep 600 & echo $! >>'${file}'; wait) & echo $$ >>'${file}'; wait`;
        const running = under.machine.exec({ argv: ['sh', '-c', script], root: false }, { signal: abort.signal });
        const pids = await until(() => {
          const found = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [];
          return found.length === 4 ? found : undefined;
        });
        abort.abort();
        expect(got(await running).ended).toMatchObject({ how: 'aborted', trouble: { code: 'aborted' } });
        expect(pids.filter(alive)).toEqual([]);
      });

      it('ends a program that does not heed TERM', async () => {
        const abort = new AbortController();
        const started = got(
          await under.machine.start(
            { argv: ['sh', '-c', 'trap "" TERM; echo $$; while :; do sleep 0.1; done'], root: false },
            { signal: abort.signal },
          ),
        );
        started.stderr.resume();
        const pid = Number(await new Promise<Buffer>((resolve) => started.stdout.once('data', resolve)));
        started.stdout.resume();
        abort.abort();
        expect(await started.ended).toMatchObject({ how: 'aborted', trouble: { code: 'aborted' } });
        expect(alive(pid)).toBe(false);
      });

      it('beforehand starts nothing', async () => {
        const mark = join(folder, 'not-this');
        const result = await under.machine.exec(
          { argv: ['touch', mark], root: false },
          { signal: AbortSignal.abort() },
        );
        expect(result).toMatchObject({ ok: false, error: { code: 'aborted' } });
        expect(existsSync(mark)).toBe(false);
      });

      it('after the end changes nothing', async () => {
        const abort = new AbortController();
        const output = await run(['true'], { signal: abort.signal });
        abort.abort();
        expect(output.ended).toEqual({ how: 'exit', code: 0 });
      });
    });

    it('runs twenty programs at once, each with its own output', async () => {
      const outputs = await Promise.all(
        Array.from({ length: 20 }, (_, i) => run(['sh', '-c', `echo ${i}; sleep 0.1; exit ${i}`])),
      );
      expect(outputs.map(({ ended, stdout }) => [ended, text(stdout)])).toEqual(
        outputs.map((_, i) => [{ how: 'exit', code: i }, `${i}\n`]),
      );
    });

    it('tells its host key, and that it can be reached', async () => {
      expect(got(await under.machine.hostKey())).toMatch(/^(ssh|ecdsa)-\S+ [A-Za-z0-9+/=]+$/);
      expect(await under.machine.reachable(5000)).toEqual({ known: true, value: 'yes' });
    });
  });
}

interface Options {
  readonly stdin?: string | Uint8Array;
  readonly limit?: number;
  readonly keep?: 'first' | 'last';
  readonly signal?: AbortSignal;
}

const definite = (options: { readonly [K in keyof Options]: Options[K] | undefined }): Options =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

/** The value of a result that must be good. */
export function got<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.what}\n${result.error.detail ?? ''}`);
  return result.value;
}

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

export function alive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Polls until it has a value; fails when it takes so long that nothing will come of it. */
export async function until<T>(look: () => T | undefined): Promise<T> {
  const deadline = Date.now() + 240_000;
  for (;;) {
    const value = look();
    if (value !== undefined) return value;
    if (Date.now() > deadline) throw new Error('it did not come about within four minutes');
    await pause(20);
  }
}

/** Counts lines; `slow` milliseconds of rest after every 4 MiB. */
async function count(
  stream: RemoteProcess['stdout'],
  slow: number,
  look: () => void = () => undefined,
): Promise<number> {
  let lines = 0;
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    for (const byte of chunk) if (byte === 0x0a) lines++;
    bytes += chunk.length;
    if (slow > 0 && bytes > 4 * 1024 * 1024) {
      bytes = 0;
      look();
      await pause(slow);
    }
  }
  return lines;
}

function allArguments(): string {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    })
    .join('\n');
}
