import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { commandBmc } from '../../../src/effects/bmc/command.ts';
import { testClock } from '../../fakes/test-clock.ts';

const script = fileURLToPath(new URL('../../../docs/examples/virsh-power', import.meta.url));
const never = new AbortController().signal;
const open: string[] = [];
afterEach(async () => {
  for (const folder of open.splice(0)) await rm(folder, { recursive: true });
});

/** The example with a `virsh` on its PATH that says what the real one says; `says` is by its command, as a piece of shell. */
async function withVirsh(says: { readonly [command: string]: string }) {
  const folder = await mkdtemp(join(tmpdir(), 'virsh-'));
  open.push(folder);
  const cases = Object.entries({ domstate: 'echo running', ...says }).map(
    ([command, text]) => `${command}) ${text}\n;;`,
  );
  await writeFile(
    join(folder, 'virsh'),
    ['#!/bin/sh', `echo "$*" >> ${folder}/calls`, 'case $4 in', ...cases, 'esac', ''].join('\n'),
    { mode: 0o755 },
  );
  const bmc = commandBmc({
    name: 'web01',
    argv: [script, 'qemu:///system', 'web01.example'],
    secrets: {},
    environment: { PATH: `${folder}:${process.env.PATH}` },
    folder,
    clock: testClock,
  });
  return { bmc, calls: async () => (await readFile(join(folder, 'calls'), 'utf8')).split('\n').slice(0, -1) };
}

it('reads the power of every state of a domain, and takes a strange one for unknown', async () => {
  for (const [state, power] of [
    ['running', 'on'],
    ['idle', 'on'],
    ['paused', 'on'],
    ['in shutdown', 'on'],
    ['pmsuspended', 'on'],
    ['shut off', 'off'],
  ] as const) {
    const { bmc } = await withVirsh({ domstate: `echo '${state}'; echo` });
    expect(await bmc.power()).toEqual({ known: true, value: power });
  }
  for (const state of ['crashed', 'no state', '']) {
    const { bmc } = await withVirsh({ domstate: `echo '${state}'` });
    expect(await bmc.power()).toMatchObject({ known: false });
  }
});

it('says what virsh says of a libvirt that is not there', async () => {
  const { bmc } = await withVirsh({
    domstate: `echo "error: failed to connect to the hypervisor" >&2; exit 1`,
  });
  const trouble = { code: 'bmc-no-answer', detail: 'error: failed to connect to the hypervisor' };
  expect(await bmc.power()).toMatchObject({ known: false, trouble });
  expect(await bmc.setPower('off', 'hard', never)).toMatchObject({ ok: false, error: trouble });
});

it('tells the serial of the system from those of the board and the chassis', async () => {
  const { bmc } = await withVirsh({
    domuuid: 'echo a1234567-89ab-4def-8123-456789abcdef; echo',
    dumpxml: `cat <<'XML'
<domain><name>web01</name>
  <sysinfo type='smbios'>
    <system>
      <entry name='manufacturer'>x</entry>
      <entry name='serial'>0012345</entry>
    </system>
    <baseBoard><entry name='serial'>BOARD</entry></baseBoard>
    <chassis><entry name='serial'>CHASSIS</entry></chassis>
  </sysinfo>
</domain>
XML`,
  });
  expect(await bmc.identity()).toMatchObject({
    known: true,
    value: {
      guid: { known: true, value: 'a1234567-89ab-4def-8123-456789abcdef' },
      serial: { known: true, value: '0012345' },
    },
  });
});

it('knows neither GUID nor serial where libvirt names none', async () => {
  const { bmc } = await withVirsh({ domuuid: 'exit 1', dumpxml: 'echo "<domain/>"' });
  expect(await bmc.identity()).toMatchObject({
    known: true,
    value: { guid: { known: false }, serial: { known: false } },
  });
});

it('shuts down by the ACPI button, cuts by destroy, and starts', async () => {
  const { bmc, calls } = await withVirsh({ shutdown: ':', destroy: ':', start: ':' });
  expect(await bmc.setPower('off', 'soft', never)).toEqual({ ok: true, value: undefined });
  expect(await bmc.setPower('off', 'hard', never)).toEqual({ ok: true, value: undefined });
  expect(await bmc.setPower('on', 'soft', never)).toEqual({ ok: true, value: undefined });
  expect((await calls()).filter((call) => !call.includes('domstate'))).toEqual([
    '--quiet --connect qemu:///system shutdown web01.example --mode acpi',
    '--quiet --connect qemu:///system destroy web01.example',
    '--quiet --connect qemu:///system start web01.example',
  ]);
});

it('tells a refusal of libvirt from a connection that was lost on the way', async () => {
  const { bmc } = await withVirsh({
    destroy: 'echo "error: Failed to destroy domain \'web01\'" >&2; exit 1',
    shutdown: 'echo "error: End of file while reading data: Input/output error" >&2; exit 1',
  });
  expect(await bmc.setPower('off', 'hard', never)).toMatchObject({ error: { code: 'bmc-declined' } });
  expect(await bmc.setPower('off', 'soft', never)).toMatchObject({ error: { code: 'bmc-unanswered' } });
});

it('knows of no locator light and no restart', async () => {
  const { bmc } = await withVirsh({});
  expect(await bmc.indicator()).toMatchObject({ known: false, trouble: { code: 'bmc-cannot-tell' } });
  expect(await bmc.restart(never)).toMatchObject({ ok: false, error: { code: 'bmc-declined' } });
});

it('stands in the manual as it is', async () => {
  const manual = await readFile(new URL('../../../docs/power-by-command.md', import.meta.url), 'utf8');
  expect(manual).toContain(`\`\`\`sh\n${await readFile(script, 'utf8')}\`\`\`\n`);
});

it('is a script that every POSIX shell reads', () => {
  execFileSync('dash', ['-n', script]);
});
