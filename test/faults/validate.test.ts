import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Bench, bench, runbook, said } from './bench.ts';

// Each test calls the program.
let b: Bench;

beforeEach(() => {
  b = bench();
});
afterEach(() => b.remove());

const host = (more: string): string => `hosts:\n  web01:\n    addresses: [127.0.0.1]\n    ssh: { port: 1 }\n${more}`;

/** What `decom validate` says of a workspace with this fault; it makes nothing and changes nothing. */
async function judged(file: string, content: string | Uint8Array): Promise<string> {
  b.write(file, content);
  const before = b.files();
  const ended = await b.decom('validate');
  expect(b.files()).toEqual(before);
  return said(ended, b);
}

const steps = (text: string): string => runbook(text);

test('an unknown key of a runbook is named with its place and the nearest known one', async () => {
  expect(
    await judged('runbooks/r.yaml', steps('- id: a\n  title: A\n  uses: wait\n  with: { for: 1s }\n  neeeds: [a]')),
  ).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:13:9  step "a": unknown key "neeeds". Did you mean "needs"? [unknown-key]
    1 problem in 1 file"
  `);
});

test('an unknown key of the settings is named', async () => {
  expect(await judged('decom.yaml', 'decom: 1\nstat: ./state\n')).toMatchInlineSnapshot(`
    "exit 2
    decom.yaml:2:1  unknown key "stat". Did you mean "state"? [unknown-key]
    1 problem in 1 file"
  `);
});

test('an unknown key of a host is named', async () => {
  expect(await judged('hosts.yaml', host('    serial: "1"\n    asset: A-1\n'))).toMatchInlineSnapshot(`
    "exit 2
    hosts.yaml:6:5  unknown key "asset" in "hosts.web01". Known here: fqdn, addresses, serial, uuid, machine_id, asset_tag, owner, location, ssh, bmc, disks, adopted, status, retired. [unknown-key]
    1 problem in 1 file"
  `);
});

test('an unknown action is named with the nearest known one', async () => {
  expect(
    await judged('runbooks/r.yaml', steps('- id: a\n  title: A\n  uses: service.stopp\n  with: { unit: a.service }')),
  ).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:11:15  step "a": unknown action "service.stopp". Did you mean "service.stop"? [unknown-action]
    1 problem in 1 file"
  `);
});

test('a value of the wrong type is named with what is wanted', async () => {
  expect(
    await judged(
      'runbooks/r.yaml',
      steps('- id: a\n  title: A\n  uses: service.stop\n  with: { units: nginx.service, disable: perhaps }'),
    ),
  ).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:12:24  step "a": "with.units" must be a list, and is a text. Write it as a list: [nginx.service]. [wrong-type]
    runbooks/r.yaml:12:48  step "a": "with.disable" must be true or false, and is "perhaps". Write one of them. [wrong-type]
    2 problems in 1 file"
  `);
});

test('a step id that is used twice is refused, with the place of the first', async () => {
  expect(
    await judged(
      'runbooks/r.yaml',
      steps('- id: a\n  title: A\n  uses: power.status\n- id: a\n  title: B\n  uses: power.status'),
    ),
  ).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:12:13  step "a": the id is taken by the step at runbooks/r.yaml:9:13. Give one of them another id. [duplicate-id]
    1 problem in 1 file"
  `);
});

test('a key that stands twice is refused', async () => {
  expect(
    await judged('runbooks/r.yaml', steps('- id: a\n  title: A\n  uses: power.status\n  uses: identity.check')),
  ).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:12:9  "uses" is given twice; the first is at line 11, column 9. Remove one of them. [duplicate-key]
    1 problem in 1 file"
  `);
});

test('a reference to a step that comes later is refused', async () => {
  expect(
    await judged(
      'runbooks/r.yaml',
      steps(
        '- id: proof\n  title: A\n  uses: restore.verify\n  with: { backup: "${{ steps.copy.backup }}" }\n' +
          '- id: copy\n  title: B\n  uses: backup.archive\n  with: { from: [/srv], to: /vault }',
      ),
    ),
  ).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:12:25  step "proof": "with.backup": step "copy" comes later. Only earlier steps can be referred to: move one of them. [reference]
    1 problem in 1 file"
  `);
});

test('a cycle in needs is refused', async () => {
  expect(
    await judged(
      'runbooks/r.yaml',
      steps(
        '- id: a\n  title: A\n  uses: power.status\n  needs: [b]\n- id: b\n  title: B\n  uses: power.status\n  needs: [a]',
      ),
    ),
  ).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:12:17  step "a": "needs" goes round in a ring: "a" needs "b" needs "a". Remove one of these needs. [needs]
    1 problem in 1 file"
  `);
});

test('an anchor is refused', async () => {
  expect(
    await judged('runbooks/r.yaml', steps('- &first\n  id: a\n  title: A\n  uses: power.status\n- *first')),
  ).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:9:9  the anchor &first is not allowed. Remove it. [anchor]
    runbooks/r.yaml:13:9  the alias *first is not allowed. Write the value out where it is used. [alias]
    2 problems in 1 file"
  `);
});

test('a bomb of aliases is refused before it is unfolded', async () => {
  const levels = Array.from({ length: 30 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i}, `.repeat(9)}*l${i}]`);
  expect(await judged('runbooks/r.yaml', ['l0: &l0 [x]', ...levels, ''].join('\n'))).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:1:5  the anchor &l0 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:2:5  the anchor &l1 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:2:10  the alias *l0 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:2:15  the alias *l0 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:2:20  the alias *l0 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:2:25  the alias *l0 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:2:30  the alias *l0 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:2:35  the alias *l0 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:2:40  the alias *l0 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:2:45  the alias *l0 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:2:50  the alias *l0 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:2:55  the alias *l0 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:3:5  the anchor &l2 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:3:10  the alias *l1 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:3:15  the alias *l1 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:3:20  the alias *l1 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:3:25  the alias *l1 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:3:30  the alias *l1 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:3:35  the alias *l1 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:3:40  the alias *l1 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:3:45  the alias *l1 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:3:50  the alias *l1 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:3:55  the alias *l1 is not allowed. Write the value out where it is used. [alias]
    runbooks/r.yaml:4:5  the anchor &l3 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:5:5  the anchor &l4 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:6:5  the anchor &l5 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:7:5  the anchor &l6 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:8:5  the anchor &l7 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:9:5  the anchor &l8 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:10:5  the anchor &l9 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:11:6  the anchor &l10 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:12:6  the anchor &l11 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:13:6  the anchor &l12 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:14:6  the anchor &l13 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:15:6  the anchor &l14 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:16:6  the anchor &l15 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:17:6  the anchor &l16 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:18:6  the anchor &l17 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:19:6  the anchor &l18 is not allowed. Remove it. [anchor]
    runbooks/r.yaml:20:6  the anchor &l19 is not allowed. Remove it. [anchor]
    runbooks/r.yaml: 11 more of this kind [anchor]
    runbooks/r.yaml: 280 more of this kind [alias]
    331 problems in 1 file"
  `);
});

test('a file nested a thousand deep is refused', async () => {
  expect(
    await judged('runbooks/r.yaml', `decom: 1\nname: ${'['.repeat(1000)}${']'.repeat(1000)}\n`),
  ).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:2:77  nested more than 64 deep. Write it flatter. [too-deep]
    1 problem in 1 file"
  `);
});

test('a file of 10 MB is refused', async () => {
  expect(await judged('runbooks/r.yaml', `# ${'x'.repeat(10_000_000)}\n`)).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:1:1  the file is 9.5 MiB large; at most 1 MiB is read. Is it the right file? [too-large]
    1 problem in 1 file"
  `);
});

test('a hosts file of 10 MB is refused', async () => {
  expect(await judged('hosts.yaml', `# ${'x'.repeat(10_000_000)}\n`)).toMatchInlineSnapshot(`
    "exit 2
    hosts.yaml:1:1  the file is 9.5 MiB large; at most 1 MiB is read. Is it the right file? [too-large]
    1 problem in 1 file"
  `);
});

test('a file that is not UTF-8 is refused: Latin-1', async () => {
  expect(
    await judged('runbooks/r.yaml', Buffer.from('decom: 1\nname: r\ntitle: Café\n', 'latin1')),
  ).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:3:11  byte 0xe9 (byte 27) is not UTF-8. Save the file as UTF-8. [encoding]
    1 problem in 1 file"
  `);
});

test('a file that is not UTF-8 is refused: UTF-16', async () => {
  expect(await judged('runbooks/r.yaml', Buffer.from('\uFEFFdecom: 1\nname: r\n', 'utf16le'))).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:1:1  the file is in UTF-16. Save it as UTF-8. [encoding]
    1 problem in 1 file"
  `);
});

test('a file with a NUL byte is refused', async () => {
  expect(await judged('runbooks/r.yaml', 'decom: 1\nname: "a\0b"\n')).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:2:9  a NUL byte is in the text (byte 17). Remove it, or save the file as UTF-8. [encoding]
    1 problem in 1 file"
  `);
});

test.each(['0012345', '7E12345', '12345', '0x1F', '1_000', 'true', '12:30:45'])(
  'a serial that looks like a number or a word is kept as it is written: %s',
  async (serial) => {
    b.write('hosts.yaml', host(`    serial: ${serial}\n`));
    b.write('runbooks/r.yaml', steps('- id: a\n  title: A\n  uses: power.status'));
    expect(await b.decom('validate')).toMatchObject({ code: 0 });
    const ended = await b.decom('plan', 'web01', '--json');
    const serials = [...ended.stdout.matchAll(/"serial":("[^"]*"|[^,}]*)/g)].map(([, text]) => text);
    expect(serials).toContain(JSON.stringify(serial));
    expect([...new Set(serials)]).toEqual([JSON.stringify(serial)]);
  },
);

test('an empty serial is refused', async () => {
  expect(await judged('hosts.yaml', host('    serial:\n'))).toMatchInlineSnapshot(`
    "exit 2
    hosts.yaml:5:5  "serial" has no value. Write one, or "" for an empty text, or remove the line. [empty-value]
    1 problem in 1 file"
  `);
});

test('a runbook without phases is refused: an empty set is never all', async () => {
  expect(await judged('runbooks/r.yaml', 'decom: 1\nname: r\ntitle: R\nphases: []\n')).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:4:9  "phases" is an empty list, and empty never means all. Name at least one. [empty]
    1 problem in 1 file"
  `);
});

test('a phase without steps is refused', async () => {
  expect(
    await judged(
      'runbooks/r.yaml',
      'decom: 1\nname: r\ntitle: R\nphases:\n  - phase: a\n    title: A\n    steps: []\n',
    ),
  ).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:7:12  phase "a": "steps" is an empty list, and empty never means all. Name at least one. [empty]
    1 problem in 1 file"
  `);
});

test('an empty list of units is refused', async () => {
  expect(
    await judged('runbooks/r.yaml', steps('- id: a\n  title: A\n  uses: service.stop\n  with: { units: [] }')),
  ).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:12:24  step "a": "with.units" is an empty list, and empty never means all. Name at least one. [empty]
    1 problem in 1 file"
  `);
});

test('an empty list of paths is refused', async () => {
  expect(
    await judged(
      'runbooks/r.yaml',
      steps('- id: a\n  title: A\n  uses: backup.archive\n  with: { from: [], to: /vault }'),
    ),
  ).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:12:23  step "a": "with.from" is an empty list, and empty never means all. Name at least one. [empty]
    1 problem in 1 file"
  `);
});

test('a hosts file without hosts is refused', async () => {
  expect(await judged('hosts.yaml', 'hosts: {}\n')).toMatchInlineSnapshot(`
    "exit 2
    hosts.yaml:1:8  "hosts" is empty. Add a host with: decom host add NAME --address ADDRESS [empty]
    1 problem in 1 file"
  `);
});

test('a host without an address is refused', async () => {
  expect(await judged('hosts.yaml', 'hosts:\n  web01:\n    serial: "1"\n    addresses: []\n')).toMatchInlineSnapshot(`
    "exit 2
    hosts.yaml:4:16  "hosts.web01.addresses" is an empty list, and empty never means all. Name at least one. [empty]
    1 problem in 1 file"
  `);
});

test('an empty file is refused', async () => {
  expect(await judged('runbooks/r.yaml', '')).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:1:1  the file is empty. Write its content, or remove the file. [empty-file]
    1 problem in 1 file"
  `);
});

test('two documents in one file are refused', async () => {
  expect(await judged('runbooks/r.yaml', 'decom: 1\n---\ndecom: 1\n')).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:2:1  a second YAML document begins here. Put it in a file of its own. [several-documents]
    1 problem in 1 file"
  `);
});

test('every fault of a file is told at once', async () => {
  expect(
    await judged(
      'runbooks/r.yaml',
      steps(
        '- id: a\n  title: A\n  uses: service.stopp\n- id: a\n  title: B\n  uses: wait\n  with: { forr: 1s }\n  needs: [zzz]',
      ),
    ),
  ).toMatchInlineSnapshot(`
    "exit 2
    runbooks/r.yaml:11:15  step "a": unknown action "service.stopp". Did you mean "service.stop"? [unknown-action]
    runbooks/r.yaml:12:13  step "a": the id is taken by the step at runbooks/r.yaml:9:13. Give one of them another id. [duplicate-id]
    runbooks/r.yaml:15:17  step "a": unknown key "forr" in "with". Did you mean "for"? [unknown-key]
    runbooks/r.yaml:16:17  step "a": "needs" names an unknown step "zzz". Name an earlier step. [needs]
    4 problems in 1 file"
  `);
});
