import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as Type from 'typebox';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { actions } from '../../src/actions/index.ts';
import type { AnyAction, Probe } from '../../src/core/action.ts';
import type { Machine } from '../../src/core/ports.ts';
import { fail, ok, trouble } from '../../src/core/result.ts';
import { execHandlers, hostProbes, jobsOn } from '../../src/effects/host/handlers.ts';
import type { SshTarget } from '../../src/effects/ssh/target.ts';
import { systemClock } from '../../src/effects/state/clock.ts';
import { type FakeWorld, fakeState, fakeWorld } from '../fakes/fake-world.ts';
import { goOn, type Stage, stage } from '../scenarios/stage.ts';
import { type Account, makeAccount } from './account.ts';
import { type Sshd, startSshd } from './sshd.ts';
import { targetAt, transports } from './transports.ts';

/*
 * A destroying step on a real sshd. What the machine says of itself comes from files, which change between the last look and the act.
 */
const was = fakeState();
const boot = '5f6f0cf4-3a6c-4f0e-9a3c-1d2e3f405060';
let folder: string;
let standIns: string;

const says = (file: string, text: string): void => writeFileSync(join(folder, file), `${text}\n`, { mode: 0o644 });
const saysWhatIsExpected = (): void => {
  for (const [file, text] of Object.entries({ ...was, boot })) if (typeof text === 'string') says(file, text);
};

beforeAll(() => {
  folder = mkdtempSync('/var/tmp/decom-only-');
  standIns = join(folder, 'bin');
  mkdirSync(standIns);
  const put = (name: string, text: string): void =>
    writeFileSync(join(standIns, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  put(
    'dmidecode',
    `[ "$(id -u)" = 0 ] || { echo '/dev/mem: Permission denied' >&2; exit 1; }
case $2 in system-uuid) cat ${folder}/uuid ;; *) cat ${folder}/serial ;; esac`,
  );
  put('hostnamectl', `echo "  Machine ID: $(cat ${folder}/machineId)"; echo "     Boot ID: $(cat ${folder}/boot)"`);
  const done = join(folder, 'done');
  mkdirSync(done);
  for (const path of [folder, standIns]) chmodSync(path, 0o755);
  chmodSync(done, 0o777);
});
beforeEach(saysWhatIsExpected);
afterAll(() => rmSync(folder, { recursive: true }));

const logins: readonly (readonly [
  string,
  { readonly sudo?: true; readonly root: boolean; readonly account: boolean },
])[] = [
  ['root', { root: true, account: false }],
  ['a login with sudo', { root: true, account: true, sudo: true }],
  ['a login without root', { root: false, account: true }],
];

describe.each(logins)('%s', (_login, { sudo = false, root, account: own }) => {
  // Root's own shell takes seconds to start up where its files are long.
  describe.each(own ? transports : transports.slice(0, 1))('over %s', (_by, make) => {
    let account: Account | undefined;
    let sshd: Sshd;
    let machine: Machine;
    let wiped: string;
    beforeAll(async () => {
      const name = `decom-o${process.pid}`;
      const path = `${standIns}:/usr/sbin:/usr/bin:/sbin:/bin`;
      const rules = `ALL=(root) NOPASSWD: ALL\nDefaults:${name} secure_path="${path}"`;
      account = own ? makeAccount(name, sudo ? rules : undefined) : undefined;
      sshd = await startSshd({ path, ...(account === undefined ? {} : { user: account.name }) });
      const target: SshTarget = targetAt(sshd, 'web01', { sudo });
      // The expected key is the fake inventory's; that the real one is held to is tested elsewhere.
      machine = { ...make(target), hostKey: async () => ok(was.hostKey) };
    });
    afterEach(() => rmSync(wiped, { force: true }));
    afterAll(async () => {
      await machine?.close();
      await sshd?.stop();
      account?.remove();
    });

    const stageOf = (meanwhile: () => void): Stage => {
      wiped = join(folder, 'done', 'wiped');
      const s = stage(book, {}, worldOf(machine, sudo), [...actions, wipe(wiped, root)]);
      let happened = false;
      s.answer = (question) => {
        if (question.ask === 'begin' && !happened) {
          happened = true;
          meanwhile();
        }
        return goOn(question);
      };
      return s;
    };

    test('it is begun where the machine is still the same', async () => {
      const s = stageOf(() => undefined);
      expect(await s.run(await s.plan())).toEqual({ end: 'done' });
      expect(existsSync(wiped)).toBe(true);
    });

    const another = 'another-machine';
    const changes: readonly (readonly [string, string, string, string, string])[] = [
      ['serial', 'serial', 'SN-9', another, '"SN-9" was seen'],
      ['machine-id', 'machineId', '1f2c'.repeat(8), another, `"${'1f2c'.repeat(8)}" was seen`],
      ['boot', 'boot', '6f6f0cf4-3a6c-4f0e-9a3c-1d2e3f405060', 'restarted-since', 'it was restarted since'],
    ];
    // What only root can read agreed in no look before, and is not asked.
    test.each(root ? changes : changes.slice(1))(
      'it is not begun where the %s changed after the last look, and nothing is in doubt',
      async (_what, file, text, code, what) => {
        const s = stageOf(() => says(file, text));
        const plan = await s.plan();
        expect(await s.run(plan)).toMatchObject({
          end: 'blocked',
          step: 'wipe',
          trouble: { code, what: expect.stringContaining(what) as string },
        });
        expect(existsSync(wiped)).toBe(false);
        const events = s.events(plan);
        const asked = root ? { serial: was.serial, uuid: was.uuid } : {};
        expect(events.findLast(({ type }) => type === 'operation.intended')).toMatchObject({
          there: expect.anything() as unknown,
          precondition: { ...asked, machine_id: was.machineId, boot },
        });
        expect(events.map(({ type }) => type)).not.toContain('operation.in-doubt');

        saysWhatIsExpected();
        expect(await s.run(plan)).toEqual({ end: 'done' });
        expect(existsSync(wiped)).toBe(true);
      },
    );
  });
});

const book = `decom: 1
name: b
title: B
phases:
  - phase: p
    title: P
    steps:
      - { id: identity, title: Who, uses: identity.check }
      - { id: wipe, title: Wipe, uses: disk.wipe }
`;

/** Wipes what is a file here. */
const wipe = (file: string, root: boolean): AnyAction => ({
  kind: 'disk.wipe',
  about: 'Wipes a disk.',
  effect: 'destroys',
  once: true,
  irreversible: true,
  input: Type.Object({}, { additionalProperties: false }),
  demands: () => [],
  inspect: async (_input, probe) => probe({ kind: 'command', argv: ['test', '-e', file], root: false }),
  plan: (_input, seen) => (isThere(seen) ? [] : [{ kind: 'exec', on: 'host', argv: ['touch', file], root }]),
  verify: (_input, seen) =>
    isThere(seen)
      ? { ok: true, output: {}, evidence: [], said: 'it is wiped' }
      : { ok: false, trouble: trouble('not-wiped', 'it is not wiped', 'Look.') },
});
const isThere = (seen: unknown): boolean => (seen as { readonly value?: { exit: number } }).value?.exit === 0;

/** A fake world whose host is a real machine. */
function worldOf(machine: Machine, sudo: boolean): FakeWorld {
  const fake = fakeWorld(fakeState());
  const real = hostProbes(machine);
  const jobs = jobsOn({ machine, clock: systemClock, sudo: sudo ? 'yes' : 'no' });
  const { exec } = execHandlers(machine, async () => fail(trouble('no-secret', 'none', 'None.')), jobs);
  const probe: Probe = (question, context) => {
    if (question.kind === 'host.identity') return real['host.identity']({ kind: 'host.identity' }, context) as never;
    if (question.kind === 'command') return real.command(question as never, context) as never;
    return fake.probe(question, context);
  };
  return {
    ...fake,
    probe,
    keeps: jobs,
    perform: (operation, context) =>
      operation.kind === 'exec' ? exec(operation, context) : fake.perform(operation, context),
  };
}
