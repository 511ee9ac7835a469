import { expect, test } from 'vitest';
import { exit } from '../../src/cli/exit.ts';
import { runProgram } from '../../src/cli/program.ts';

/** What a call prints on stderr, and its exit code. */
async function refused(...argv: string[]): Promise<string> {
  const { write } = process.stderr;
  let text = '';
  process.stderr.write = (chunk: string | Uint8Array): boolean => {
    text += String(chunk);
    return true;
  };
  try {
    expect(await runProgram(argv)).toBe(exit.usage);
  } finally {
    process.stderr.write = write;
  }
  return text;
}

test('a call that a command does not take names the help of that command', async () => {
  expect(await refused('plan')).toBe("error: missing required argument 'host'\nSee: decom plan --help\n");
  expect(await refused('run', 'web01', '--jsno')).toBe(
    "error: unknown option '--jsno'\n(Did you mean --json?)\nSee: decom run --help\n",
  );
  expect(await refused('audit', 'verify')).toBe(
    "error: missing required argument 'run'\nSee: decom audit verify --help\n",
  );
  expect(await refused('plna')).toBe("error: unknown command 'plna'\n(Did you mean plan?)\nSee: decom --help\n");
});

/** The events that a call prints on stdout with --json. */
async function told(...argv: string[]): Promise<readonly unknown[]> {
  const { write } = process.stdout;
  let text = '';
  process.stdout.write = (chunk: string | Uint8Array): boolean => {
    text += String(chunk);
    return true;
  };
  try {
    await refused(...argv, '--json');
  } finally {
    process.stdout.write = write;
  }
  return text
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

test('with --json a call without a command is told as a usage error, and no name of the parser is', async () => {
  const wrong = { code: 'usage', what: 'no command was named', fix: 'See: decom --help' };
  expect((await told()).at(-1)).toMatchObject(wrong);
  expect((await told('audit')).at(-1)).toMatchObject(wrong);
  expect((await told('plna')).at(-1)).toMatchObject({ code: 'usage', what: expect.stringContaining('plna') });
});
