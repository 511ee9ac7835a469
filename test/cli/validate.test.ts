import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { exit } from '../../src/cli/exit.ts';
import { runProgram } from '../../src/cli/program.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'decom-validate-'));
  mkdirSync(join(folder, 'runbooks'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const hosts = (serial: string): string => `hosts:\n  web01:\n    addresses: [192.0.2.10]\n    ${serial}\n`;

/** What `decom validate FILE…` says, and its exit code. */
async function judged(...files: readonly string[]): Promise<{ readonly code: number; readonly said: string }> {
  const streams = [process.stdout, process.stderr] as const;
  const writes = streams.map((stream) => stream.write);
  let said = '';
  for (const stream of streams) {
    stream.write = (chunk: string | Uint8Array): boolean => {
      said += String(chunk);
      return true;
    };
  }
  try {
    const code = await runProgram(['-C', folder, 'validate', ...files.map((file) => join(folder, file))]);
    return { code, said };
  } finally {
    streams.forEach((stream, i) => {
      const write = writes[i];
      if (write !== undefined) stream.write = write;
    });
  }
}

test('the hosts file, named, is checked as the inventory, whatever the settings call it', async () => {
  writeFileSync(join(folder, 'decom.yaml'), 'decom: 1\nhosts: inventory/all.yaml\n');
  mkdirSync(join(folder, 'inventory'));
  writeFileSync(join(folder, 'inventory/all.yaml'), hosts('serial: "1"'));
  const good = await judged('inventory/all.yaml');
  expect(good.said).toContain('all.yaml — 1 host');
  expect(good.code).toBe(exit.done);
  writeFileSync(join(folder, 'inventory/all.yaml'), hosts('seriall: "1"'));
  const wrong = await judged('inventory/all.yaml');
  expect(wrong.said).toContain('unknown key "seriall" in "hosts.web01". Did you mean "serial"?');
  expect(wrong.said).not.toContain('"phases" is missing');
  expect(wrong.code).toBe(exit.usage);
});

test('decom.yaml, named, is checked as the settings, also where they are wrong', async () => {
  writeFileSync(join(folder, 'decom.yaml'), 'decom: 1\n');
  expect((await judged('decom.yaml')).said).toContain('decom.yaml — settings');
  writeFileSync(join(folder, 'decom.yaml'), 'decom: 1\nstat: ./state\n');
  const wrong = await judged('decom.yaml');
  expect(wrong.said).toContain('unknown key "stat". Did you mean "state"?');
  expect(wrong.code).toBe(exit.usage);
});

test('a place on a helper says that the path behind its colon is absolute', async () => {
  writeFileSync(join(folder, 'decom.yaml'), 'decom: 1\n');
  const step = (to: string) =>
    `decom: 1\nname: r\nphases:\n  - phase: p\n    steps:\n      - id: copy\n        uses: backup.archive\n        with: { from: [/srv], to: "${to}" }\n`;
  writeFileSync(join(folder, 'runbooks/r.yaml'), step('vault:store/c'));
  expect((await judged('runbooks/r.yaml')).said).toContain(
    '"with.to" must be an absolute path here, or HELPER:/ABSOLUTE/PATH, and is "vault:store/c".',
  );
  writeFileSync(join(folder, 'runbooks/r.yaml'), step('vault:/store/c'));
  expect((await judged('runbooks/r.yaml')).code).toBe(exit.done);
});
