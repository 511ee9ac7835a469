import type { ProbeAnswer } from '../../../core/probe.ts';
import { type Seen, seen, trouble, unseen } from '../../../core/result.ts';
import type { HelperMachine, TransferDeps } from '../deps.ts';
import { shelf } from './shelf.ts';

/** Programs by which a helper fetches from the host. */
const needed = ['ssh', 'ssh-keygen', 'ssh-keyscan'];

/**
 * Whether a helper can reach the host by itself, and meets the same key there as this machine does. Asked with `ssh-keyscan`, which logs in
 * nowhere and changes nothing.
 */
export async function wayToHost(
  helper: HelperMachine,
  { machine: host, address: { address, port, legacy } }: Pick<TransferDeps, 'machine' | 'address'>,
): Promise<Seen<ProbeAnswer<'helper.way'>>> {
  const about = await shelf(helper, 'about', helper.folder);
  if (!about.ok) return unseen(about.error);
  const lacks = needed.filter((program) => !about.value.includes(`has ${program}`));
  // Old algorithms are beyond ssh-keyscan on many machines: there the copy itself finds out.
  if (lacks.length > 0 || legacy) return seen({ lacks });
  const key = await host.hostKey();
  if (!key.ok) return unseen(key.error);
  const type = key.value.split(' ')[0] ?? '';
  const kind = type.startsWith('ecdsa') ? 'ecdsa' : type.replace(/^ssh-/, '');
  const asked = await helper.machine.exec({
    argv: ['ssh-keyscan', '-T', '10', '-t', kind, '-p', String(port), '--', address],
    root: false,
  });
  if (!asked.ok) return unseen(asked.error);
  const { ended, stdout, stderr } = asked.value;
  if (ended.how === 'lost' || ended.how === 'aborted') return unseen(ended.trouble);
  const keys = Buffer.from(stdout)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(' ').slice(1, 3).join(' '));
  const said = Buffer.from(stderr).toString('utf8').slice(0, 1000);
  if (keys.length === 0) {
    return unseen(
      trouble(
        'helper-no-way',
        `${helper.name} cannot reach ${host.name} at ${address} port ${port}`,
        'Open that way; or use backup.archive with `relay: true`, so that the data goes by way of this machine.',
        said,
      ),
    );
  }
  if (keys.includes(key.value.split(' ').slice(0, 2).join(' '))) return seen({ lacks });
  return unseen(
    trouble(
      'helper-other-host',
      `what ${helper.name} meets at ${address} port ${port} is not ${host.name}: it shows another host key`,
      `Find out which machine that is. Nothing is fetched from it; \`relay: true\` in the step copies by way of this machine.`,
      keys.join('\n'),
    ),
  );
}
