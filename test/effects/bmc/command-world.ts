import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secret } from '../../../src/core/secret.ts';
import { type CommandOptions, commandBmc } from '../../../src/effects/bmc/command.ts';
import type { BmcWorld, BmcWorldOptions } from '../../contracts/bmc.ts';
import { testClock } from '../../fakes/test-clock.ts';

export interface CommandWorld extends BmcWorld {
  readonly folder: string;
  /** What the program was asked, line by line. */
  asked(): Promise<readonly string[]>;
  bmc(
    client?: Partial<CommandOptions> & { readonly password?: string; readonly closedPort?: boolean },
  ): ReturnType<typeof commandBmc>;
}

/** A machine that is a file, switched by a program that wants a password in its environment. */
export async function commandWorld({
  guid = 'a1b2c3d4-0506-4708-890a-0b0c0d0e0f10',
  power = 'on',
  refuses,
}: BmcWorldOptions = {}): Promise<CommandWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'power-program-'));
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  for (const [name, text] of Object.entries({ power, light: 'off', asked: '', touched: '' })) {
    await writeFile(join(folder, name), text);
  }
  await writeFile(
    join(folder, 'switch'),
    [
      '#!/bin/sh',
      'IFS= read -r question',
      'printf "%s\\n" "$question" >> asked',
      'no() { printf \'{"trouble":"%s","why":"said the program"}\\n\' "$1"; exit 0; }',
      'yes() { echo x >> touched; printf %s "$2" > "$1"; echo \'{"accepted":true}\'; exit 0; }',
      '[ "$1" = near ] || no unreachable',
      '[ "$TOKEN" = correct-horse ] || no refused',
      'case $question in',
      '*\'"ask":"power"\'*) printf \'{"power":"%s"}\' "$(cat power)" ;;',
      '*\'"ask":"indicator"\'*) printf \'{"indicator":"%s"}\' "$(cat light)" ;;',
      `*'"ask":"identity"'*) echo '{"guid":"${guid.toUpperCase()}","serial":"S0012345"}' ;;`,
      refuses === 'soft' ? '*\'"how":"soft"\'*) no declined ;;' : '',
      '*\'"ask":"set","want":"on"\'*) yes power on ;;',
      '*\'"ask":"set","want":"off"\'*) yes power off ;;',
      '*\'"ask":"locate","want":"on"\'*) yes light on ;;',
      '*\'"ask":"locate","want":"off"\'*) yes light off ;;',
      '*\'"ask":"reset"\'*) yes light off ;;',
      'esac',
      '',
    ].join('\n'),
    { mode: 0o755 },
  );
  return {
    guid,
    serial: 'S0012345',
    folder,
    asked: async () => (await read('asked')).split('\n').slice(0, -1),
    bmc: ({ password = 'correct-horse', closedPort = false, ...client } = {}) =>
      commandBmc({
        name: 'web01',
        argv: ['./switch', closedPort ? 'far' : 'near'],
        secrets: { TOKEN: secret(password) },
        environment: process.env,
        folder,
        clock: testClock,
        ...client,
      }),
    power: async () => ((await read('power')) === 'on' ? 'on' : 'off'),
    touched: async () => (await read('touched')).split('\n').length - 1,
    light: async () => ((await read('light')) === 'on' ? 'on' : 'off'),
    restarts: async () => (await read('asked')).split('"reset"').length - 1,
    stop: () => rm(folder, { recursive: true, force: true }),
  };
}
