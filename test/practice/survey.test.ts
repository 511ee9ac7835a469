import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Survey } from '../../src/core/survey.ts';
import { wholly } from '../../src/core/survey.ts';
import { surveyProbe } from '../../src/effects/host/survey.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import { type Computer, startComputer } from '../../src/practice/computer.ts';

describe('the survey of the practice machine', () => {
  let folder: string;
  let computer: Computer;
  let survey: Survey;
  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'practice-')));
    computer = await startComputer({ folder });
    const { address, port, user, hostKey, identityFile } = computer.ssh;
    const machine = sshMachine(
      { name: 'practice', address, port, user, identityFiles: [identityFile], hostKeys: [hostKey], sudo: false },
      { home: '/nonexistent' },
    );
    const seen = await surveyProbe(machine)({ kind: 'host.survey' });
    await machine.close();
    if (!seen.known) throw new Error(seen.trouble.what);
    survey = seen.value;
  });
  afterAll(async () => {
    await computer.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('tells who it is, not who the computer underneath is', () => {
    expect(survey.identity).toMatchObject({ value: { serial: { value: computer.identity.serial } } });
    expect(survey.os).toMatchObject({ value: { name: 'Practice Linux 1', hostname: 'practice' } });
    expect(wholly(survey.disks)).toMatchObject([
      { device: '/dev/practice0', serial: `${computer.identity.serial}-D0` },
    ]);
  });

  test('tells its own services and its own socket, and nothing else', () => {
    expect(wholly(survey.services)?.map(({ unit, running }) => [unit, running])).toEqual([
      ['app.service', 'yes'],
      ['web.service', 'yes'],
    ]);
    expect(wholly(survey.timers)?.map(({ timer }) => timer)).toEqual(['app-watch.timer']);
    expect(wholly(survey.listeners)).toEqual([
      {
        proto: 'tcp',
        at: { address: '127.0.0.1', port: computer.ssh.port },
        process: { name: 'sshd', pid: process.pid },
      },
    ]);
  });

  test('sees the one connection that it was asked by', () => {
    expect(wholly(survey.connections)).toMatchObject([{ own: true, incoming: true, inside: true }]);
  });

  test('says what it does not have as unknown', () => {
    expect(survey.load).toMatchObject({ value: { history: { known: false } } });
    for (const section of ['sessions', 'exports', 'databases', 'guests', 'roles'] as const) {
      expect(wholly<unknown>(survey[section])).toEqual([]);
    }
  });
});
