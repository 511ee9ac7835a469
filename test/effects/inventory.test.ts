import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FileInventory, fileInventory } from '../../src/effects/inventory.ts';

let folder: string;
let path: string;
let inventory: FileInventory;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'decom-inventory-'));
  path = join(folder, 'hosts.yaml');
  inventory = fileInventory({
    path,
    clock: { now: () => new Date('2026-05-03T10:20:30.456Z') },
    operator: 'ann "the admin"',
    run: () => 'k3x9',
  });
});
afterEach(() => rmSync(folder, { recursive: true }));

const context = { signal: new AbortController().signal, progress: () => {} };
const set = (host: string, status: 'active' | 'decommissioning' | 'retired') =>
  inventory['inventory.set']({ kind: 'inventory.set', on: 'control', host, status }, context);
const status = async (host: string) => {
  const answer = await inventory.inventory({ kind: 'inventory', host });
  return answer.known ? answer.value.status : answer.trouble.what.replaceAll(folder, 'FOLDER');
};
const text = () => readFileSync(path, 'utf8');
const retired = `{ at: "2026-05-03T10:20:30Z", by: "ann \\"the admin\\"", run: "k3x9" }`;

const before = `# Our servers.   Do not sort!
hosts:
    web01:   # the old one
        fqdn:    'web01.example.net'
        addresses: [ 192.0.2.10,192.0.2.11 ]
        serial: "0012345"     # as on the label
        location: { site: fra1,  rack: R12 }   # moved in 2024

        ssh:
            user: decom
            # trailing thoughts
    # the second
    db01: { addresses: [192.0.2.20], serial: 7E12345 } # flow
    db02:
        serial: "3"
        addresses:
        - 192.0.2.21
# the end
`;

describe('the hosts file', () => {
  it('gets a new status in lines of its own, and keeps all others byte for byte', async () => {
    writeFileSync(path, before);
    expect(await status('web01')).toBe('active');
    expect(await set('web01', 'retired')).toEqual({
      outcome: 'done',
      receipt: { host: 'web01', status: 'retired', at: '2026-05-03T10:20:30Z' },
    });
    const rack = '        location: { site: fra1,  rack: R12 }   # moved in 2024\n';
    const after = before.replace(rack, `${rack}        status: retired\n        retired: ${retired}\n`);
    expect(text()).toBe(after);
    expect(await status('web01')).toBe('retired');
    expect(await set('web01', 'active')).toMatchObject({ outcome: 'done' });
    expect(text()).toBe(before.replace(rack, `${rack}        status: active\n`));
  });

  it('is edited within braces and before nested values too', async () => {
    writeFileSync(path, before);
    await set('db01', 'retired');
    await set('db02', 'decommissioning');
    expect(text()).toBe(
      before
        .replace('serial: 7E12345 }', `serial: 7E12345, status: retired, retired: ${retired} }`)
        .replace('serial: "3"\n', 'serial: "3"\n        status: decommissioning\n'),
    );
    await set('db01', 'active');
    expect(text()).toContain('serial: 7E12345, status: active } # flow\n');
  });

  it('keeps its line ends, its mode and its being a link, and leaves nothing beside it', async () => {
    const real = join(folder, 'real.yaml');
    writeFileSync(real, 'hosts:\r\n  a:\r\n    addresses: [::1]\r\n    serial: "1"');
    chmodSync(real, 0o640);
    symlinkSync('real.yaml', path);
    await set('a', 'decommissioning');
    expect(readFileSync(real, 'utf8')).toBe(
      'hosts:\r\n  a:\r\n    addresses: [::1]\r\n    serial: "1"\r\n    status: decommissioning',
    );
    expect(statSync(real).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder).sort()).toEqual(['hosts.yaml', 'real.yaml']);
  });

  it('loses no change that somebody else makes at the same time', async () => {
    const names = Array.from({ length: 8 }, (_, i) => `h${i}`);
    writeFileSync(path, `hosts:\n${names.map((n) => `  ${n}: { addresses: [::1], serial: "${n}" }\n`).join('')}`);
    for (const [i, name] of names.entries()) {
      const [one] = await Promise.all([set(name, 'retired'), set(names[(i + 1) % 8] ?? '', 'decommissioning')]);
      expect(one.outcome).toBe('done');
    }
    for (const name of names) expect(await status(name)).not.toBe('active');
  });

  it.each([
    ['an unknown host', before, 'web02', 'there is no host "web02" in FOLDER/hosts.yaml'],
    [
      'a status that is none',
      'hosts:\n  a: { serial: x, status: gone }\n',
      'a',
      'FOLDER/hosts.yaml: the status of a is "gone"',
    ],
    ['a file that is not YAML', 'hosts: [\n', 'a', 'there is no host "a" in FOLDER/hosts.yaml'],
  ])('%s is not known, and never active', async (_, content, host, what) => {
    writeFileSync(path, content);
    expect(await status(host)).toBe(what);
    if (host !== 'a' || content.includes('[')) expect((await set(host, 'retired')).outcome).toBe('failed');
    if (content.includes('[\n')) expect(text()).toBe(content);
  });

  it('that is missing or cannot be read is trouble', async () => {
    expect(await status('a')).toBe('FOLDER/hosts.yaml could not be read: there is no such file');
    expect(await set('a', 'retired')).toMatchObject({ outcome: 'failed', trouble: { code: 'inventory-disk' } });
  });

  it('is left alone where an edit would not read as it should', async () => {
    const odd = 'hosts:\n  a: &x\n    serial: "1"\n    addresses: [::1]\n  b: *x\n';
    writeFileSync(path, odd);
    expect(await set('a', 'retired')).toMatchObject({ outcome: 'failed', trouble: { code: 'inventory-format' } });
    expect(text()).toBe(odd);
  });
});

describe('adding a host', () => {
  const host = {
    name: 'new01',
    addresses: ['192.0.2.30'],
    serial: '0099',
    machine_id: '00000000000000000000000000000001',
    location: { site: 'fra1', unit: 3 },
  };
  const entry = (indent: string) =>
    [
      'new01:',
      '  addresses:',
      '    - 192.0.2.30',
      '  serial: "0099"',
      '  machine_id: "00000000000000000000000000000001"',
      '  location:',
      '    site: fra1',
      '    unit: 3',
    ]
      .map((line) => `${indent}${line}\n`)
      .join('');

  it('writes it at the end, in the indentation of the others, its serial in quotes', async () => {
    writeFileSync(path, before);
    expect(await inventory.addHost(host)).toEqual({ ok: true, value: undefined });
    expect(text()).toBe(`${before}${entry('    ')}`);
    expect(await inventory.addHost(host)).toMatchObject({ ok: false, error: { code: 'host-exists' } });
  });

  it('makes the file where there is none, and fills an empty one', async () => {
    await inventory.addHost(host);
    expect(text()).toBe(`hosts:\n${entry('  ')}`);
    writeFileSync(path, '# none yet\nhosts:\n');
    await inventory.addHost(host);
    expect(text()).toBe(`# none yet\nhosts:\n${entry('  ')}`);
    writeFileSync(path, 'hosts: {} # none yet\n# for example\n');
    await inventory.addHost(host);
    expect(text()).toBe(`hosts: # none yet\n# for example\n${entry('  ')}`);
  });

  it('refuses a file that it cannot add to, and leaves it', async () => {
    for (const odd of ['hosts: { a: { serial: "1" } }\n', 'hosts: [\n', '- x\n']) {
      writeFileSync(path, odd);
      expect(await inventory.addHost(host)).toMatchObject({ ok: false, error: { code: 'inventory-format' } });
      expect(text()).toBe(odd);
    }
  });
});
