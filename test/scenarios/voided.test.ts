import { describe, expect, test } from 'vitest';
import { mayStartWriters } from '../../src/core/may-start-writers.ts';
import { fakeWorld } from '../fakes/fake-world.ts';
import { type Stage, stage } from './stage.ts';

/** Stop, copy, prove; then the given steps; then off. */
const job = (between: string): string => `decom: 1
name: job
title: Job
not_kept: [{ path: /, why: the system is installed anew, by: ada }]
phases:
  - phase: only
    title: Only
    steps:
      - { id: identity, uses: identity.check }
      - { id: unused, uses: use.check }
      - { id: services, uses: service.stop, with: { units: [nginx.service, app.service] } }
      - { id: copy, uses: backup.archive, with: { from: [/srv], to: /vault } }
      - { id: proof, uses: restore.verify, with: { backup: "\${{ steps.copy.backup }}" } }
${between}
      - { id: "off", uses: power.off }
`;
const start = '      - { id: mail, uses: service.start, with: { unit: mail.service } }';
const command =
  '      - { id: note, uses: command.run, with: { argv: [append, /marker], probe: { argv: [test, -e, /marker] } } }';

const withMail = (): ReturnType<typeof fakeWorld> => {
  const world = fakeWorld();
  world.state.services['mail.service'] = { active: false, enabled: true };
  return world;
};
const powered = (s: Stage) => s.world.acts.filter((o) => o.kind === 'bmc.power').length;

describe('that the writers were stopped no longer holds', () => {
  test.each([
    ['a service was started', start, 'mail', 'systemctl --no-ask-password start -- mail.service'],
    ['a command was run', command, 'note', 'append /marker'],
  ])('once %s after it, and after the proof', async (_what, between, step, words) => {
    const s = stage(job(between), {}, withMail());
    const plan = await s.plan();
    expect(plan.facts.blockers.map((b) => b.trouble)).toMatchObject([
      {
        code: 'order',
        what: `step "off" demands "writers.stopped", and step "${step}" after that may start something that writes`,
        fix: `Move "${step}" before the step that yields "writers.stopped".`,
      },
    ]);
    expect(await s.run(plan)).toMatchObject({
      end: 'blocked',
      step: 'off',
      trouble: {
        code: 'evidence-void',
        what: expect.stringMatching(
          new RegExp(
            `^the evidence "writers.stopped" no longer holds: step "${step}" was begun on the host after it \\(.*${words}.*\\), and may have started something that writes$`,
          ),
        ),
        fix: 'Stop what it started; then stop, copy and prove once more, with: decom replan run1 --redo services --redo copy --redo proof',
      },
    });
    expect(powered(s)).toBe(0);
  });

  test.each([
    ['a fresh proof alone does not mend it', ['copy', 'proof'], { trouble: { code: 'evidence-void' } }],
    ['nor does stopping alone', ['services'], { trouble: { code: 'evidence-early' } }],
    ['stopping, copying and proving once more does', ['services', 'copy', 'proof'], { end: 'done' }],
  ])('%s', async (_what, redo, expected) => {
    const s = stage(job(start), {}, withMail());
    const plan = await s.plan();
    await s.run(plan);
    const end = await s.run(plan, { inForce: await s.replan(plan, redo) });
    expect(end).toMatchObject(expected);
    expect(powered(s)).toBe('end' in expected ? 1 : 0);
  });

  test('in a rehearsal either', async () => {
    const s = stage(job(start), {}, withMail());
    const plan = await s.plan();
    expect(await s.run(plan, { rehearsal: true })).toMatchObject({
      end: 'rehearsed',
      blocked: [{ step: 'off', trouble: { code: 'order' } }],
    });
  });
});

describe('that the writers were stopped still holds', () => {
  test.each([
    [
      'a start that found the service running, and so began nothing',
      '      - { id: again, uses: service.start, with: { unit: cron.service } }',
    ],
    ['another service being stopped', '      - { id: cron, uses: service.stop, with: { unit: cron.service } }'],
    ['a question', '      - { id: sure, uses: confirm, with: { question: Sure? } }'],
  ])('after %s', async (_what, between) => {
    const world = fakeWorld();
    world.state.services['cron.service'] = { active: true, enabled: true };
    const s = stage(job(between), {}, world);
    const plan = await s.plan();
    const end = await s.run(plan);
    // A second stop asks for a copy that is newer than it.
    expect(end).toMatchObject(
      between.includes('service.stop') ? { trouble: { code: 'evidence-early' } } : { end: 'done' },
    );
  });
});

test.each([
  [['systemctl', '--no-ask-password', 'stop', '--', 'start.service'], false],
  [['systemctl', 'disable', '--now', 'a.service'], false],
  [['systemctl', 'start', '--', 'stop.service'], true],
  [['systemctl', '-H', 'other', 'stop', 'a.service'], true],
  [['systemctl', '-t', 'stop', 'start', 'postgresql.service'], true],
  [['systemctl', '--job-mode', 'stop', 'restart', 'postgresql.service'], true],
  [['systemctl', '--root=/elsewhere', 'stop', 'a.service'], true],
  [['/opt/own/service', 'app', 'stop'], true],
  [['systemctl'], true],
  [['sync'], true],
  [['/usr/sbin/service', 'app', 'stop'], false],
  [['/usr/sbin/service', 'app', 'start'], true],
  [['/etc/init.d/app', 'stop'], false],
  [['/etc/init.d/app', 'restart'], true],
  [['/sbin/rc-service', 'app', 'stop'], false],
  [['/usr/sbin/update-rc.d', 'app', 'disable'], false],
  [['/sbin/chkconfig', 'app', 'off'], false],
  [['/sbin/chkconfig', '--level', '35', 'app', 'on'], true],
  [['/sbin/rc-update', 'del', 'app', 'default'], false],
  [['mv', '-n', '--', '/etc/rc3.d/S20app', '/etc/rc3.d/K20app'], false],
  [['mv', '-n', '--', '/etc/rc3.d/K20app', '/etc/rc3.d/S20app'], true],
])('%j may start writers: %s', (argv, may) => {
  expect(mayStartWriters({ kind: 'exec', on: 'host', argv, root: true })).toBe(may);
});

test('a program that an environment of its own may lead elsewhere may start writers, whatever it is called', () => {
  const argv = ['systemctl', 'stop', 'a.service'];
  const environment = { PATH: '/opt/own' };
  expect(mayStartWriters({ kind: 'exec', on: 'host', argv, root: true, environment })).toBe(true);
});
