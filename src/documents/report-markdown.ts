import { printable } from '../core/printable.ts';
import { type Block, notRecorded, type Shown } from './block.ts';
import type { ReportModel } from './report-model.ts';
import { reportSections } from './report-sections.ts';

/** The report as Markdown (CommonMark with tables). Text from the run is neutralised, so none of it can become markup. */
export function reportMarkdown(model: ReportModel): string {
  const { verdict, host, plan } = model;
  const parts = [
    `# ${inert(`${plan.intent.runbook.title}: ${host.name}`)}`,
    `**${verdict.word.toUpperCase()}** — ${inert(verdict.says)}`,
    ...reportSections(model).flatMap(({ title, level, blocks }) => [
      `${'#'.repeat(level)} ${inert(title)}`,
      ...blocks.map(blockText),
    ]),
  ];
  return `${parts.join('\n\n')}\n`;
}

function blockText(block: Block): string {
  switch (block.block) {
    case 'text':
      return atStart(block.text);
    case 'fields':
      return block.fields.map(([name, value]) => `- **${inert(name)}:** ${cell(value)}`).join('\n');
    case 'list':
      return block.items.map((item) => `- ${atStart(item)}`).join('\n');
    case 'table':
      return block.rows.length === 0 ? atStart(block.empty) : tableText(block);
    case 'details':
      return [`${inert(block.summary)}:`, '', ...block.items.map((item) => `- ${atStart(item)}`)].join('\n');
  }
}

const tableText = ({ caption, head, rows }: Extract<Block, { block: 'table' }>): string =>
  [
    `*${inert(caption)}*`,
    '',
    `| ${head.map(inert).join(' | ')} |`,
    `|${' --- |'.repeat(head.length)}`,
    ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
  ].join('\n');

const cell = (value: Shown): string => inert(value ?? notRecorded);

/** At the start of a line, what would make it a list or a rule is escaped as well. */
const atStart = (text: string): string =>
  inert(text)
    .replace(/^(\s*)([-+=])/, '$1\\$2')
    .replace(/^(\s*\d+)([.)])(?=\s|$)/, '$1\\$2');

/** Everything that Markdown or HTML could take for markup is escaped. */
const inert = (text: string): string =>
  printable(text)
    .replace(/[\\`*_{}[\]<>#|~&!$]/g, '\\$&')
    .replace(/:\/\//g, '\\://')
    .replace(/\bwww\./gi, (www) => `${www.slice(0, 3)}\\.`);
