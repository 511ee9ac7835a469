import { describe, expect, it } from 'vitest';
import { trouble } from '../../../src/core/result.ts';
import { identityProbe } from '../../../src/effects/host/identity.ts';
import { fakeHostKey } from '../../fakes/machine.ts';
import { machineWith } from './stand-ins.ts';

const dmidecode = (serial: string, uuid: string): string =>
  `case $2 in system-serial-number) echo "${serial}" ;; system-uuid) echo "${uuid}" ;; esac`;
const denied = 'echo "/dev/mem: Permission denied" >&2; exit 1';
const missing = 'echo "$0: not found" >&2; exit 127';
const uuid = 'A1234567-89AB-CDEF-A123-456789ABCDEF';
const hostnamectl = `cat <<'END'
   Static hostname: web01
        Machine ID: 0f2c0f2c0f2c0f2c0f2c0f2c0f2c0f2d
           Boot ID: 46a9275ba2344662a4b550cdb92bc041
  Operating System: Debian GNU/Linux 12 (bookworm)
END`;
/** Answers for the files that are asked; none of this computer's own are read. */
const files = (answers: { readonly [path: string]: string }): string =>
  `[ $# -gt 0 ] || exec /bin/cat\ncase $1 in\n${Object.entries(answers)
    .map(([path, script]) => `${path}) ${script} ;;`)
    .join('\n')}\n*) echo "cat: $1: No such file or directory" >&2; exit 1 ;;\nesac`;

const ask = async (programs: { readonly [name: string]: string }, options = {}) => {
  const seen = await identityProbe(machineWith({ cat: files({}), ...programs }, options))({ kind: 'host.identity' });
  if (!seen.known) throw new Error(seen.trouble.what);
  return seen.value;
};

describe('the identity of a host', () => {
  it('is what its programs say, in one command', async () => {
    const machine = machineWith({ dmidecode: dmidecode('0012345', uuid), hostnamectl, cat: files({}) });
    expect(await identityProbe(machine)({ kind: 'host.identity' })).toEqual({
      known: true,
      value: {
        serial: { known: true, value: '0012345' },
        uuid: { known: true, value: uuid.toLowerCase() },
        machine_id: { known: true, value: '0f2c0f2c0f2c0f2c0f2c0f2c0f2c0f2d' },
        boot_id: { known: true, value: '46a9275b-a234-4662-a4b5-50cdb92bc041' },
        host_key: { known: true, value: fakeHostKey },
      },
    });
    expect(machine.commands).toHaveLength(1);
    expect(machine.commands[0]?.root).toBe(true);
  });

  it('comes from files where the programs are missing', async () => {
    const identity = await ask({
      dmidecode: missing,
      hostnamectl: missing,
      cat: files({
        '/sys/class/dmi/id/product_serial': 'echo S-77',
        '/sys/class/dmi/id/product_uuid': `echo ${uuid}`,
        '/etc/machine-id': 'echo 0f2c0f2c0f2c0f2c0f2c0f2c0f2c0f2d',
        '/proc/sys/kernel/random/boot_id': 'echo 46a9275b-a234-4662-a4b5-50cdb92bc041',
      }),
    });
    expect(identity).toMatchObject({
      serial: { value: 'S-77' },
      uuid: { value: uuid.toLowerCase() },
      machine_id: { value: '0f2c0f2c0f2c0f2c0f2c0f2c0f2c0f2d' },
      boot_id: { value: '46a9275b-a234-4662-a4b5-50cdb92bc041' },
    });
  });

  it('lets one closed source hide no other', async () => {
    const identity = await ask({ dmidecode: denied, hostnamectl });
    expect(identity).toMatchObject({
      serial: {
        known: false,
        trouble: { code: 'needs-root', fix: 'Set ssh.sudo: true for fake01 in hosts.yaml, and allow it in sudoers.' },
      },
      uuid: { known: false, trouble: { code: 'needs-root' } },
      machine_id: { known: true },
      boot_id: { known: true },
    });
  });

  it.each(['root-needed', 'sudo-refused', 'sudo-password-wrong', 'no-secret'])(
    'is asked without root where that is not to be had (%s), and why is said of what only root can read',
    async (code) => {
      const identity = await ask(
        { dmidecode: denied, hostnamectl },
        { rootTrouble: trouble(code, 'sudo says no', 'Allow it.') },
      );
      expect(identity).toMatchObject({
        serial: {
          trouble: {
            code: 'needs-root',
            what: 'the serial number of fake01 can be read by root only: sudo says no',
            fix: 'Allow it.',
          },
        },
        machine_id: { known: true },
      });
    },
  );

  it('is not known where the host has no DMI', async () => {
    expect(await ask({ dmidecode: missing, hostnamectl })).toMatchObject({ serial: { trouble: { code: 'no-dmi' } } });
  });

  it('is unknown where a program printed more than is read, and never "none"', async () => {
    const endless = 'head -c 200000 /dev/zero | tr "\\0" x';
    const why = {
      code: 'identity-cut',
      what: 'the serial number of fake01 could not be read: "dmidecode -s system-serial-number" printed more than 64 KiB there',
      fix: expect.stringContaining('dmidecode -s system-serial-number'),
    };
    expect(await ask({ dmidecode: endless, hostnamectl })).toMatchObject({
      serial: { known: false, trouble: why },
      uuid: { known: false, trouble: { code: 'identity-cut' } },
      machine_id: { known: false, trouble: { code: 'identity-cut' } },
      boot_id: { known: false, trouble: { code: 'identity-cut' } },
    });
    const later = await ask({ dmidecode: dmidecode('S-1', uuid), hostnamectl: endless });
    expect(later).toMatchObject({
      serial: { known: true, value: 'S-1' },
      machine_id: { known: false, trouble: { code: 'identity-cut', what: expect.stringContaining('hostnamectl') } },
    });
  });

  it('passes over the remarks of dmidecode', async () => {
    const remarks = '# SMBIOS implementations newer than version 3.2.0 are not\\n# fully supported.';
    const identity = await ask({ dmidecode: `printf '${remarks}\\n%s\\n' S-1`, hostnamectl });
    expect(identity.serial).toEqual({ known: true, value: 'S-1' });
  });

  it.each([
    'To Be Filled By O.E.M.',
    'Default string',
    'Not Specified',
    'System Serial Number',
    '0000000000',
    'XXXXXXXXXX',
    '123456789',
    '.....',
    'None',
  ])('is not "%s"', async (serial) => {
    const identity = await ask({ dmidecode: dmidecode(serial, uuid), hostnamectl });
    expect(identity.serial).toMatchObject({ known: false, trouble: { code: 'placeholder' } });
    expect(identity.uuid.known).toBe(true);
  });

  it.each([
    '00000000-0000-0000-0000-000000000000',
    'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
    '03000200-0400-0500-0006-000700080009',
    'Not Settable',
  ])('is not the UUID "%s"', async (value) => {
    const identity = await ask({ dmidecode: dmidecode('S-1', value), hostnamectl });
    expect(identity.uuid).toMatchObject({ known: false, trouble: { code: 'placeholder' } });
  });

  it.each(['7E12345', '0012345', '12345', '12345678', 'VMware-56 4d 7a', 'CZ1234567A', '5'.repeat(6).concat('6')])(
    'may be the serial "%s"',
    async (serial) => {
      expect((await ask({ dmidecode: dmidecode(serial, uuid), hostnamectl })).serial).toEqual({
        known: true,
        value: serial,
      });
    },
  );

  it('is not known where the host cannot be asked', async () => {
    const machine = machineWith({});
    machine.unreachable(trouble('refused', 'nothing listens there', 'Check the port.'));
    expect(await identityProbe(machine)({ kind: 'host.identity' })).toMatchObject({
      known: false,
      trouble: { code: 'refused' },
    });
  });
});
