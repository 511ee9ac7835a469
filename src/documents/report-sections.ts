import { durationText } from '../core/duration.ts';
import { type Block, none, type Section, timeText } from './block.ts';
import { doubts, failures, phaseBlocks, skipped, times } from './report-course.ts';
import { diskEnds, disks } from './report-disks.ts';
import { copyBlocks, identity, irreversible } from './report-evidence.ts';
import { fileSystems } from './report-file-systems.ts';
import type { ReportModel } from './report-model.ts';
import { record } from './report-record.ts';

/** The report in the order in which it is read: what came of it first, then what cannot be undone, then everything else. */
export function reportSections(model: ReportModel): readonly Section[] {
  return [
    { title: 'At a glance', level: 2, blocks: glance(model) },
    { title: 'Irreversible actions', level: 2, blocks: irreversible(model.irreversible) },
    { title: 'Skipped steps', level: 2, blocks: [skipped(model)] },
    { title: 'The machine, as checked', level: 2, blocks: identity(model) },
    {
      title: 'Copies and proofs',
      level: 2,
      blocks: [...(model.copies.length === 0 ? [none('No copy was made.')] : []), ...fileSystems(model)],
    },
    ...model.copies.map(
      (copy): Section => ({ title: `Copy of step ${copy.step}`, level: 3, blocks: copyBlocks(copy) }),
    ),
    { title: 'Disks', level: 2, blocks: disks(model) },
    { title: 'Failures and what became of them', level: 2, blocks: [failures(model)] },
    { title: 'Operations in doubt', level: 2, blocks: [doubts(model)] },
    { title: 'Steps', level: 2, blocks: [times(model)] },
    ...model.phases.map(({ title, steps }): Section => ({ title, level: 3, blocks: phaseBlocks(steps) })),
    {
      title: 'Questions and checklists',
      level: 2,
      blocks: model.forms.length === 0 ? [none('Nobody was asked anything.')] : [],
    },
    ...model.forms.map(
      (form): Section => ({
        title: form.title,
        level: 3,
        blocks: [
          {
            block: 'fields',
            fields: [
              ['step', form.step],
              ['answered by', form.by],
              ['at', timeText(form.at)],
            ],
          },
          {
            block: 'table',
            caption: form.form === 'confirm' ? 'The answer' : 'The items',
            head: ['item', 'answer', 'note'],
            rows: form.items.map(({ text, done, note }) => [
              text,
              form.form === 'confirm' ? (done ? 'yes' : 'no') : done ? 'done' : 'not done',
              note === '' ? null : note,
            ]),
            empty: 'It had no items.',
          },
        ],
      }),
    ),
    { title: 'The record', level: 2, blocks: record(model) },
  ];
}

function glance(model: ReportModel): readonly Block[] {
  const { execution, host, plan, tool, spent, irreversible: acts } = model;
  const passed = model.phases.flatMap(({ steps }) => steps).filter(({ status }) => status === 'skipped');
  return [
    {
      block: 'fields',
      fields: [
        ['host', host.name],
        ['serial', host.serial],
        ['operators', execution.operators.length === 0 ? null : execution.operators.join(', ')],
        ['responsible', execution.responsible],
        ['ticket', execution.ticket],
        ['reason', execution.reason],
        ['opened', timeText(execution.opened)],
        ['closed', execution.closed === null ? 'not closed' : timeText(execution.closed)],
        ['time', `${durationText(spent.working)} of work, ${durationText(spent.waiting)} of waiting`],
        [
          'irreversible actions',
          acts.length === 0 ? 'none planned' : acts.map(({ report: r }) => `${r.step.id}: ${r.status}`).join(', '),
        ],
        ...disksAtAGlance(model),
        [
          'skipped steps',
          passed.length === 0 ? 'none' : passed.map(({ step, forth }) => `${step.id} (${forth.said})`).join('; '),
        ],
        ['run', execution.run === '' ? null : execution.run],
        ['runbook', `${plan.intent.runbook.title} (${plan.intent.runbook.name})`],
        ['decom', tool],
      ],
    },
  ];
}

/** Nothing where the run has no step about disks. */
function disksAtAGlance(model: ReportModel): readonly (readonly [string, string])[] {
  const ends = diskEnds(model);
  if (ends.length === 0) return [];
  const open = ends.filter(({ end }) => end === null).map(({ serial }) => serial);
  const gone = `${ends.length - open.length} of ${ends.length} erased or destroyed`;
  return [['disks', open.length === 0 ? gone : `${gone}; nothing on record of ${open.join(', ')}`]];
}
