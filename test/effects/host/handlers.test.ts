import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trouble } from '../../../src/core/result.ts';
import { hostProbes } from '../../../src/effects/host/handlers.ts';
import { pathsProbe } from '../../../src/effects/host/paths.ts';
import { machineWith } from './stand-ins.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'decom-paths-'));
  mkdirSync(join(folder, 'a folder\nin two lines'));
  writeFileSync(join(folder, 'a folder\nin two lines', 'five'), '12345');
  writeFileSync(join(folder, '-rf'), 'x'.repeat(1000));
  symlinkSync('/nowhere', join(folder, 'link'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the paths of a host', () => {
  it('are told by kind and size, whatever their names', async () => {
    const paths = ['a folder\nin two lines', '-rf', 'link', 'gone'].map((name) => join(folder, name));
    const seen = await hostProbes(machineWith({}))['host.paths']({
      kind: 'host.paths',
      paths: [...paths, '/dev/null'],
      root: true,
    });
    if (!seen.known) throw new Error(seen.trouble.what);
    expect(seen.value.map(({ kind }) => kind)).toEqual(['directory', 'file', 'symlink', 'missing', 'other']);
    expect(seen.value[1]?.bytes).toEqual({ known: true, value: 1000 });
    expect(seen.value[0]?.bytes.known).toBe(true);
    expect(seen.value[3]?.bytes).toMatchObject({ known: false, trouble: { code: 'no-size' } });
  });

  it('may be many', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error) => warnings.push(warning);
    process.on('warning', warn);
    const paths = Array.from({ length: 30 }, () => join(folder, '-rf'));
    const seen = await hostProbes(machineWith({}))['host.paths']({ kind: 'host.paths', paths, root: false });
    await new Promise(setImmediate);
    process.off('warning', warn);
    expect(seen.known && seen.value.filter(({ bytes }) => bytes.known).length).toBe(30);
    expect(warnings).toEqual([]);
  });

  it('that take too long to measure have no known size', async () => {
    const machine = machineWith({ du: 'sleep 60' });
    const seen = await pathsProbe(machine, 200)({ kind: 'host.paths', paths: [folder], root: false });
    expect(seen).toMatchObject({
      known: true,
      value: [{ kind: 'directory', bytes: { known: false, trouble: { code: 'size-unknown' } } }],
    });
  });

  it('that cannot be read whole have no known size', async () => {
    const machine = machineWith({ du: 'echo "du: cannot read directory" >&2; printf "5\\t/x\\n"; exit 1' });
    const seen = await pathsProbe(machine)({ kind: 'host.paths', paths: [folder], root: false });
    expect(seen).toMatchObject({
      value: [{ bytes: { known: false, trouble: { detail: 'du: cannot read directory' } } }],
    });
  });
});

describe('the tools of a host', () => {
  it('are told by name', async () => {
    const machine = machineWith({ rsync: 'true' });
    expect(
      await hostProbes(machine)['host.tools']({ kind: 'host.tools', names: ['rsync', 'no-such-tool', 'sh'] }),
    ).toEqual({
      known: true,
      value: { rsync: true, 'no-such-tool': false, sh: true },
    });
  });
});

describe('a command that is asked', () => {
  it('tells how it ended and what it wrote', async () => {
    const { command } = hostProbes(machineWith({}));
    const asked = await command({ kind: 'command', argv: ['sh', '-c', 'echo out; echo err >&2; exit 3'], root: false });
    expect(asked).toEqual({ known: true, value: { exit: 3, signal: null, stdout: 'out\n', stderr: 'err\n' } });
    const killed = await command({ kind: 'command', argv: ['sh', '-c', 'kill -TERM $$'], root: false });
    expect(killed).toMatchObject({ value: { exit: null, signal: 'SIGTERM' } });
  });

  it('is not known where the host cannot be asked', async () => {
    const machine = machineWith({});
    machine.unreachable(trouble('refused', 'nothing listens there', 'Check the port.'));
    const probes = hostProbes(machine);
    expect(await probes.command({ kind: 'command', argv: ['true'], root: false })).toMatchObject({ known: false });
    expect(await probes['host.tools']({ kind: 'host.tools', names: ['tar'] })).toMatchObject({ known: false });
    expect(await probes['host.paths']({ kind: 'host.paths', paths: ['/'], root: false })).toMatchObject({
      known: false,
    });
    expect(await probes['host.reachable']({ kind: 'host.reachable' })).toEqual({ known: true, value: 'no' });
  });
});
