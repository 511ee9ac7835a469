import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ok, type Result, trouble } from '../../core/result.ts';

/** What the operator's SSH configuration says for one destination. Only what differs from ssh's own defaults counts as said. */
export interface SshConfig {
  /** All values of a keyword (in small letters) in order; empty where the configuration does not set it. */
  all(keyword: string): readonly string[];
  /** The first of them. */
  one(keyword: string): string | undefined;
}

export interface ConfigQuestion {
  /** What would be typed after `ssh`. */
  readonly destination: string;
  /** What is decided already, so that `Match` sees it. */
  readonly address?: string;
  readonly port?: number;
  readonly user?: string;
  /** A file instead of ~/.ssh/config and /etc/ssh/ssh_config; `none` for none. */
  readonly file?: string;
  readonly home: string;
  readonly environment: NodeJS.ProcessEnv;
}

const nothing: SshConfig = { all: () => [], one: () => undefined };

/** Milliseconds: `Match exec` and canonical names may take their time. */
const within = 15_000;

/**
 * Asks `ssh -G`, which reads Include, Match and the rest as ssh itself does, and compares with what it says without any configuration.
 * Without an ssh program the configuration is not known, which is said. Trouble: `ssh-config-bad`.
 */
export async function readSshConfig(
  question: ConfigQuestion,
): Promise<Result<{ readonly config: SshConfig; readonly note?: string }>> {
  if (question.file === 'none') return ok({ config: nothing });
  const given = question.file === undefined ? [] : ['-F', question.file];
  const [said, usual] = await Promise.all([dump(question, given), dump(question, ['-F', 'none'])]);
  if (said.how === 'done' && usual.how === 'done') return ok({ config: difference(said.text, usual.text) });
  if (said.how === 'failed' && usual.how === 'done') {
    return fail(
      trouble(
        'ssh-config-bad',
        `the SSH configuration cannot be read for ${question.destination}: ${said.text.split('\n')[0]}`,
        'Correct it, and try: ssh -G '.concat(question.destination),
        said.text,
      ),
    );
  }
  const there = question.file !== undefined || existsSync(join(question.home, '.ssh/config'));
  return ok({
    config: nothing,
    ...(there ? { note: 'the SSH configuration is not read: there is no ssh program here that knows -G' } : {}),
  });
}

interface Dump {
  readonly how: 'done' | 'failed' | 'no-program';
  readonly text: string;
}

function dump(
  { destination, address, port, user, environment }: ConfigQuestion,
  file: readonly string[],
): Promise<Dump> {
  const argv = [
    '-G',
    ...file,
    ...(address === undefined ? [] : ['-o', `HostName=${address.replaceAll('%', '%%')}`]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
    '--',
    destination,
  ];
  return new Promise((resolve) => {
    const child = execFile('ssh', argv, { timeout: within, env: environment }, (error, stdout, stderr) => {
      if (error === null) resolve({ how: 'done', text: stdout });
      else
        resolve({ how: error.code === 'ENOENT' ? 'no-program' : 'failed', text: complaint(stderr) || error.message });
    });
    child.stdin?.end();
  });
}

const complaint = (stderr: string): string =>
  stderr
    .split(/\r?\n/)
    .filter((line) => line !== '' && !line.startsWith('Pseudo-terminal'))
    .join('\n');

function difference(said: string, usual: string): SshConfig {
  const mine = keywords(said);
  const theirs = keywords(usual);
  const all = (keyword: string): readonly string[] => {
    const values = mine.get(keyword) ?? [];
    return values.join('\n') === (theirs.get(keyword) ?? []).join('\n') ? [] : values;
  };
  return { all, one: (keyword) => all(keyword)[0] };
}

function keywords(text: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const blank = line.indexOf(' ');
    if (blank === -1) continue;
    const keyword = line.slice(0, blank).toLowerCase();
    found.set(keyword, [...(found.get(keyword) ?? []), line.slice(blank + 1)]);
  }
  return found;
}

/** Expands `~/` and the tokens of ssh_config(5) that are known before connecting; undefined where one is not. */
export function expand(text: string, tokens: { readonly [token: string]: string }, home: string): string | undefined {
  let unknown = false;
  const expanded = text.replace(/^~(?=\/)/, home).replace(/%(.)/g, (whole, token: string) => {
    if (token === '%') return '%';
    const value = tokens[token];
    unknown ||= value === undefined;
    return value ?? whole;
  });
  return unknown ? undefined : expanded;
}
