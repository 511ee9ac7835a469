import { type Seen, seen, type Trouble } from '../../core/result.ts';
import type { ConnectionRow, ExportRow, Listed } from '../../core/survey.ts';
import { wholly } from '../../core/survey.ts';
import { type Answers, clean, linesOf, listed } from './survey-answers.ts';
import { unescaped } from './survey-storage.ts';
import type { Process } from './survey-workloads.ts';

/** What others have from here: by NFS, iSCSI, SMB and Ceph. Who has it now is told by the connections to its port. */
export function exportsOf(
  answers: Answers,
  processes: Seen<Listed<Process>>,
  connections: Seen<Listed<ConnectionRow>>,
): Seen<Listed<ExportRow>> {
  const lacks: Trouble[] = [...(processes.known ? (processes.value.lacks ?? []) : [processes.trouble])];
  const live = wholly(connections);
  const clients = (...ports: readonly number[]): readonly string[] | null =>
    live === undefined
      ? null
      : [
          ...new Set(
            live.filter(({ local, inside }) => ports.includes(local.port) && !inside).map(({ peer }) => peer.address),
          ),
        ];
  const running = processes.known ? processes.value.rows : [];
  // A line for each whom a folder is offered to.
  const folders = new Map<string, string[]>();
  for (const line of linesOf(answers, 'nfs', lacks).filter((one) => !one.startsWith('#'))) {
    const [path = '', ...to] = line.split(/\s+/);
    const offered = to.map((one) => clean(one.replace(/\(.*$/, '')));
    folders.set(path, [...(folders.get(path) ?? []), ...offered]);
  }
  const nfs = [...folders].map(
    ([path, offered]): ExportRow => ({
      kind: 'nfs',
      what: clean(unescaped(path)),
      offered: [...new Set(offered)],
      clients: clients(2049),
    }),
  );
  const iscsi: { readonly what: string; readonly offered: string[] }[] = [];
  for (const line of linesOf(answers, 'iscsi', lacks)) {
    const [, kind, name] = /^(target|acl) (\S+)$/.exec(line) ?? [];
    if (kind === 'target') iscsi.push({ what: clean(name ?? ''), offered: [] });
    else iscsi.at(-1)?.offered.push(clean(name ?? ''));
  }
  const smbd = running.some(({ name }) => name === 'smbd' || name === 'ksmbd');
  const shares = smbd ? linesOf(answers, 'smb', lacks).flatMap((line) => /^\s*\[([^\]]+)\]/.exec(line)?.[1] ?? []) : [];
  const ceph = running.filter(({ name }) => /^ceph-(osd|mon|mds|mgr)$/.test(name));
  const drbd = linesOf(answers, 'drbd', []).flatMap((line) => /^\s*(\d+): cs:(\S+) ro:(\S+)/.exec(line) ?? []);
  return seen(
    listed(
      [
        ...nfs,
        ...iscsi.map((target): ExportRow => ({ kind: 'iscsi', ...target, clients: clients(3260) })),
        ...shares
          .filter((share) => share.toLowerCase() !== 'global')
          .map((share): ExportRow => ({ kind: 'smb', what: clean(share), offered: [], clients: clients(445, 139) })),
        ...ceph.map(({ name, args, pid }): ExportRow => {
          const id = /--id[= ](\S+)|\s-i\s+(\S+)/.exec(args);
          return {
            kind: 'ceph',
            what: clean(`${name.slice(5)}.${id?.[1] ?? id?.[2] ?? pid}`),
            offered: [],
            clients: null,
          };
        }),
        ...(drbd.length === 0 ? [] : [{ kind: 'drbd' as const, what: `drbd${drbd[1]}`, offered: [], clients: null }]),
      ],
      lacks,
    ),
  );
}
