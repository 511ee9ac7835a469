import { describe, expect, it } from 'vitest';
import { serviceProbe } from '../../../src/effects/host/service.ts';
import { machineWith } from './stand-ins.ts';

const nowhere = '/nonexistent';

const ask = (systemctl: string, unit = 'nginx.service') =>
  serviceProbe(machineWith({ systemctl }), nowhere)({ kind: 'service', unit });

describe('the state of a service', () => {
  it('is what systemctl shows', async () => {
    const shown =
      'printf "LoadState=loaded\\nActiveState=active\\nSubState=running\\nUnitFileState=enabled\\nTriggeredBy=\\n"';
    expect(await ask(shown)).toEqual({
      known: true,
      value: {
        unit: 'nginx.service',
        load: 'loaded',
        active: 'active',
        sub: 'running',
        enabled: 'enabled',
        triggers: [],
      },
    });
  });

  it('names what would start it again, with the state of each', async () => {
    const shown = `case "$*" in
      *TriggeredBy*) printf "TriggeredBy=ssh.socket ssh.path\\nLoadState=loaded\\nActiveState=inactive\\nSubState=dead\\nUnitFileState=disabled\\n" ;;
      *'-- ssh.socket ssh.path') printf "ActiveState=active\\n\\nActiveState=inactive\\n" ;;
    esac`;
    expect(await ask(shown, 'ssh.service')).toMatchObject({
      known: true,
      value: {
        triggers: [
          { unit: 'ssh.socket', active: 'active' },
          { unit: 'ssh.path', active: 'inactive' },
        ],
      },
    });
  });

  it('of a unit that does not exist is known: not-found', async () => {
    const shown =
      'printf "LoadState=not-found\\nActiveState=inactive\\nSubState=dead\\nUnitFileState=\\nTriggeredBy=\\n"';
    expect(await ask(shown)).toMatchObject({ known: true, value: { load: 'not-found', enabled: '' } });
  });

  it.each([
    ['systemctl is missing', 'echo "systemctl: not found" >&2; exit 127', 'no-systemd'],
    [
      'systemd is not running',
      'echo "System has not been booted with systemd as init system (PID 1). Can\'t operate." >&2; exit 1',
      'no-systemd',
    ],
    ['its bus does not answer', 'echo "Failed to connect to bus: No such file or directory" >&2; exit 1', 'no-systemd'],
    ['systemctl fails', 'echo "Failed to get properties" >&2; exit 1', 'service-unknown'],
    ['systemctl is killed', 'kill -KILL $$', 'service-unknown'],
    ['systemctl says nothing', 'true', 'service-unknown'],
  ])('is not known where %s, and never "stopped"', async (_why, systemctl, code) => {
    expect(await ask(systemctl)).toMatchObject({ known: false, trouble: { code } });
  });

  it('is not known where a trigger was not told', async () => {
    const shown = `case "$*" in
      *TriggeredBy*) printf "TriggeredBy=a.socket b.socket\\nLoadState=loaded\\nActiveState=inactive\\n" ;;
      *) printf "ActiveState=inactive\\n" ;;
    esac`;
    expect(await ask(shown)).toMatchObject({ known: false, trouble: { code: 'service-unknown' } });
  });

  it('is not known where the connection is lost meanwhile', async () => {
    const machine = machineWith({ systemctl: 'sleep 605' });
    const asked = serviceProbe(machine)({ kind: 'service', unit: 'nginx.service' });
    setImmediate(function cut() {
      if (machine.commands.length === 0) setImmediate(cut);
      else machine.cut();
    });
    expect(await asked).toMatchObject({ known: false });
  });
});
