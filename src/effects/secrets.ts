import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Secrets } from '../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../core/result.ts';
import { type Secret, type SecretRef, secret } from '../core/secret.ts';

export interface SecretSources {
  readonly environment: { readonly [name: string]: string | undefined };
  /** What of it a program gets that gives a secret; all of it if absent. */
  readonly forPrograms?: { readonly [name: string]: string | undefined };
  /** Files are relative to this folder. */
  readonly folder: string;
  /** Asks a person without echo; undefined where nobody answered. Absent where there is nobody to ask. */
  readonly ask?: (question: string) => Promise<string | undefined>;
  /** Told of every value, so that it can be taken out of what is printed and kept. */
  readonly redactor: { add(value: Secret): void };
  /** Longest time in milliseconds for a program that gives a secret. Default 60,000. */
  readonly within?: number;
}

const greatest = 65_536;

/** Gives secrets from where they are kept. Each is fetched once; a failed attempt is not remembered. */
export function secretsFrom(sources: SecretSources): Secrets {
  const known = new Map<string, Promise<Result<Secret>>>();
  return async (ref, what) => {
    const key = JSON.stringify(ref);
    const before = known.get(key);
    if (before !== undefined) return before;
    const fetching = fetchSecret(ref, what, sources);
    known.set(key, fetching);
    const result = await fetching;
    if (result.ok) sources.redactor.add(result.value);
    else known.delete(key);
    return result;
  };
}

/**
 * Has values taken out of texts from the start, as a machine may show one before it is first needed here: whatever can be had without asking
 * a person. One that cannot be had is told when it is needed.
 */
export async function foreknow(refs: readonly SecretRef[], secrets: Secrets): Promise<void> {
  for (const ref of refs) if (ref.prompt === undefined) await secrets(ref, 'a secret');
}

async function fetchSecret(ref: SecretRef, what: string, sources: SecretSources): Promise<Result<Secret>> {
  if (ref.env !== undefined) return fromEnvironment(ref.env, what, sources);
  if (ref.file !== undefined) return fromFile(ref.file, what, sources);
  if (ref.command !== undefined) return fromCommand(ref.command, what, sources);
  if (ref.prompt !== undefined) return fromPrompt(ref.prompt, what, sources);
  return fail(missing(what, 'it does not say where it is kept', 'Give one of env, file, command or prompt.'));
}

const missing = (what: string, why: string, fix: string): Trouble =>
  trouble('no-secret', `${what} cannot be had: ${why}`, fix);

function fromEnvironment(name: string, what: string, { environment }: SecretSources): Result<Secret> {
  const value = environment[name];
  if (value !== undefined && value !== '') return ok(secret(value));
  const why = `the environment variable ${name} is ${value === undefined ? 'not set' : 'empty'}`;
  return fail(missing(what, why, `Set it in this shell: read -rs ${name} && export ${name}`));
}

async function fromFile(name: string, what: string, { folder }: SecretSources): Promise<Result<Secret>> {
  const path = isAbsolute(name) ? name : join(folder, name);
  let text: string;
  try {
    // Not waiting for a writer, should the name be a pipe's.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await file.stat();
      if (!stat.isFile()) return fail(missing(what, `${path} is not a file`, 'Name a file whose first line it is.'));
      if ((stat.mode & 0o077) !== 0) {
        return fail(missing(what, `${path} can be read by others`, `Close it: chmod 600 ${path}`));
      }
      if (stat.size > greatest) return fail(missing(what, `${path} is too large`, 'Is it the right file?'));
      text = await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? `there is no file ${path}` : `${path} cannot be read (${code})`;
    return fail(missing(what, why, 'Create it with mode 600, or correct its name.'));
  }
  return firstLine(text, what, path);
}

async function fromCommand(argv: readonly string[], what: string, sources: SecretSources): Promise<Result<Secret>> {
  const [program = '', ...rest] = argv;
  const { execa } = await import('execa');
  const { failed, code, timedOut, exitCode, signal, stdout } = await execa(program, rest, {
    reject: false,
    stdin: 'ignore',
    stderr: 'ignore',
    timeout: sources.within ?? 60_000,
    maxBuffer: greatest,
    env: { ...(sources.forPrograms ?? sources.environment) },
    extendEnv: false,
    cwd: sources.folder,
  });
  if (!failed) return firstLine(stdout, what, `the output of ${program}`);
  // Neither its output nor execa's message is shown: both may hold the secret.
  const why = timedOut
    ? `${program} took too long`
    : code === 'ENOENT'
      ? `there is no program ${program}`
      : `${program} ${signal === undefined ? `ended with ${exitCode ?? code}` : `was ended by ${signal}`}`;
  return fail(missing(what, why, `Run it by hand to see why: ${program} …`));
}

async function fromPrompt(question: string, what: string, { ask }: SecretSources): Promise<Result<Secret>> {
  const fix = 'Give it by env, file or command, or run this at a terminal.';
  if (ask === undefined) return fail(missing(what, 'nobody is there to be asked', fix));
  const answer = await ask(question);
  if (answer !== undefined && answer !== '') return ok(secret(answer));
  return fail(missing(what, 'the question was not answered', fix));
}

function firstLine(text: string, what: string, where: string): Result<Secret> {
  const line = text.split(/\r?\n/, 1)[0] ?? '';
  return line === '' ? fail(missing(what, `the first line of ${where} is empty`, 'Write it there.')) : ok(secret(line));
}
