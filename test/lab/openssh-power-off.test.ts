import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStage, type Stage } from '../faults/interruption.ts';
import { type Sshd, startSshd } from './sshd.ts';

/*
 * Switching a machine off that only the ssh program can reach: whole runs of the built program, which end with the machine off.
 */
let s: Stage;
let bastion: Sshd | undefined;

beforeEach(async () => {
  s = await openStage();
});
afterEach(async () => {
  await bastion?.stop();
  bastion = undefined;
  await s.close();
});

const steps = (): string => `
- { id: identity, title: identity, uses: identity.check }
- { id: unused, title: unused, uses: use.check, with: { watch: 1s } }
- { id: stop, title: stop, uses: service.stop, with: { unit: app.service } }
- { id: copy, title: copy, uses: backup.archive, with: { from: [${s.machine.folders[0]}], to: ${s.bench.vault} } }
- { id: proof, title: proof, uses: restore.verify, with: { backup: "\${{ steps.copy.backup }}" } }
- { id: off, title: off, uses: power.off, with: { grace: 30s } }`;

const configured = (text: string): void => {
  s.bench.write('ssh_config', text);
  s.bench.edit('hosts.yaml', 'config: none', `config: ${join(s.bench.folder, 'ssh_config')}\n      transport: openssh`);
};
/** The verdict on switching it off. */
const off = (): { readonly said: string; readonly evidence: unknown } => {
  const event = s.bench.events().find((e) => e.type === 'step.verified' && e.step === 'off');
  if (event?.type !== 'step.verified') throw new Error('it was not switched off');
  return { said: event.said, evidence: event.evidence };
};

/** A program that carries a connection, as `nc` does. */
function carrier(): string {
  const file = join(s.folder, 'carry.cjs');
  writeFileSync(
    file,
    `const there = require('node:net').connect(Number(process.argv[3]), process.argv[2]);
     process.stdin.pipe(there); there.pipe(process.stdout);
     there.on('error', () => {}); there.on('close', () => process.exit());`,
  );
  return `${process.execPath} ${file} %h %p`;
}

test('behind a ProxyCommand: the BMC says it six times, and the log and the report say that nothing else could', async () => {
  configured(`Host practice\n  ProxyCommand ${carrier()}\n`);
  s.bench.runbook(steps());
  await s.bench.plan();
  const ended = await s.bench.decom(...s.bench.unattended);
  expect(ended.code, `${ended.stdout}${ended.stderr}`).toBe(0);
  expect(await s.machine.power.get()).toBe('off');
  expect(off()).toEqual({
    said: expect.stringMatching(
      /^off in 6 readings of the BMC; nothing answers any more by the way on which the host answered at /,
    ),
    evidence: [expect.objectContaining({ kind: 'power.is-off', silent_since: expect.stringMatching(/^20.*Z$/) })],
  });
  expect((await s.bench.decom('report', 'practice')).code).toBe(0);
});

test('behind a bastion by the ssh program: the bastion says that nothing listens any more', async () => {
  bastion = await startSshd();
  s.bench.edit(
    'hosts.yaml',
    /hosts:\n/,
    `hosts:
  gate:
    addresses: ["${bastion.address}"]
    serial: "GATE-1"
    ssh: { user: root, port: ${bastion.port}, identity_files: [${bastion.userKey}], host_keys: ["${bastion.hostKeys[0]}"], config: none }
`,
  );
  // The wire between would accept connections for a machine that is off.
  s.bench.edit('hosts.yaml', `port: ${s.bench.ssh.port}`, `port: ${s.machine.ssh.port}`);
  s.bench.edit(
    'hosts.yaml',
    'config: none\n    bmc',
    'config: none\n      transport: openssh\n      jump: [gate]\n    bmc',
  );
  s.bench.runbook(steps());
  await s.bench.plan();
  const ended = await s.bench.decom(...s.bench.unattended);
  expect(ended.code, `${ended.stdout}${ended.stderr}`).toBe(0);
  expect(off()).toMatchObject({ said: 'off in 3 readings of the BMC, and the host no longer answers' });
  expect(off().evidence).not.toEqual([expect.objectContaining({ silent_since: expect.anything() })]);
});
