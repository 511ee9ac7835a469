import { destroyHows } from '../core/disk.ts';
import type { Evidence } from '../core/evidence.ts';
import { type Block, timeText } from './block.ts';
import type { ReportModel } from './report-model.ts';

type OfDisk = Extract<Evidence, { readonly kind: 'disk.erased' | 'disk.destroyed' }>;

/** What became of one disk by this record; `end` is null where nothing says. */
export interface DiskEnd {
  readonly serial: string;
  readonly end: OfDisk | null;
}

/**
 * Every disk of the inventory, and each that a step was about, with what became of it last. Nothing where the run has no step about disks: then the disks go on, in the
 * machine or out of it, and this record is not where that is said.
 */
export function diskEnds({
  host,
  plan,
  execution,
}: Pick<ReportModel, 'host' | 'plan' | 'execution'>): readonly DiskEnd[] {
  const ends = execution.evidence.filter((e): e is OfDisk => e.kind === 'disk.erased' || e.kind === 'disk.destroyed');
  if (ends.length === 0 && !plan.intent.steps.some(({ uses }) => uses.startsWith('disk.'))) return [];
  const serials = new Set([...host.disks, ...ends.map(({ serial }) => serial)]);
  return [...serials].map((serial) => ({ serial, end: ends.findLast((e) => e.serial === serial) ?? null }));
}

export function disks(model: ReportModel): readonly Block[] {
  return [
    {
      block: 'table',
      caption: 'Disks of the inventory, and what became of each',
      head: ['serial', 'what became of it', 'by step', 'at'],
      rows: diskEnds(model).map(({ serial, end }) =>
        end === null
          ? [serial, 'nothing on record: it holds its data', null, null]
          : [serial, endText(end), end.step, timeText(end.at)],
      ),
      empty: 'The run has no step about disks: what becomes of them is on record elsewhere, or nowhere.',
    },
  ];
}

const endText = (end: OfDisk): string =>
  end.kind === 'disk.erased' ? `erased (${end.level}, by ${end.technique})` : destroyHows[end.how];
