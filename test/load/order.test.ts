import * as Type from 'typebox';
import { describe, expect, it, test } from 'vitest';
import { actions } from '../../src/actions/index.ts';
import type { AnyAction } from '../../src/core/action.ts';
import { diagnosticText } from '../../src/core/diagnostic.ts';
import { ok } from '../../src/core/result.ts';
import { loadRunbook } from '../../src/load/load-runbook.ts';

const day = 86_400_000;
/** What destroys, and demands what an erase has to demand. */
const erase: AnyAction = {
  kind: 'disk.erase',
  about: 'Erases a disk.',
  effect: 'destroys',
  once: true,
  irreversible: true,
  bmc: 'uses',
  input: Type.Object({}, { additionalProperties: false }),
  demands: () => [
    { kind: 'identity.confirmed', maxAge: day, why: 'Without it, disks of another machine could be erased.' },
    { kind: 'restore.proven', maxAge: 7 * day, after: 'writers.stopped', why: 'Without it, data could be lost.' },
  ],
  inspect: async () => null,
  plan: () => [],
  verify: () => ({ ok: true, output: {}, evidence: [], said: '' }),
};

/** The complaints about a runbook of these steps, the first of which stands in line 9; the host was watched before, unless they do that themselves. */
function complaints(...steps: readonly string[]): readonly string[] {
  const text = [
    'decom: 1',
    'name: r',
    'params: { quiet: { type: duration, default: 9d }, asked: { type: duration, required: true }, vault: { type: string, default: /vault } }',
    'phases:',
    steps.some((step) => step.includes('use.check'))
      ? '#'
      : '  - { phase: w, title: W, steps: [{ id: unused, uses: use.check }] }',
    '  - phase: p',
    '    title: P',
    '    steps:',
    ...steps.map((step) => `      - { ${step} }`),
    '',
  ];
  const read = () => ok(Buffer.from(text.join('\n')));
  const loaded = loadRunbook('r.yaml', read, [...actions, erase], { order: true });
  return loaded.ok ? [] : loaded.error.map(diagnosticText);
}

const identity = 'id: identity, uses: identity.check';
const unused = 'id: unused, uses: use.check';
const stop = 'id: stop, uses: service.stop, with: { unit: a.service }';
const copy = 'id: copy, uses: backup.archive, with: { from: [/srv], to: /vault }';
const proof = 'id: proof, uses: restore.verify, with: { backup: "${{ steps.copy.backup }}" }';
const off = 'id: "off", uses: power.off';
const wiped = 'id: erase, uses: disk.erase';
const reset = 'id: reset, uses: bmc.reset';

const noProof = 'Without it, nobody knows that the copy can be restored, or it lacks what was written last.';
const noUse = 'Without it, somebody may still use the host.';
const noStop = 'Without it, something could still write data that is in no copy.';

describe('a runbook is taken', () => {
  test.each<[string, readonly string[]]>([
    [
      'that stops, copies, proves, erases, switches off and starts the BMC anew',
      [identity, stop, copy, proof, wiped, off, reset],
    ],
    [
      'with an early copy and its proof besides',
      [
        identity,
        'id: early, uses: backup.archive, with: { from: [/srv], to: /vault }',
        'id: early-proof, uses: restore.verify, with: { backup: "${{ steps.early.backup }}" }',
        ...[stop, copy, proof, off],
      ],
    ],
    ['whose condition is on switching off alone', [identity, stop, copy, proof, `${off}, when: "facts.power == 'on'"`]],
    [
      'where a step needs what may be skipped',
      [identity, stop, copy, `${proof}, when: facts.power == 'on'`, `${off}, needs: [proof]`],
    ],
    [
      'where a step before needs what may fail',
      [
        identity,
        stop,
        copy,
        `${proof}, on_failure: continue`,
        'id: told, uses: confirm, with: { question: Go on? }, needs: [proof]',
        off,
      ],
    ],
    [
      'where a copy that may be skipped is used by its proof',
      [identity, stop, `${copy}, when: facts.power == 'on'`, proof, off],
    ],
    [
      'whose steps have one condition on what never changes',
      [identity, ...[stop, copy, proof, off].map((step) => `${step}, when: params.vault == '/vault'`)],
    ],
    [
      'that runs commands before it stops',
      [
        identity,
        'id: dump, uses: command.run, with: { argv: [dump], probe: { argv: [look] } }',
        stop,
        copy,
        proof,
        off,
      ],
    ],
    [
      'that waits no longer than a proof counts',
      [identity, stop, copy, 'id: quiet, uses: wait, with: { for: 7d }', proof, off],
    ],
    ['that waits before the copy', [identity, stop, 'id: quiet, uses: wait, with: { for: 14d }', copy, proof, off]],
    [
      'whose proof may be older where that is said',
      [identity, stop, copy, proof, 'id: quiet, uses: wait, with: { for: 14d }', `${off}, with: { proof_age: 20d }`],
    ],
    [
      'whose ages hang on what is given later: the plan judges them',
      [
        identity,
        stop,
        copy,
        proof,
        'id: quiet, uses: wait, with: { for: 14d }',
        `${off}, with: { proof_age: "\${{ params.asked }}" }`,
      ],
    ],
  ])('%s', (_what, steps) => {
    expect(complaints(...steps)).toEqual([]);
  });
});

describe('a runbook is refused, with the way that leads to what is wrong,', () => {
  test.each<[string, readonly string[], string]>([
    [
      'where an erase comes before the proof',
      [identity, stop, copy, wiped, proof],
      `r.yaml:12:9  step "erase" demands "restore.proven", and no step before it yields that. Without it, data could be lost. Add a step that yields it to the runbook, before this one: restore.verify yields it.`,
    ],
    [
      'where the copy that is proved was made before the stop',
      [identity, copy, stop, proof, off],
      `r.yaml:13:9  step "off" demands "restore.proven", and that comes before the last "writers.stopped". ${noProof} Move a copy and its proof after the step that yields "writers.stopped".
    r.yaml:10:9  "copy" (backup.archive) makes the copy that "proof" proves
    r.yaml:11:9  "stop" (service.stop) yields "writers.stopped"
    r.yaml:12:9  "proof" (restore.verify) yields "restore.proven"
    r.yaml:13:9  "off" (power.off) demands "restore.proven", of a time after the last "writers.stopped"`,
    ],
    [
      'where another copy than the last is proved',
      [identity, copy, stop, 'id: last, uses: backup.archive, with: { from: [/srv], to: /vault }', proof, wiped],
      `r.yaml:14:9  step "erase" demands "restore.proven", and that comes before the last "writers.stopped". Without it, data could be lost. Move a copy and its proof after the step that yields "writers.stopped".
    r.yaml:10:9  "copy" (backup.archive) makes the copy that "proof" proves
    r.yaml:11:9  "stop" (service.stop) yields "writers.stopped"
    r.yaml:13:9  "proof" (restore.verify) yields "restore.proven"
    r.yaml:14:9  "erase" (disk.erase) demands "restore.proven", of a time after the last "writers.stopped"`,
    ],
    [
      'where the proof may be skipped',
      [identity, stop, copy, `${proof}, when: facts.power == 'on'`, off],
      `r.yaml:13:9  step "off" demands "restore.proven", and step "proof", which yields it, may be skipped. ${noProof} Add "proof" to the "needs" of "off", or remove "when" from "proof".
    r.yaml:12:9  "proof" (restore.verify) yields "restore.proven"; it is skipped where its "when" is false: facts.power == 'on'
    r.yaml:13:9  "off" (power.off) demands "restore.proven"`,
    ],
    [
      'where the stop may fail and the run go on',
      [identity, `${stop}, on_failure: continue`, copy, proof, off],
      `r.yaml:13:9  step "off" demands "writers.stopped", and step "stop", which yields it, may fail and the run go on. ${noStop} Add "stop" to the "needs" of "off", or remove "on_failure: continue" from "stop".
    r.yaml:10:9  "stop" (service.stop) yields "writers.stopped"; if it fails, the run goes on (on_failure: continue)
    r.yaml:13:9  "off" (power.off) demands "writers.stopped"`,
    ],
    [
      'where a path stands for the copy',
      [identity, stop, copy, 'id: proof, uses: restore.verify, with: { backup: /vault/r }', off],
      `r.yaml:13:9  step "off" demands "restore.proven", and when the copy was made that step "proof" proves cannot be known. ${noProof} Let "proof" refer to the step that makes the copy: \${{ steps.ID.backup }}.
    r.yaml:12:9  "proof" (restore.verify) yields "restore.proven" of a copy that no step of this runbook is known to make
    r.yaml:13:9  "off" (power.off) demands "restore.proven", of a time after the last "writers.stopped"`,
    ],
    [
      'where a service is started again between stop and copy',
      [identity, stop, 'id: again, uses: service.start, with: { unit: a.service }', copy, proof, off],
      `r.yaml:14:9  step "off" demands "writers.stopped", and step "again" after that may start something that writes. ${noStop} Move "again" before the step that yields "writers.stopped".
    r.yaml:10:9  "stop" (service.stop) yields "writers.stopped"
    r.yaml:11:9  "again" (service.start) may start something that writes
    r.yaml:14:9  "off" (power.off) demands "writers.stopped"`,
    ],
    [
      'where a command is run after the proof',
      [identity, stop, copy, proof, 'id: cmd, uses: command.run, with: { argv: [x], probe: { argv: [y] } }', off],
      `r.yaml:14:9  step "off" demands "writers.stopped", and step "cmd" after that may start something that writes. ${noStop} Move "cmd" before the step that yields "writers.stopped".
    r.yaml:10:9  "stop" (service.stop) yields "writers.stopped"
    r.yaml:13:9  "cmd" (command.run) may start something that writes
    r.yaml:14:9  "off" (power.off) demands "writers.stopped"`,
    ],
    [
      'where a wait outlives the proof',
      [identity, stop, copy, proof, 'id: quiet, uses: wait, with: { for: 14d }', off],
      `r.yaml:14:9  step "off" demands "restore.proven", and it is older than 7 d by then: "quiet" takes 14 d. ${noProof} Move the copy and its proof after "quiet".
    r.yaml:11:9  "copy" (backup.archive) makes the copy that "proof" proves
    r.yaml:12:9  "proof" (restore.verify) yields "restore.proven"
    r.yaml:13:9  "quiet" (wait) takes 14 d
    r.yaml:14:9  "off" (power.off) demands "restore.proven", at most 7 d old`,
    ],
    [
      'where waits do so together, one before the proof and one by a parameter',
      [
        ...[identity, stop, copy, 'id: one, uses: wait, with: { for: 1d }', proof],
        'id: two, uses: wait, with: { for: "${{ params.quiet }}" }',
        wiped,
      ],
      `r.yaml:15:9  step "erase" demands "restore.proven", and it is older than 7 d by then: "one" and "two" take 10 d. Without it, data could be lost. Move the copy and its proof after "two".
    r.yaml:11:9  "copy" (backup.archive) makes the copy that "proof" proves
    r.yaml:12:9  "one" (wait) takes 24 h
    r.yaml:13:9  "proof" (restore.verify) yields "restore.proven"
    r.yaml:14:9  "two" (wait) takes 9 d
    r.yaml:15:9  "erase" (disk.erase) demands "restore.proven", at most 7 d old`,
    ],
    [
      'where a wait outlives the stop',
      [identity, stop, 'id: quiet, uses: wait, with: { for: 31d }', copy, proof, `${off}, with: { use_age: 40d }`],
      `r.yaml:14:9  step "off" demands "writers.stopped", and it is older than 30 d by then: "quiet" takes 31 d. ${noStop} Move "stop", and what follows from it, after "quiet".
    r.yaml:10:9  "stop" (service.stop) yields "writers.stopped"
    r.yaml:11:9  "quiet" (wait) takes 31 d
    r.yaml:14:9  "off" (power.off) demands "writers.stopped", at most 30 d old`,
    ],
    [
      'where what may be skipped on other grounds is the proof',
      [identity, stop, copy, `${proof}, when: params.vault == '/vault'`, `${off}, when: params.vault == '/other'`],
      `r.yaml:13:9  step "off" demands "restore.proven", and step "proof", which yields it, may be skipped. ${noProof} Add "proof" to the "needs" of "off", or remove "when" from "proof".
    r.yaml:12:9  "proof" (restore.verify) yields "restore.proven"; it is skipped where its "when" is false: params.vault == '/vault'
    r.yaml:13:9  "off" (power.off) demands "restore.proven"`,
    ],
    [
      'where the host is watched only after its services were stopped',
      [identity, stop, unused, copy, proof, off],
      `r.yaml:14:9  step "off" demands "host.unused", and step "unused", which yields it, comes after "stop", which cuts off whoever it looks for. ${noUse} Move "unused" before "stop".
    r.yaml:10:9  "stop" (service.stop) cuts users off
    r.yaml:11:9  "unused" (use.check) yields "host.unused"
    r.yaml:14:9  "off" (power.off) demands "host.unused"`,
    ],
    [
      'where it is cut off the network before it is watched, even if that may be skipped',
      [...[identity, `id: cut, uses: network.isolate, when: facts.power == 'on'`, unused], ...[stop, copy, proof, off]],
      `r.yaml:15:9  step "off" demands "host.unused", and step "unused", which yields it, comes after "cut", which cuts off whoever it looks for. ${noUse} Move "unused" before "cut".
    r.yaml:10:9  "cut" (network.isolate) cuts users off
    r.yaml:11:9  "unused" (use.check) yields "host.unused"
    r.yaml:15:9  "off" (power.off) demands "host.unused"`,
    ],
    [
      'where it is not watched for longer than that counts',
      [identity, unused, 'id: quiet, uses: wait, with: { for: 31d }', stop, copy, proof, off],
      `r.yaml:15:9  step "off" demands "host.unused", and it is older than 30 d by then: "quiet" takes 31 d. ${noUse} Move "unused", and what follows from it, after "quiet".
    r.yaml:10:9  "unused" (use.check) yields "host.unused"
    r.yaml:11:9  "quiet" (wait) takes 31 d
    r.yaml:15:9  "off" (power.off) demands "host.unused", at most 30 d old`,
    ],
    [
      'where an erase comes after the last use of the BMC',
      [identity, stop, copy, proof, reset, wiped],
      'r.yaml:14:9  step "erase": disk.erase uses the BMC, and "reset" (bmc.reset) before it is to be the last use of it. Move "reset" behind it.',
    ],
  ])('%s', (_what, steps, expected) => {
    expect(complaints(...steps)).toEqual([expected]);
  });

  it('once for each thing that is demanded and missing', () => {
    expect(complaints(`${unused}, when: facts.power == 'on'`, off).map((text) => text.split(',')[0])).toEqual([
      'r.yaml:10:9  step "off" demands "identity.confirmed"',
      'r.yaml:10:9  step "off" demands "identity.bound"',
      'r.yaml:10:9  step "off" demands "host.unused"',
      'r.yaml:10:9  step "off" demands "writers.stopped"',
      'r.yaml:10:9  step "off" demands "restore.proven"',
    ]);
  });
});

describe('a dump of databases', () => {
  const dump = 'id: copy, uses: backup.postgres, with: { to: /vault }';
  const server = 'id: server, uses: service.stop, with: { unit: postgresql.service }';

  it('is good for what was written until its clients were stopped', () => {
    expect(complaints(identity, stop, dump, proof, off)).toEqual([]);
  });

  it('is of before the last stop where its server is stopped after it, and does not let the power go', () => {
    const [complaint = '', ...others] = complaints(identity, stop, dump, proof, server, off);
    expect(others).toEqual([]);
    expect(complaint).toContain('that comes before the last "writers.stopped"');
  });
});
