import { dirname } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { copiesIn } from './compare-copies.ts';
import { poll } from './poll.ts';
import { startVm, type Vm } from './vm.ts';
import { type Called, type Calling, type VmWorkspace, vmWorkspace } from './vm-workspace.ts';

/*
 * What happens to a step when its connection is cut, or its operator presses Ctrl-C, in the middle of the act. One machine for
 * all tests: each has a workspace of its own.
 */
let vm: Vm;
let workspace: VmWorkspace;

beforeAll(async () => {
  vm = await startVm({ start: 'warm' });
  // Whatever acts waits in the middle of its act for as long as /run/hold is there: nothing depends on how fast the cut comes.
  const files = {
    '/usr/local/bin/wait-here': '#!/bin/sh\nwhile test -e /run/hold; do sleep 0.1; done\n',
    '/etc/systemd/system/app.service.d/slow.conf': '[Service]\nExecStop=/usr/local/bin/wait-here\nTimeoutStopSec=600\n',
    ...Object.fromEntries(
      Object.entries({ tar: '*-c*', rsync: '*--server*' }).map(([program, pattern]) => [
        `/usr/local/bin/${program}`,
        `#!/bin/sh\ncase "$*" in ${pattern}) if test -e /run/hold; then /usr/bin/${program} "$@" | { head -c 300000; wait-here; cat; }; exit; fi ;; esac\nexec /usr/bin/${program} "$@"\n`,
      ]),
    ),
  };
  for (const [path, text] of Object.entries(files)) {
    await vm.sh(`mkdir -p '${dirname(path)}' && cat > '${path}' && chmod 755 '${path}'`, text);
  }
  await vm.sh('systemctl daemon-reload');
});
afterAll(() => vm?.stop());
afterEach(() => workspace?.remove());

const runbook = (uses: string, given: (vault: string) => string) => (vault: string) =>
  `decom: 1
name: one
phases:
  - phase: one
    steps:
      - id: identity
        uses: identity.check
      - id: act
        uses: ${uses}
        with: ${given(vault)}
`;
const mark = runbook(
  'command.run',
  () =>
    "{ shell: 'wait-here; echo mark >> /var/lib/decom-mark', probe: { argv: [test, -s, /var/lib/decom-mark], within: 20s }, root: true }",
);
const stop = runbook('service.stop', () => '{ units: [app.service], disable: false }');
const archive = runbook(
  'backup.archive',
  (vault) => `{ from: [/srv/many/00, /srv/data], to: ${JSON.stringify(vault)} }`,
);
const mirror = runbook('backup.rsync', (vault) => `{ from: [/srv/many/00, /srv/data], to: ${JSON.stringify(vault)} }`);

/** Starts a run and waits until the act goes on, both in the log and on the machine. */
async function inTheMiddle(text: (vault: string) => string, process: string): Promise<Calling> {
  workspace = vmWorkspace(vm, text);
  const planned = await workspace.decom('plan', 'web01', '-o', 'plan.json');
  expect(planned.code, planned.stdout + planned.stderr).toBe(0);
  await vm.sh('touch /run/hold');
  const calling = workspace.start('run', '--plan', 'plan.json', '--non-interactive');
  await poll(
    'the act to begin',
    async () => {
      if (calling.child.exitCode !== null) throw new Error(`it ended: ${JSON.stringify(await calling.ended)}`);
      if (!workspace.log().some(({ type, step }) => type === 'operation.intended' && step === 'act')) return undefined;
      return (await vm.sh(`pgrep -f ${process}`)).code === 0 ? true : undefined;
    },
    20,
  );
  return calling;
}

/** Kills every login of decom on the machine, by the ids of its sshd processes; then what waited goes on. */
const cut = () => vm.sh("kill -KILL $(pgrep -f '^sshd: decom'); rm /run/hold");

const ended = (called: Called, codes: readonly number[]): Called => {
  expect(codes, `${called.code}\n${called.stdout}\n${called.stderr}`).toContain(called.code);
  return called;
};
const resume = (): Promise<Called> => workspace.decom('resume', 'web01', '--non-interactive');

/** Resumes until the run is no longer in doubt. */
const resumed = (): Promise<Called> =>
  poll('the doubt to be settled', async () => {
    const called = await resume();
    return called.code === 5 ? undefined : called;
  });

const intended = () =>
  workspace.log().filter(({ type, step }) => type === 'operation.intended' && step === 'act').length;

test('a command that may happen once outlives a cut connection, and its end is learnt', async () => {
  const calling = await inTheMiddle(mark, "'bin/[w]ait-here'");
  await cut();
  ended(await calling.ended, [0]);
  expect(intended()).toBe(1);
  expect((await vm.sh('cat /var/lib/decom-mark')).stdout.toString()).toBe('mark\n');
  expect((await workspace.decom('audit', 'verify', 'web01')).code).toBe(12);
});

test('a command whose connection freezes is found again over a new one', async () => {
  await vm.sh('rm -f /var/lib/decom-mark');
  const calling = await inTheMiddle(mark, "'bin/[w]ait-here'");
  const frozen = (await vm.sh("pgrep -f '^sshd: decom'")).stdout.toString().trim().split('\n');
  await vm.sh(`kill -STOP ${frozen.join(' ')}; rm /run/hold`);
  ended(await calling.ended, [0]);
  await vm.sh(`kill -KILL ${frozen.join(' ')}`);
  expect(intended()).toBe(1);
  expect((await vm.sh('cat /var/lib/decom-mark')).stdout.toString()).toBe('mark\n');
  const receipt = workspace.log().find(({ type, step }) => type === 'operation.done' && step === 'act')?.receipt;
  expect(receipt?.lost).toBe('the SSH connection to web01 was lost: it stopped answering');
});

test('stopping a service goes on after a cut connection', async () => {
  const calling = await inTheMiddle(stop, "'bin/[w]ait-here'");
  await cut();
  ended(await calling.ended, [5, 10]);
  ended(await resumed(), [0]);
  expect((await vm.sh('systemctl is-active app')).stdout.toString()).toBe('inactive\n');
});

test.each([
  ['an archive', archive, "'[t]ar .*srv'"],
  ['a mirror', mirror, "'[r]sync --server'"],
])('%s whose connection is cut is no copy, and the next attempt makes a whole one', async (_name, text, process) => {
  const calling = await inTheMiddle(text, process);
  await cut();
  ended(await calling.ended, [5, 10]);
  expect(copiesIn(workspace.vault)).toEqual([]);
  ended(await resumed(), [0]);
  expect(copiesIn(workspace.vault)).toHaveLength(1);
});

test('Ctrl-C in an archive ends the tar on the machine, exits 130, and the run can be resumed', async () => {
  const calling = await inTheMiddle(archive, "'[t]ar .*srv'");
  calling.child.kill('SIGINT');
  ended(await calling.ended, [130]);
  expect(copiesIn(workspace.vault)).toEqual([]);
  await poll('tar to be gone from the machine', async () =>
    (await vm.sh("pgrep -f '[t]ar .*srv'")).code === 1 ? true : undefined,
  );
  await vm.sh('rm /run/hold');
  expect((await workspace.decom('audit', 'verify', 'web01')).code).toBe(11);
  ended(await resumed(), [0]);
  expect(copiesIn(workspace.vault)).toHaveLength(1);
});

// The last one: it boots the machine anew.
test('a host that is restarted in the middle of a command leaves it in doubt: nothing is guessed, and nothing is begun again', async () => {
  await vm.sh('rm -f /var/lib/decom-mark');
  const long = runbook(
    'command.run',
    () =>
      "{ shell: 'sleep 600.5; echo mark >> /var/lib/decom-mark', probe: { argv: [test, -s, /var/lib/decom-mark] }, root: true }",
  );
  const calling = await inTheMiddle(long, "'[s]leep 600.5'");
  const boot = async () => (await vm.sh('cat /proc/sys/kernel/random/boot_id')).stdout.toString();
  const before = await boot();
  await vm.sh('sync');
  await vm.restart();
  await vm.booted();
  expect(await boot()).not.toBe(before);
  ended(await calling.ended, [5]);
  const doubt = await resume();
  ended(doubt, [5]);
  expect(intended()).toBe(1);
  expect((await vm.sh('test -e /var/lib/decom-mark')).code).toBe(1);
  // What cannot be settled can be given up.
  ended(await workspace.decom('abandon', 'web01', '--reason', 'done by hand'), [0]);
  expect((await vm.sh('test -e /var/lib/decom/claim')).code).toBe(1);
});
