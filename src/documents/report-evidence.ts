import { destroyHows } from '../core/disk.ts';
import type { Evidence } from '../core/evidence.ts';
import { bmcWords, sshWords } from '../core/plan.ts';
import { type Block, none, type Shown, timeText } from './block.ts';
import type { CopyReport, EvidenceShown, IrreversibleReport, ReportModel } from './report-model.ts';

export function identity({ host, identity: found }: ReportModel): readonly Block[] {
  return [
    {
      block: 'fields',
      fields: [
        ['full name', host.fqdn],
        ['address', host.address],
        ['serial', host.serial],
        ['UUID', host.uuid],
        ['machine id', host.machine_id],
        ['host keys', host.host_keys.length === 0 ? null : host.host_keys.join(', ')],
        ...(sshWords(host) === undefined ? [] : [['SSH', sshWords(host) ?? null] as const]),
        ['BMC', host.bmc === null ? null : `${bmcWords(host)}, GUID ${host.bmc.guid ?? 'not recorded'}`],
        ['asset tag', host.asset_tag],
        ['owner', host.owner],
        ['location', host.location],
        ['disks', host.disks.length === 0 ? null : host.disks.join(', ')],
      ],
    },
    evidenceTable('Checks of the identity', found, 'The identity was not confirmed in this run.'),
  ];
}

export function irreversible(acts: readonly IrreversibleReport[]): readonly Block[] {
  if (acts.length === 0) return [none('None was planned.')];
  return acts.flatMap(({ report, agreed, before, after }): Block[] => [
    {
      block: 'fields',
      fields: [
        ['action', `${report.step.id}: ${report.step.title} (${report.step.uses})`],
        ['status', report.status],
        ['begun', timeText(report.forth.started)],
        ['ended', timeText(report.forth.ended)],
        ['agreed by', agreed === null ? null : `${agreed.by} (${agreedText(agreed.how)}), ${timeText(agreed.ts)}`],
        ['serial given', agreed?.typed ?? null],
        ['what its probe says', report.forth.said === '' ? null : report.forth.said],
      ],
    },
    evidenceTable(`Evidence before ${report.step.id}`, before, 'There was no evidence before it.'),
    evidenceTable(`Evidence of ${report.step.id} itself`, after, 'It yielded no evidence.'),
  ]);
}

const agreedText = (how: 'asked' | 'typed' | 'beforehand'): string =>
  how === 'typed' ? 'by typing the serial' : how === 'asked' ? 'when asked' : 'beforehand';

const evidenceTable = (caption: string, found: readonly EvidenceShown[], empty: string): Block => ({
  block: 'table',
  caption,
  head: ['evidence', 'of step', 'at', 'what it says', 'SHA-256'],
  rows: found.map(({ evidence: e, digest }) => [e.kind, e.step, timeText(e.at), evidenceText(e), digest]),
  empty,
});

function evidenceText(e: Evidence): string {
  switch (e.kind) {
    case 'identity.confirmed':
      return `agree with the inventory: ${e.sources.join(', ')}; serial ${e.host_serial}; boot ${e.boot_id}`;
    case 'identity.attested': {
      const waived = e.waived.map(({ gate, by }) => `; ${by} answered for ${gate}`).join('');
      return `the host does not answer; agree with the inventory: ${e.sources.join(', ')} (the label was read by ${e.read_by})${waived}`;
    }
    case 'identity.bound':
      return `the BMC says ${e.bmc}, the machine says ${e.dmi}`;
    case 'host.unused': {
      const besides = e.waived.map(({ gate, by }) => `; ${by} answered for ${gate}`).join('');
      return `watched from ${timeText(e.from) ?? ''} to ${timeText(e.to) ?? ''}, ${e.samples} looks: nobody used it but ${e.allowed} allowed${besides}`;
    }
    case 'writers.stopped':
      return `stopped: ${e.units.join(', ')}`;
    case 'restore.proven': {
      const kind = e.level === 'restored' ? 'restored and compared' : 'read back';
      if (e.databases !== undefined) {
        return `${kind}, every row: databases ${e.databases.join(', ')} as of ${timeText(e.manifest_started) ?? ''}`;
      }
      return `${kind}${e.sampled ? ' by sampling' : ', every file'}${e.unproven === undefined ? '' : ` but ${e.unproven} that vanished while copied`}: ${e.paths.join(', ')} as of ${timeText(e.manifest_started) ?? ''}`;
    }
    case 'disk.erased': {
      const wwn = e.wwn === undefined ? '' : ` (${e.wwn})`;
      const read = e.verified === 'full' ? 'read whole' : 'read by sampling';
      return `disk ${e.serial}${wwn}, ${count(e.size)} bytes: ${e.level} by ${e.technique} with ${e.tool}, from ${timeText(e.started) ?? ''} to ${timeText(e.ended) ?? ''}; ${read}: ${count(e.bytes_read)} bytes in ${count(e.places)} places, nothing but zeroes; seed ${e.seed}`;
    }
    case 'disk.destroyed':
      return `disk ${e.serial}: ${destroyHows[e.how]}, as ${e.why}; its label was read by ${e.read_by}, who says: ${e.said}`;
    case 'power.is-off':
      return e.silent_since === undefined
        ? 'the power is off'
        : `the BMC says that the power is off; whether the host can be reached could not be told, it last answered at ${timeText(e.silent_since) ?? ''}`;
  }
}

export function copyBlocks(copy: CopyReport): readonly Block[] {
  return [
    {
      block: 'fields',
      fields: [
        ['copy', copy.copy],
        ['files', count(copy.files)],
        ['bytes', count(copy.bytes)],
        ['SHA-256 of the manifest', copy.manifest],
        [
          'kept until',
          copy.kept === null
            ? 'nobody said: it is not to be deleted'
            : `${copy.kept.until}${copy.kept.why === undefined ? '' : `: ${copy.kept.why}`}`,
        ],
        ...(copy.kept === null ? [] : [['who may delete it then', copy.kept.by] as const]),
      ],
    },
    ...(copy.proofs.length === 0 ? [none('Not proven: it was not restored in this run.')] : []),
    ...copy.proofs.flatMap((proof): Block[] => {
      const { evidence: e } = proof;
      if (e.kind !== 'restore.proven') return [];
      return [
        evidenceTable(`Proof by step ${e.step}`, [proof], ''),
        {
          block: 'table',
          caption: `What step ${e.step} compared`,
          head: ['attribute', 'proven', 'why not'],
          rows: e.attributes.map((a) => [
            a.attribute,
            a.proven ? 'proven' : 'not proven',
            a.proven ? '–' : (a.why ?? null),
          ]),
          empty: 'No attribute was compared.',
        },
      ];
    }),
  ];
}

const count = (n: number | null): Shown => (n === null ? null : n.toLocaleString('en-US'));
