import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStage, type Stage } from './interruption.ts';

/*
 * Taking a host into the inventory by what it says of itself.
 */
let s: Stage;

beforeEach(async () => {
  s = await openStage();
});
afterEach(() => s.close());

const add = (...more: readonly string[]) => {
  const { ssh } = s.machine;
  const key = createHash('sha256').update(Buffer.from(ssh.hostKey.split(' ')[1] ?? '', 'base64'));
  return s.bench.decom(
    ...['host', 'add', 'second', '--address', ssh.address, '--port', String(ssh.port), '--user', ssh.user],
    ...['--identity', ssh.identityFile, '--accept-host-key', `SHA256:${key.digest('base64').replace(/=+$/, '')}`],
    ...more,
  );
};

test('with a program that stands for its BMC: it is asked who it is, and the entry works', async () => {
  const { serial, uuid } = s.machine.identity;
  s.bench.write(
    'power',
    `#!/bin/sh
read -r question
case $question in
*'"ask":"identity"'*) echo '{"guid":"${uuid}","serial":"${serial}"}' ;;
*'"ask":"power"'*) [ "$1" = here ] && echo '{"power":"on"}' ;;
esac
`,
  );
  expect((await add('--bmc', 'command')).stderr).toContain('the program is missing');
  expect((await add('--bmc-program', './power')).stderr).toContain('a BMC needs its kind');
  expect((await add('--bmc', 'command', '--bmc-program', './power', '--bmc-user', 'x')).code).toBe(2);
  const withProgram = () =>
    add(
      '--bmc',
      'command',
      '--bmc-program',
      '/bin/sh',
      '--bmc-program',
      `${s.bench.folder}/power`,
      '--bmc-program',
      'here',
    );
  // The workspace knows the machine already.
  const twice = await withProgram();
  expect([twice.code, twice.stderr]).toEqual([4, expect.stringContaining('is that of practice in hosts.yaml')]);
  rmSync(join(s.bench.folder, 'hosts.yaml'));
  const added = await withProgram();
  expect(added.code, added.stderr).toBe(0);
  expect(added.stdout).toContain(`${uuid}, the same as the UUID`);
  s.bench.runbook('- { id: power, title: Power, uses: power.status, with: { expect: "on" } }');
  const run = await s.bench.decom('run', 'second', '--dry-run', '--non-interactive');
  expect(run.code, `${run.stdout}${run.stderr}`).toBe(0);
});
