// What the survey of a host costs, against a bare `ssh host true` plus the script's own time; and of a hundred hosts, against Ansible's setup of as many.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { surveyProbe } from '../src/effects/host/survey.ts';
import { surveyScript } from '../src/effects/host/survey-script.ts';
import { sshMachine } from '../src/effects/ssh/machine.ts';
import { makeAccount } from '../test/lab/account.ts';
import { startSshd } from '../test/lab/sshd.ts';
import { pairs, report } from './pairs.mjs';

const hosts = Number(process.env.HOSTS ?? 100);
const folder = mkdtempSync(join(tmpdir(), 'decom-bench-'));
// As a distribution makes it: start-up files of whoever runs this may take longer than what is measured.
const account = makeAccount('decom-bench');
const sshd = await startSshd({
  user: account.name,
  config: ['MaxStartups 200:30:400', 'Subsystem sftp internal-sftp'],
});
const [uid, gid] = ['-u', '-g'].map((which) => Number(execFileSync('id', [which, account.name]).toString()));
const owner = { uid, gid };
const ssh = [
  ...['-F', 'none', '-i', sshd.userKey, '-o', `UserKnownHostsFile=${sshd.knownHosts}`, '-o', 'BatchMode=yes'],
  ...['-p', String(sshd.port), `${sshd.user}@${sshd.address}`],
];

/** A connection of its own, as a command of its own would make it. */
const survey = async (): Promise<void> => {
  const machine = sshMachine(
    {
      ...{ name: 'bench', address: sshd.address, port: sshd.port, user: sshd.user, sudo: false },
      ...{ identityFiles: [sshd.userKey], hostKeys: sshd.hostKeys },
    },
    { home: homedir() },
  );
  const seen = await surveyProbe(machine)({ kind: 'host.survey' });
  await machine.close();
  if (!seen.known) throw new Error(seen.trouble.what);
};

const bare = async (): Promise<void> => {
  execFileSync('ssh', [...ssh, 'true']);
  execFileSync('sh', ['-c', surveyScript], {
    ...{ ...owner, env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/' } },
    stdio: ['ignore', 'ignore', 'ignore'],
    maxBuffer: 1 << 26,
  });
};

let kept = true;
try {
  const one = await pairs(12, survey, bare);
  kept = report('survey of one host / ssh true and the script itself', one, { atMost: 1.5 }) && kept;

  const began = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      while (next++ < hosts) await survey();
    }),
  );
  const ours = performance.now() - began;
  console.log(`  ${hosts} hosts, ten at once: ${(ours / 1000).toFixed(1)} s`);
  if (spawnSync('ansible', ['--version']).status !== 0) {
    console.log('  ansible is not here, so nothing was compared: apt-get install ansible-core');
  } else {
    const inventory = join(folder, 'hosts');
    const names = Array.from({ length: hosts }, (_, i) => `h${i} ansible_host=${sshd.address}`);
    writeFileSync(
      inventory,
      `${names.join('\n')}\n[all:vars]\nansible_port=${sshd.port}\nansible_user=${sshd.user}\nansible_ssh_private_key_file=${sshd.userKey}\nansible_python_interpreter=/usr/bin/python3\n`,
    );
    const at = performance.now();
    const ran = spawnSync('ansible', ['-i', inventory, '-f', '10', '-m', 'setup', 'all'], {
      env: { ...process.env, ANSIBLE_SSH_ARGS: `-F none -o UserKnownHostsFile=${sshd.knownHosts}` },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const theirs = performance.now() - at;
    if (ran.status !== 0) throw new Error(`ansible ended with ${ran.status}`);
    const ratio = ours / theirs;
    console.log(
      `  ansible -m setup, ten at once: ${(theirs / 1000).toFixed(1)} s; ${ratio.toFixed(2)} × (wanted at most 0.2)`,
    );
    kept = ratio <= 0.2 && kept;
  }
} finally {
  await sshd.stop();
  account.remove();
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = kept ? 0 : 1;
