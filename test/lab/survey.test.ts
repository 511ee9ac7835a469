import { describe, expect, it } from 'vitest';
import type { Machine } from '../../src/core/ports.ts';
import { wholly } from '../../src/core/survey.ts';
import { surveyProbe } from '../../src/effects/host/survey.ts';
import { surveyFrame } from '../../src/effects/host/survey-frame.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import { got, text } from '../contracts/machine.ts';
import { surveyContract } from '../contracts/survey.ts';
import { makeAccount } from './account.ts';
import { startBusyboxHost } from './busybox-host.ts';
import { type Sshd, startSshd } from './sshd.ts';

const machineAt = (sshd: Sshd, sudo = false): Machine =>
  sshMachine(
    {
      ...{ name: 'web01', address: sshd.address, port: sshd.port, user: sshd.user, sudo },
      ...{ identityFiles: [sshd.userKey], hostKeys: sshd.hostKeys },
    },
    { home: '/nonexistent' },
  );

surveyContract(
  'a real sshd, logged in as root',
  async () => {
    const sshd = await startSshd();
    return { machine: machineAt(sshd), close: () => sshd.stop() };
  },
  { ssh: true, root: true },
);

for (const root of [true, false]) {
  surveyContract(
    `a real sshd, ${root ? 'by sudo' : 'without root'}`,
    async () => {
      const account = makeAccount(`decom-v${process.pid}`, root ? 'ALL=(root) NOPASSWD: ALL' : undefined, '/bin/dash');
      const sshd = await startSshd({ user: account.name });
      return {
        machine: machineAt(sshd, root),
        close: async () => {
          await sshd.stop();
          account.remove();
        },
      };
    },
    { ssh: true, root },
  );
}

describe('the survey of a host of BusyBox alone', () => {
  it('tells what runs, listens and is connected there, and what it cannot tell', async () => {
    const host = await startBusyboxHost();
    const machine = sshMachine(
      {
        ...{ name: 'old01', address: '127.0.0.1', port: host.port, user: 'root', sudo: false },
        ...{ identityFiles: [host.userKey], hostKeys: host.hostKeys },
      },
      { home: '/nonexistent' },
    );
    try {
      const seen = await surveyProbe(machine)({ kind: 'host.survey' });
      if (!seen.known) throw new Error(seen.trouble.what);
      const survey = seen.value;
      expect(survey.os).toMatchObject({ value: { init: 'sysv' } });
      expect(wholly(survey.services)).toEqual([{ unit: 'app', running: 'yes', enabled: 'yes', about: '' }]);
      expect(wholly(survey.listeners)?.find(({ at }) => at.port === host.port)).toMatchObject({
        proto: 'tcp',
        process: { name: 'sshd' },
      });
      expect(wholly(survey.connections)?.filter(({ own }) => own)).toMatchObject([
        { incoming: true, local: { port: host.port } },
      ]);
      for (const section of ['disks', 'parts', 'last_logins'] as const) expect(survey[section].known).toBe(false);
    } finally {
      await machine.close();
      await host.stop();
    }
  });

  it('ends with its last answer, not with the time that its `timeout` was given', async () => {
    const host = await startBusyboxHost();
    const machine = sshMachine(
      {
        ...{ name: 'old01', address: '127.0.0.1', port: host.port, user: 'root', sudo: false },
        ...{ identityFiles: [host.userKey], hostKeys: host.hostKeys },
      },
      { home: '/nonexistent' },
    );
    try {
      const script = surveyFrame([{ name: 'one', asks: 'echo 1', cap: 1000 }], '', { together: 3600, each: 3600 });
      const signal = AbortSignal.timeout(120_000);
      const { stdout } = got(await machine.exec({ argv: ['sh', '-c', script], root: false }, { signal }));
      expect(text(stdout)).toMatch(/^<one\none\|1\n[\s\S]*\ndecom survey end\n$/m);
    } finally {
      await machine.close();
      await host.stop();
    }
  });
});
