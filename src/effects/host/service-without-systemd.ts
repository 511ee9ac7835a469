import type { Machine } from '../../core/ports.ts';
import type { OtherInit, ServiceState } from '../../core/probe.ts';
import { type Seen, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import { withoutRoot } from './identity.ts';
import { decode, lastLines, plainText } from './plain-text.ts';
import { serviceScript } from './service-script.ts';
import { judgeLsb, judgeOpenrc } from './service-status.ts';

/** Milliseconds until a status command counts as hanging. */
const patience = 30_000;

/**
 * A service of SysV init or OpenRC; undefined where the host has neither. `nginx.service` is the script `nginx` there.
 *
 * `under`: a folder that holds the host's /etc and /run; for tests.
 */
export async function serviceWithoutSystemd(
  machine: Machine,
  unit: string,
  under: string,
): Promise<Seen<ServiceState> | undefined> {
  const name = unit.replace(/\.service$/, '');
  const argv = ['sh', '-c', serviceScript, 'sh', name, under];
  const signal = AbortSignal.timeout(patience);
  let asked = await machine.exec({ argv, root: true }, { signal });
  if (!asked.ok && withoutRoot.includes(asked.error.code))
    asked = await machine.exec({ argv, root: false }, { signal });
  if (!asked.ok) return unseen(asked.error);
  const { ended, stdout } = asked.value;
  if (ended.how === 'aborted') {
    return unseen(unclear(machine, unit, `its status command did not end within ${patience / 1000} s`));
  }
  if (ended.how === 'lost') return unseen(ended.trouble);
  const found = read(decode(stdout));
  const kind = found.all('init')[0];
  if (kind !== 'sysv' && kind !== 'openrc') return undefined;
  if (name === unit) return unseen(servicesOnly(machine, unit, kind));
  const run = found.all('run')[0];
  const starts = found.all('start');
  const init: OtherInit = {
    kind,
    run: run === undefined ? [`${under}/etc/init.d/${name}`] : [run, name],
    boot: found.all('boot')[0] ?? null,
    starts,
  };
  if (found.has('missing')) {
    return seen({ unit, load: 'not-found', active: 'inactive', sub: 'dead', enabled: '', triggers: [], init });
  }
  if (found.has('upstart')) {
    return unseen(
      trouble(
        'upstart',
        `${unit} is a job of Upstart on ${machine.name}, whose state cannot be told`,
        `Use command.run: initctl stop ${name}, with a probe that proves it.`,
      ),
    );
  }
  if (found.has('closed')) return unseen(unclear(machine, unit, 'its script may not be read or run'));
  if (found.has('no-status') || found.exit === undefined) {
    return unseen(unclear(machine, unit, 'its script has no status command', found.pids()));
  }
  const said = {
    exit: found.exit,
    text: found.text,
    alive: found.all('pid'),
    dead: found.all('dead'),
    lock: found.has('lock'),
  };
  const judged = kind === 'openrc' ? judgeOpenrc(said) : judgeLsb(said);
  if ('unclear' in judged) {
    return unseen(
      unclear(machine, unit, judged.unclear, lastLines(plainText(Buffer.from(found.text)), 5), [...init.run, 'status']),
    );
  }
  const enabled = !found.has('levels') ? 'unknown' : starts.length > 0 ? 'enabled' : 'disabled';
  return seen({ unit, load: 'loaded', ...judged, enabled, triggers: [], init });
}

function read(text: string) {
  const [, head = text, exit, said = ''] = /^([\s\S]*?)^status (\d+)\n([\s\S]*)$/m.exec(text) ?? [];
  const lines = head.split('\n');
  const all = (word: string): readonly string[] =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  return {
    all,
    has: (word: string): boolean => lines.includes(word),
    exit: exit === undefined ? undefined : Number(exit),
    text: said,
    pids: (): string =>
      all('pid')
        .map((pid) => `a pidfile names process ${pid}, which is alive`)
        .join('\n'),
  };
}

const unclear = (machine: Machine, unit: string, why: string, said = '', status: readonly string[] = []): Trouble =>
  trouble(
    'service-unknown',
    `whether ${unit} runs on ${machine.name} cannot be told: ${why}`,
    status.length > 0
      ? `See on the host: ${status.join(' ')}; echo $?. Or use command.run with a probe that proves it.`
      : 'Use command.run with its own commands, and a probe that proves them.',
    said === '' ? undefined : said,
  );

const servicesOnly = (machine: Machine, unit: string, kind: string): Trouble =>
  trouble(
    'services-only',
    `${unit} cannot be on ${machine.name}: ${kind === 'sysv' ? 'SysV init' : 'OpenRC'} knows services only`,
    'Name the service itself, and look into cron and inetd for what starts it.',
  );
