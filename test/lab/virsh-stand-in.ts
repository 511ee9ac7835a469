import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Vm } from './vm.ts';

/**
 * Puts a `virsh` into `folder` that drives the lab's virtual machine by qemu's own monitor, with the words and exit codes of the real
 * one. It takes the machine's command line from the running qemu, so it has to be made while that runs.
 */
export function writeVirsh(folder: string, vm: Vm, domain: string): void {
  const pid = vm.pid();
  if (pid === null) throw new Error('the machine has to run');
  const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  const incoming = args.indexOf('-incoming');
  const fresh = incoming === -1 ? args : args.toSpliced(incoming, 2);
  const monitor = /^unix:([^,]*)/.exec(fresh[fresh.indexOf('-monitor') + 1] ?? '')?.[1];
  if (monitor === undefined) throw new Error('this qemu has no monitor');
  mkdirSync(folder, { recursive: true });
  const known = { domain, monitor, args: fresh, serial: vm.identity.serial, uuid: vm.identity.uuid };
  writeFileSync(
    join(folder, 'virsh'),
    `#!${process.execPath}\nconst known = ${JSON.stringify(known)};\n(${virsh.toString()})(known);\n`,
    { mode: 0o755 },
  );
}

interface Known {
  readonly domain: string;
  readonly monitor: string;
  readonly args: readonly string[];
  readonly serial: string;
  readonly uuid: string;
}

/** The program itself: stands in a file of its own, so it takes nothing from here. */
function virsh({ domain, monitor, args, serial, uuid }: Known): void {
  const { connect } = process.getBuiltinModule('node:net');
  const { spawn } = process.getBuiltinModule('node:child_process');
  const [quiet, connectFlag, , command, name] = process.argv.slice(2);
  const fail = (text: string): never => {
    process.stderr.write(`error: ${text}\n`);
    process.exit(1);
  };
  if (quiet !== '--quiet' || connectFlag !== '--connect') fail('unknown options');
  if (name !== domain) fail(`failed to get domain '${name}'`);
  const say = (line: string): Promise<string | undefined> =>
    new Promise((resolve) => {
      const socket = connect(monitor);
      let heard = '';
      let asked = false;
      socket.setEncoding('utf8');
      socket.on('data', (chunk: string) => {
        heard += chunk;
        const prompts = heard.split('(qemu) ').length - 1;
        if (!asked && prompts > 0) {
          asked = true;
          socket.write(`${line}\n`);
        } else if (prompts > 1) socket.end();
      });
      socket.on('error', () => resolve(asked ? heard : undefined));
      socket.on('close', () => resolve(asked ? heard : undefined));
    });
  const act = async (): Promise<void> => {
    switch (command) {
      case 'domstate': {
        const status = await say('info status');
        return console.log(status === undefined ? 'shut off' : /running/.test(status) ? 'running' : 'paused');
      }
      case 'domuuid':
        return console.log(uuid);
      case 'dumpxml':
        return console.log(
          `<domain><sysinfo type='smbios'>\n<system>\n<entry name='serial'>${serial}</entry>\n</system>\n</sysinfo></domain>`,
        );
      case 'shutdown':
        if ((await say('system_powerdown')) === undefined) fail(`Failed to shutdown domain '${name}'`);
        return;
      case 'destroy':
        if ((await say('quit')) === undefined) fail(`Failed to destroy domain '${name}'`);
        return;
      case 'start': {
        if ((await say('info status')) !== undefined) fail('Domain is already active');
        const [program = '', ...rest] = args;
        // It outlives this program, so its time is bounded.
        spawn('timeout', ['--signal=KILL', '1800', program, ...rest], { detached: true, stdio: 'ignore' }).unref();
        return;
      }
      default:
        fail(`unknown command: '${command}'`);
    }
  };
  void act();
}
