import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStage, type Stage } from '../faults/interruption.ts';
import type { Ended } from '../faults/program.ts';

/*
 * Packets that get lost between here and the host and its BMC: netfilter drops them by count, each way (its "numgen", as many kernels lack
 * netem). By chance, a connection would now and then lose the same packet four times, and be right to be given up. Only packets of the
 * practice machine's two ports are touched.
 */
const table = `decom_loss_${process.pid}`;
let s: Stage;

beforeEach(async () => {
  s = await openStage();
  s.bench.edit('hosts.yaml', `port: ${s.bench.ssh.port}`, `port: ${s.machine.ssh.port}`);
  s.bench.edit('hosts.yaml', `port: ${s.bench.bmc.port}`, `port: ${s.machine.bmc.port}`);
});
afterEach(async () => {
  // Added first, so that there is one to delete.
  execFileSync('nft', ['-f', '-'], { input: `add table inet ${table}\ndelete table inet ${table}\n` });
  await s.close();
});

/** Drops one packet of so many, each way. */
function loseOneOf(many: number): void {
  const ports = `{ ${s.machine.ssh.port}, ${s.machine.bmc.port} }`;
  const rules = ['dport', 'sport'].map((end) => `tcp ${end} ${ports} numgen inc mod ${many} < 1 counter drop`);
  execFileSync('nft', ['-f', '-'], {
    input: [
      `add table inet ${table}`,
      `add chain inet ${table} in { type filter hook input priority 0; }`,
      ...rules.map((rule) => `add rule inet ${table} in ${rule}`),
      '',
    ].join('\n'),
  });
}
/** How many packets were dropped. */
const lost = (): number =>
  [...execFileSync('nft', ['list', 'table', 'inet', table], { encoding: 'utf8' }).matchAll(/packets (\d+)/g)]
    .map((found) => Number(found[1]))
    .reduce((a, b) => a + b, 0);

test.each([
  ['ssh2', ''],
  ['the ssh program', 'config: none\n      transport: openssh'],
])('with every tenth packet lost each way the whole job comes to the same end, by %s', async (_by, transport) => {
  if (transport !== '') s.bench.edit('hosts.yaml', 'config: none', transport);
  s.bench.runbook(`
- { id: identity, title: identity, uses: identity.check }
- id: work
  title: work
  uses: command.run
  with: { shell: "echo began >> ${s.folder}/began", probe: { argv: [test, -s, ${s.folder}/began] } }
- { id: unused, title: unused, uses: use.check, with: { watch: 1s } }
- { id: stop, title: stop, uses: service.stop, with: { unit: app.service } }
- { id: copy, title: copy, uses: backup.archive, with: { from: [${s.machine.folders[0]}], to: ${s.bench.vault} } }
- { id: mirror, title: mirror, uses: backup.rsync, with: { from: [${s.machine.folders[0]}], to: ${s.bench.vault} } }
- { id: proof, title: proof, uses: restore.verify, with: { backup: "\${{ steps.copy.backup }}" } }
- { id: off, title: off, uses: power.off, with: { grace: 5m } }`);
  await s.bench.plan();
  loseOneOf(10);
  const ended: Ended = await s.bench.decom(...s.bench.unattended);
  expect(ended.code, `${ended.stdout}\n${ended.stderr}`).toBe(0);
  expect(lost()).toBeGreaterThan(20);
  expect(readFileSync(join(s.folder, 'began'), 'utf8')).toBe('began\n');
  expect(readdirSync(join(s.bench.vault, 'practice'))).toHaveLength(2);
  expect(
    existsSync(join(s.bench.vault, 'practice', readdirSync(join(s.bench.vault, 'practice'))[0] ?? '', 'copy.json')),
  ).toBe(true);
  expect(await s.machine.power.get()).toBe('off');
  const verified = await s.bench.decom('audit', 'verify', 'practice');
  expect(verified.code).toBe(0);
});
