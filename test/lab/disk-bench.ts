import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DiskRoots } from '../../src/effects/host/disk-script.ts';

/** Bytes of each disk. */
export const size = 12 << 20;
export const shells = [['dash'], ['bash', '--posix'], ['busybox', 'sh']] as const;

/** Disks as the kernel would show them, each on a loop device of its own. */
export class DiskBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'decom-disk-'));
  readonly roots: DiskRoots = {
    sys: join(this.folder, 'sys'),
    proc: join(this.folder, 'proc'),
    dev: join(this.folder, 'dev'),
  };
  readonly loops: string[] = [];

  constructor() {
    mkdirSync(join(this.roots.proc, 'self'), { recursive: true });
    mkdirSync(this.roots.dev);
    this.write(join(this.roots.proc, 'self/mountinfo'), '27 1 250:1 / / rw - ext4 /dev/root rw\n');
    this.write(join(this.roots.proc, 'swaps'), 'Filename Type Size Used Priority\n');
  }

  write(path: string, text: string): void {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
  }

  /** The file behind the disk. */
  file = (name: string): string => join(this.folder, `${name}.img`);
  sys = (name: string): string => join(this.roots.sys, 'block', name);

  add(name: string, serial: string, content: Buffer): void {
    writeFileSync(this.file(name), content);
    const loop = execFileSync('losetup', ['--show', '-f', this.file(name)], { encoding: 'utf8' }).trim();
    this.loops.push(loop);
    symlinkSync(loop, join(this.roots.dev, name));
    const about = {
      serial,
      wwid: '',
      size: String(size / 512),
      ro: '0',
      dev: this.number(loop),
      'queue/logical_block_size': '512',
    };
    for (const [file, text] of Object.entries(about)) this.write(join(this.sys(name), file), `${text}\n`);
    mkdirSync(join(this.roots.sys, 'class/block'), { recursive: true });
    symlinkSync(this.sys(name), join(this.roots.sys, 'class/block', name));
  }

  number(node: string): string {
    const { rdev } = statSync(node);
    return `${(rdev >> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >> 12) & 0xfff00)}`;
  }

  run(shell: readonly string[], script: string, words: readonly string[], path = '') {
    const [program = '', ...rest] = shell;
    const env = { ...process.env, PATH: `${path}${path === '' ? '' : ':'}${process.env.PATH}` };
    const { status, stdout, stderr } = spawnSync(program, [...rest, '-c', script, 'sh', ...words], {
      encoding: 'utf8',
      env,
    });
    return { status, stdout, stderr };
  }

  /** A program that stands before the real one. */
  standIn(name: string, text: string): string {
    const path = join(this.folder, 'bin');
    this.write(join(path, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(path, name), 0o755);
    return path;
  }

  close(): void {
    for (const loop of this.loops) execFileSync('losetup', ['-d', loop]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
