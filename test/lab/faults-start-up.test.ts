import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { approved } from '../faults/approved.ts';
import { notKept } from '../faults/bench.ts';
import { typesOf } from '../faults/interruption.ts';
import type { Ended } from '../faults/program.ts';
import { type OldWorkspace, oldWorkspace, serial } from './old-workspace.ts';

/*
 * Start-up files of the login on the host (~/.ssh/rc) that talk, or hang from one moment on, in whole runs of the built program.
 */

/** Waits for as long as the file is there, and for no longer than the host lives. */
const hangs = 'while [ -e /hang ]; do sleep 0.1; done\n';
const talks = 'echo "Serial Number: WRONG"; printf "no newline"; echo "quota exceeded" >&2; printf "%s" "$PATH" >&2\n';

const transports = ['ssh2', 'openssh'] as const;

/** A host whose login does `rc` first. From the step `gate` on, which asks its BMC, its start-up files hang. */
async function stage(
  context: TestContext,
  transport: (typeof transports)[number],
  rc: string,
  steps: (w: OldWorkspace) => string,
) {
  const hang = (of: Pick<OldWorkspace, 'host'>): string => join(of.host.root, 'hang');
  let hung = false;
  const w = await oldWorkspace([], {
    programs: ['/usr/bin/rsync', '/usr/bin/find', '/usr/bin/dash', '/usr/bin/env'],
    asked: (of) => {
      if (hung || typesOf(of.b.events(), 'gate').length === 0) return;
      hung = true;
      writeFileSync(hang(of), '');
    },
  });
  context.onTestFinished(() => w.close());
  // The shell and the env of BusyBox would take its own find and tar, whatever lies on the PATH.
  rmSync(join(w.host.root, 'bin/sh'));
  symlinkSync('/usr/bin/dash', join(w.host.root, 'bin/sh'));
  mkdirSync(join(w.host.root, 'root/.ssh'));
  writeFileSync(join(w.host.root, 'root/.ssh/rc'), rc);
  if (steps(w).includes('service.start'))
    w.host.inside('chroot "$1" /etc/init.d/app stop && mv "$1/etc/rc3.d/S20app" "$1/etc/rc3.d/K20app"');
  const app = join(w.host.root, 'etc/init.d/app');
  writeFileSync(app, readFileSync(app, 'utf8').replace('\n', '\n[ "$1" = status ] || echo "$1" >> /srv/calls\n'));
  w.b.edit('hosts.yaml', 'config: none', `config: none, transport: ${transport}`);
  w.b.write(
    'runbooks/retire.yaml',
    `decom: 1\nname: retire\ntitle: Retire\n${notKept}\nphases:\n  - phase: all\n    title: All of it\n    steps:\n${steps(w).replace(/^/gm, '      ')}\n`,
  );
  const at = ['--non-interactive', `--confirm=${serial}`];
  ended(await w.b.decom('plan', 'old01', '-o', 'plan.json'), 0);
  const approvals = steps(w).includes('power.off') ? approved(w.b.folder) : [];
  return {
    w,
    run: () => w.b.decom('run', '--plan', 'plan.json', ...at, ...approvals),
    resume: () => w.b.decom('resume', 'old01', ...at),
    mend: () => rmSync(hang(w), { force: true }),
    /** They hang from the first start of a program on; of a service's script, from its first `call` on. */
    hangsWith: (program: string, call: string) => {
      const path = join(w.host.root, program);
      renameSync(path, `${path}.real`);
      const other = program.startsWith('etc/init.d/') ? `[ "$1" = status ] || [ "$1" != ${call} ] || ` : '';
      const once = `${other}[ -e /run/hung ] || { : > /run/hung; : > /hang; }`;
      const own = program.startsWith('bin/') ? `exec busybox ${basename(program)}` : `exec /${program}.real`;
      writeFileSync(path, `#!/bin/sh\n${once}\n${own} "$@"\n`, { mode: 0o755 });
    },
    /** Milliseconds that a step took by the log. */
    waited: (id: string) => {
      const times = w.b.events().flatMap((e) => ('step' in e && e.step === id ? [Date.parse(e.ts)] : []));
      return (times.at(-1) ?? 0) - (times[0] ?? 0);
    },
    read: (file: string) => {
      const path = join(w.host.root, file);
      return existsSync(path) ? readFileSync(path, 'utf8') : '';
    },
  };
}

const ended = (called: Ended, code: number): Ended => {
  expect(called.code, `${called.stdout}\n${called.stderr}`).toBe(code);
  return called;
};
const step = (id: string, uses: string, input = '{}'): string =>
  `- { id: ${id}, title: ${id}, uses: ${uses}, with: ${input} }`;
const identity = step('identity', 'identity.check');
const gate = step('gate', 'power.status');
const unused = step('unused', 'use.check', '{ watch: 1s }');
const copy = (method: string) => (w: OldWorkspace) =>
  step('x', `backup.${method}`, `{ from: [/srv, /etc], to: ${w.b.vault} }`);
/** What has to be there before a machine is switched off. */
const proven = ({ b }: OldWorkspace): readonly string[] => [
  unused,
  step('stop', 'service.stop', '{ unit: app.service }'),
  step('copy', 'backup.archive', `{ from: [/srv, /etc], to: ${b.vault} }`),
  step('proof', 'restore.verify', `{ backup: "\${{ steps.copy.backup }}" }`),
];
const copies = (w: OldWorkspace): readonly string[] =>
  readdirSync(w.b.vault, { recursive: true, encoding: 'utf8' }).filter((name) => /copy\.json$/.test(name));

describe.concurrent.each(transports)('start-up files that talk, over %s', (transport) => {
  test('hold up no action, and nothing they say is taken for an answer: the whole job goes through', async (context) => {
    const s = await stage(context, transport, talks, ({ b: { vault } }) =>
      [
        identity,
        step('bmc', 'power.status', '{ expect: "on" }'),
        step(
          'mark',
          'command.run',
          `{ shell: "echo mark >> /srv/mark", probe: { argv: [test, -s, /srv/mark] }, root: true }`,
        ),
        unused,
        step('stop', 'service.stop', '{ unit: app.service }'),
        step('archive', 'backup.archive', `{ from: [/srv, /etc], to: ${vault} }`),
        step('archive-proof', 'restore.verify', `{ backup: "\${{ steps.archive.backup }}" }`),
        step('mirror', 'backup.rsync', `{ from: [/srv, /etc], to: ${vault} }`),
        step('mirror-proof', 'restore.verify', `{ backup: "\${{ steps.mirror.backup }}" }`),
        step('"off"', 'power.off', '{ grace: 1m }'),
      ].join('\n'),
    );
    ended(await s.run(), 0);
    expect(await s.w.host.power.get()).toBe('off');
    expect(s.read('srv/mark')).toBe('mark\n');
    expect(s.read('srv/calls')).toBe('stop\n');
    ended(await s.w.b.decom('audit', 'verify', 'old01'), 0);
  });
});

const act = '{ shell: "echo mark >> /srv/mark", probe: { argv: [test, -s, /srv/mark] }, root: true }';

describe.concurrent.each(transports)('start-up files that hang, over %s', (transport) => {
  test.for([
    ['identity.check', () => step('x', 'identity.check')],
    ['command.run', () => step('x', 'command.run', act)],
    ['service.stop', () => step('x', 'service.stop', '{ unit: app.service }')],
    ['service.start', () => step('x', 'service.start', '{ unit: app.service }')],
    ['backup.archive', copy('archive')],
    ['backup.rsync', copy('rsync')],
    ['power.off', () => step('x', 'power.off', '{ grace: 1m }')],
  ] as const)('before %s block it with the reason, and it goes on once they are mended', async ([uses, x], context) => {
    const s = await stage(context, transport, hangs, (w) =>
      [identity, ...(uses === 'power.off' ? proven(w) : []), gate, x(w)].join('\n'),
    );
    expect(ended(await s.run(), 4).stdout).toContain('[shell-hangs]');
    expect(s.waited('x')).toBeLessThan(120_000);
    expect(typesOf(s.w.b.events(), 'x')).toEqual(['step.started', 'gate.blocked']);
    s.mend();
    await goesOn(s, uses);
  });

  test.for([
    ['command.run', 'bin/echo', () => step('x', 'command.run', act.replace('echo', '/bin/echo'))],
    ['service.stop', 'etc/init.d/app', () => step('x', 'service.stop', '{ unit: app.service }')],
    ['service.start', 'etc/init.d/app', () => step('x', 'service.start', '{ unit: app.service }')],
    ['backup.archive', 'bin/tar', copy('archive')],
    ['backup.rsync', 'usr/bin/rsync', copy('rsync')],
  ] as const)(
    'in the middle of %s fail it with the reason, and nothing is done twice',
    async ([uses, program, x], context) => {
      const s = await stage(context, transport, hangs, (w) => [identity, x(w)].join('\n'));
      s.hangsWith(program, uses.replace('service.', ''));
      expect(ended(await s.run(), 10).stdout).toContain('[shell-hangs]');
      expect(s.waited('x')).toBeLessThan(120_000);
      expect(copies(s.w)).toEqual([]);
      s.mend();
      await goesOn(s, uses);
    },
  );
});

async function goesOn(s: Awaited<ReturnType<typeof stage>>, uses: string): Promise<void> {
  ended(await s.resume(), 0);
  // Signed where somebody had to approve the plan.
  ended(await s.w.b.decom('audit', 'verify', 'old01'), uses === 'power.off' ? 0 : 12);
  expect(s.read('srv/mark')).toBe(uses === 'command.run' ? 'mark\n' : '');
  const called = { 'service.stop': 'stop\n', 'power.off': 'stop\n', 'service.start': 'start\n' }[uses];
  expect(s.read('srv/calls')).toBe(called ?? '');
  expect(copies(s.w)).toHaveLength(/backup|power.off/.test(uses) ? 1 : 0);
  expect(await s.w.host.power.get()).toBe(uses === 'power.off' ? 'off' : 'on');
}
