import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Secret, SecretRef } from '../../src/core/secret.ts';
import { type SecretSources, secretsFrom } from '../../src/effects/secrets.ts';

let folder: string;
let told: Secret[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'decom-secrets-'));
  told = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const sources = (more: Partial<SecretSources> = {}): SecretSources => ({
  environment: { PATH: process.env.PATH, BMC: 'hunter2', EMPTY: '' },
  folder,
  redactor: { add: (value) => told.push(value) },
  ...more,
});
const fetched = async (ref: SecretRef, more?: Partial<SecretSources>): Promise<string> => {
  const result = await secretsFrom(sources(more))(ref, 'the BMC password');
  return result.ok ? result.value.reveal() : `${result.error.what}. ${result.error.fix}`;
};
const write = (name: string, text: string, mode = 0o600): string => {
  writeFileSync(join(folder, name), text);
  chmodSync(join(folder, name), mode);
  return name;
};

describe('a secret', () => {
  it('comes from the environment, a file, a program or a person, and is told to the redactor', async () => {
    expect(await fetched({ env: 'BMC' })).toBe('hunter2');
    expect(await fetched({ file: write('pw', 'first line\r\nsecond\n') })).toBe('first line');
    expect(await fetched({ file: join(folder, 'pw') })).toBe('first line');
    expect(await fetched({ command: ['printf', '%s\\n', 'a b; $(c)', 'x'] })).toBe('a b; $(c)');
    expect(await fetched({ prompt: 'BMC password?' }, { ask: async (question) => `<${question}>` })).toBe(
      '<BMC password?>',
    );
    expect(told.map((value) => value.reveal())).toEqual([
      'hunter2',
      'first line',
      'first line',
      'a b; $(c)',
      '<BMC password?>',
    ]);
    expect(`${told[0]} ${JSON.stringify(told)}`).not.toContain('hunter2');
  });

  it('is fetched once, and asked again only after a failure', async () => {
    const answers = [undefined, 'second', 'third'];
    const secrets = secretsFrom(sources({ ask: async () => answers.shift() }));
    const ref = { prompt: 'Password?' };
    expect((await secrets(ref, 'x')).ok).toBe(false);
    const [one, two] = await Promise.all([secrets(ref, 'x'), secrets(ref, 'x')]);
    expect(one.ok && one.value.reveal()).toBe('second');
    expect(two.ok && two.value.reveal()).toBe('second');
    expect(answers).toEqual(['third']);
  });

  it.each<[string, SecretRef, string]>([
    [
      'a variable that is not set',
      { env: 'NOPE' },
      'the environment variable NOPE is not set. Set it in this shell: read -rs NOPE && export NOPE',
    ],
    [
      'an empty variable',
      { env: 'EMPTY' },
      'the environment variable EMPTY is empty. Set it in this shell: read -rs EMPTY && export EMPTY',
    ],
    ['a missing file', { file: 'none' }, 'there is no file FOLDER/none. Create it with mode 600, or correct its name.'],
    ['a folder', { file: '.' }, 'FOLDER is not a file. Name a file whose first line it is.'],
    ['an open file', { file: 'open' }, 'FOLDER/open can be read by others. Close it: chmod 600 FOLDER/open'],
    ['an empty first line', { file: 'blank' }, 'the first line of FOLDER/blank is empty. Write it there.'],
    [
      'a program that is missing',
      { command: ['no-such-program'] },
      'there is no program no-such-program. Run it by hand to see why: no-such-program …',
    ],
    [
      'a program that fails',
      { command: ['sh', '-c', 'echo leaked; echo leaked >&2; exit 3'] },
      'sh ended with 3. Run it by hand to see why: sh …',
    ],
    [
      'a program that is killed',
      { command: ['sh', '-c', 'kill -9 $$'] },
      'sh was ended by SIGKILL. Run it by hand to see why: sh …',
    ],
    [
      'nobody to ask',
      { prompt: 'Password?' },
      'nobody is there to be asked. Give it by env, file or command, or run this at a terminal.',
    ],
  ])('%s is trouble that says what to do and shows no output', async (_, ref, text) => {
    write('open', 'x\n', 0o640);
    write('blank', '\nx\n');
    expect((await fetched(ref)).replaceAll(folder, 'FOLDER')).toBe(`the BMC password cannot be had: ${text}`);
    expect(told).toEqual([]);
  });

  it('is given up where its program takes too long', async () => {
    expect(await fetched({ command: ['sleep', '60'] }, { within: 50 })).toBe(
      'the BMC password cannot be had: sleep took too long. Run it by hand to see why: sleep …',
    );
  });
});
