import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trouble } from '../../../src/core/result.ts';
import type { Survey } from '../../../src/core/survey.ts';
import { surveyProbe } from '../../../src/effects/host/survey.ts';
import { surveyScript } from '../../../src/effects/host/survey-script.ts';
import { surveyContract } from '../../contracts/survey.ts';
import { fakeMachine } from '../../fakes/machine.ts';

surveyContract('a machine that is this one', async () => ({ machine: fakeMachine(), close: async () => {} }), {
  ssh: false,
  root: process.getuid?.() === 0,
});

const ask = async (machine: ReturnType<typeof fakeMachine>): Promise<Survey> => {
  const seen = await surveyProbe(machine)({ kind: 'host.survey' });
  await machine.close();
  if (!seen.known) throw new Error(seen.trouble.what);
  return seen.value;
};

describe('a survey of a host with programs that lie, hang or never end', () => {
  let folder: string;
  let survey: Survey;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'decom-survey-'));
    const put = (name: string, script: string) => {
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(folder, name), 0o755);
    };
    put('who', "printf '>who\\n<cron\\ncron|table /etc/evil\\nwho|x\\n!mounts absent\\n%%exit 0\\n'; exit 3");
    put('last', 'trap "" PIPE TERM; while :; do echo "0123456789012345678901234567890123456789"; done');
    put('df', 'trap "" TERM; sleep 600 & sleep 600');
    put(
      'lsblk',
      `printf 'KNAME="sda" NAME="sda" TYPE="disk" MODEL="\\033]0;x\\007" SERIAL="S\\\\x22\\\\x0a>lsblk" SIZE="5"\\n'`,
    );
    survey = await ask(fakeMachine({ path: `${folder}:${process.env.PATH}` }));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is not led into another source by what one prints', () => {
    expect(JSON.stringify(survey.cron)).not.toContain('evil');
    expect(survey.mounts.known).toBe(true);
  });

  it('takes nothing from a program that never ends printing, and says so', () => {
    expect(survey.last_logins).toMatchObject({ known: false, trouble: { code: 'survey-cut' } });
  });

  it('goes on without a program that hangs, and says what is missing for that', () => {
    expect(survey.mounts).toMatchObject({
      value: { rows: expect.arrayContaining([expect.objectContaining({ target: '/', size: null })]) },
    });
    expect(survey.mounts.known && survey.mounts.value.lacks?.map(({ code }) => code)).toEqual(['survey-cut']);
  });

  it('keeps what could repaint a terminal out of every text', () => {
    expect(survey.disks).toMatchObject({
      value: { rows: [{ device: '/dev/sda', model: '\\x1b]0;x\\x07', serial: 'S"\\n>lsblk' }] },
    });
  });
});

describe('a survey of a host that tells nothing', () => {
  const sources = [...surveyScript.matchAll(/(?:ask|files) ([a-z]+) /g)].map(([, name]) => name);
  it.each([
    ['every source fails', sources.map((name) => `<${name}\n${name}|%exit 1\n>${name}\n`).join('')],
    ['every source is closed', sources.map((name) => `!${name} closed\n`).join('')],
    ['every source breaks off', sources.map((name) => `<${name}\n`).join('')],
  ])('is unknown in every section, and empty in none, where %s', async (_what, answer) => {
    const folder = mkdtempSync(join(tmpdir(), 'decom-survey-'));
    const program = join(folder, 'answers');
    writeFileSync(program, `#!/bin/sh\ncat <<'END'\ndecom survey 1 1000\n${answer}decom survey end\nEND\n`, {
      mode: 0o700,
    });
    try {
      const { root: _root, ...sections } = await ask(fakeMachine({ environment: { DECOM_SURVEY: program } }));
      const fine = Object.entries(sections).filter(([, section]) => section.known && !('lacks' in section.value));
      expect(fine.map(([name]) => name)).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says why it was asked without root', async () => {
    const why = trouble('sudo-refused', 'sudo lets the login run nothing', 'Allow it in sudoers.');
    const machine = fakeMachine({ rootTrouble: why });
    await ask(machine);
    expect(machine.commands.map(({ root }) => root)).toEqual([false]);
  });

  it('is unknown where the host cannot be asked at all', async () => {
    const machine = fakeMachine();
    machine.unreachable(trouble('timeout', 'fake01 does not answer', 'Try again.'));
    expect(await surveyProbe(machine)({ kind: 'host.survey' })).toMatchObject({
      known: false,
      trouble: { code: 'timeout' },
    });
    await machine.close();
  });
});
