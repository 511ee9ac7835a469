import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Bench, bench, settings } from '../faults/bench.ts';
import { type Ended, endCalls } from '../faults/program.ts';
import { type IpmiSim, startIpmiSim } from './ipmi-sim.ts';
import { type Person, person } from './people.ts';
import { freePort, type Sshd, startSshd } from './sshd.ts';

/*
 * A dead machine with a real BMC, whose button nothing listens to any more; and an address at which a real sshd answers, which is no dead machine.
 */
const guid = '3f2a9c10-5b7e-4d21-9a44-0c1d2e3f4a5b';
const serial = '7E12345';
let b: Bench;
let bmc: IpmiSim;
let sshd: Sshd | undefined;
let ci: Person;
let grace: Person;

beforeEach(async () => {
  b = bench();
  const power = join(b.folder, 'power');
  const control = join(b.folder, 'control');
  writeFileSync(power, '1\n');
  // Its system is gone: the button is heard by nobody.
  writeFileSync(
    control,
    `#!/bin/sh\ncase "$2 $3" in\n"get power") echo "power:$(cat ${power})" ;;\n"set power") echo "$4" > ${power} ;;\n"set shutdown") ;;\n*) exit 1 ;;\nesac\n`,
  );
  chmodSync(control, 0o755);
  bmc = await startIpmiSim({ guid, user: 'decom', password: 'secret', control, serial });
  writeFileSync(join(b.folder, 'bmc-password'), 'secret\n', { mode: 0o600 });
  inventory(await freePort());
  ci = person(b.folder, 'ci');
  grace = person(b.folder, 'grace@example.org');
  b.write('allowed_signers', ci.line + grace.line);
  b.write('decom.yaml', `${settings}allowed_signers: allowed_signers\n`);
  mkdirSync(join(b.folder, 'runbooks'), { recursive: true });
  const shipped = fileURLToPath(new URL('../../runbooks/dead-server.yaml', import.meta.url));
  copyFileSync(shipped, join(b.folder, 'runbooks', 'dead-server.yaml'));
  b.write('answers.yaml', answers);
});
afterEach(async () => {
  await endCalls();
  await sshd?.stop();
  sshd = undefined;
  await bmc.stop();
  b.remove();
});

const inventory = (port: number, expected = guid): void =>
  b.write(
    'hosts.yaml',
    `hosts:
  dead01:
    addresses: [127.0.0.1]
    serial: "${serial}"
    uuid: ${expected}
    ssh: { port: ${port}, config: none }
    bmc: { kind: ipmi, address: 127.0.0.1, port: ${bmc.port}, user: decom, spacing: 10ms, guid: ${expected}, password: { file: ${join(b.folder, 'bmc-password')} } }
`,
  );
const tick = (...ids: readonly string[]): string => ids.map((id) => `      ${id}: { done: true }\n`).join('');
const answers = `answers:
  attest:
    items:
      serial: { done: true, note: "${serial}" }
  told: { confirm: true }
  copies:
    items:
${tick('last', 'restored')}  unplug:
    items:
${tick('label', 'no-power', 'unplugged')}  disks:
    items:
${tick('out', 'locked', 'order')}  found: { confirm: true }
`;
const isOn = (): boolean => readFileSync(join(b.folder, 'power'), 'utf8').trim() === '1';
async function ends(who: Person, code: number, ...args: readonly string[]): Promise<string> {
  const ended: Ended = await b.start(args, who.as).ended;
  expect(ended.code, `${ended.stdout}\n${ended.stderr}`).toBe(code);
  return (ended.stdout + ended.stderr).replaceAll(/\s+/g, ' ');
}
const plan = ['plan', 'dead01', '-r', 'dead-server', '-p', 'over=1s', '-p', 'grace=2s', '-o', 'plan.json'] as const;
const unattended = ['--non-interactive', '--answers', 'answers.yaml', `--confirm=${serial}`] as const;
const run = ['run', '--plan', 'plan.json', '--approval', 'approval.json', ...unattended] as const;
const approve = (): Promise<string> => ends(grace, 0, 'approve', 'plan.json', '-o', 'approval.json');

test('a machine whose system is gone is switched off by its real BMC once people have said which it is, and that it is dead', async () => {
  expect(await ends(ci, 0, ...plan)).not.toContain('blocked');
  await approve();
  expect(await ends(ci, 4, ...run)).toContain('running, host-keys, machine-id, uuid cannot be had');
  for (const gate of ['running', 'host-keys', 'machine-id', 'uuid']) {
    expect(isOn()).toBe(true);
    await ends(grace, 0, 'waive', 'dead01', `attest/${gate}`, '--reason', 'dark, and its console shows nothing');
  }
  await ends(ci, 0, 'resume', 'dead01', ...unattended);
  expect(isOn()).toBe(false);
  // The button came first, and only then the cut.
  const acts = b
    .events()
    .flatMap((event) =>
      event.type === 'operation.intended' && event.operation.kind === 'bmc.power' ? [event.operation.how] : [],
    );
  expect(acts).toEqual(['soft', 'hard']);
  const evidence = b.events().flatMap((event) => (event.type === 'step.verified' ? event.evidence : []));
  expect(evidence).toMatchObject([
    { kind: 'identity.attested', sources: ['label', 'bmc guid', 'bmc serial'] },
    { kind: 'power.is-off' },
  ]);
}, 120_000);

test('an address at which a real sshd answers, with whatever key, is not that of a dead machine', async () => {
  sshd = await startSshd();
  inventory(sshd.port);
  expect(await ends(ci, 0, ...plan)).toContain('dead01 answers on its address: it is not dead');
  await approve();
  expect(await ends(ci, 4, ...run)).toContain('it is not dead');
  expect(isOn()).toBe(true);
});

test('the BMC of another machine ends it, and nobody can answer for that', async () => {
  inventory(await freePort(), 'a1234567-89ab-cdef-a123-456789abcdef');
  expect(await ends(ci, 0, ...plan)).toContain('belongs to another machine');
  await approve();
  expect(await ends(ci, 4, ...run)).toContain('belongs to another machine');
  await ends(grace, 2, 'waive', 'dead01', 'attest/bmc', '--reason', 'no matter');
  expect(isOn()).toBe(true);
});
