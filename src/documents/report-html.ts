import { sha256 } from '../core/json.ts';
import { printable } from '../core/printable.ts';
import { type Block, notRecorded, type Shown } from './block.ts';
import type { ReportModel } from './report-model.ts';
import { reportSections } from './report-sections.ts';
import { reportStyle } from './report-style.ts';

/**
 * The report as one HTML file: no script, nothing fetched, readable without its style sheet and in print. Its own policy forbids the
 * browser anything but that one style sheet, by hash.
 */
export function reportHtml(model: ReportModel): string {
  const { verdict, host, plan, execution } = model;
  const title = `${plan.intent.runbook.title}: ${host.name}`;
  const style = reportStyle(execution.run);
  const hash = Buffer.from(sha256(style), 'hex').toString('base64');
  return [
    '<!DOCTYPE html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="referrer" content="no-referrer">',
    `<title>${inert(`${verdict.word.toUpperCase()} – ${title}`)}</title>`,
    `<style>${style}</style>`,
    '</head>',
    '<body>',
    '<main>',
    `<h1>${inert(title)}</h1>`,
    `<p class="verdict ${verdict.word.replaceAll(' ', '-')}"><strong>${inert(verdict.word.toUpperCase())}</strong> – ${inert(verdict.says)}</p>`,
    ...reportSections(model).flatMap(({ title: heading, level, blocks }) => [
      `<h${level}>${inert(heading)}</h${level}>`,
      ...blocks.map(blockHtml),
    ]),
    '</main>',
    `<footer><p>Run ${inert(execution.run === '' ? notRecorded : execution.run)}; head of the audit log <code>${inert(model.log.head.hash)}</code></p></footer>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

function blockHtml(block: Block): string {
  switch (block.block) {
    case 'text':
      return `<p>${inert(block.text)}</p>`;
    case 'fields':
      return `<dl>\n${block.fields.map(([name, value]) => `<dt>${inert(name)}</dt><dd>${cell(value)}</dd>`).join('\n')}\n</dl>`;
    case 'list':
      return list(block.items);
    case 'table':
      return block.rows.length === 0 ? `<p>${inert(block.empty)}</p>` : table(block);
    case 'details':
      return `<details>\n<summary>${inert(block.summary)}</summary>\n${list(block.items)}\n</details>`;
  }
}

const list = (items: readonly string[]): string =>
  `<ul>\n${items.map((item) => `<li>${inert(item)}</li>`).join('\n')}\n</ul>`;

function table({ caption, head, rows, kind }: Extract<Block, { block: 'table' }>): string {
  const line = (row: readonly Shown[]): string =>
    `<tr>${row.map((value, i) => (i === 0 ? `<th scope="row">${cell(value)}</th>` : `<td>${cell(value)}</td>`)).join('')}</tr>`;
  return [
    `<div class="wide"><table${kind === undefined ? '' : ` class="${kind}"`}>`,
    `<caption>${inert(caption)}</caption>`,
    `<thead><tr>${head.map((name) => `<th scope="col">${inert(name)}</th>`).join('')}</tr></thead>`,
    `<tbody>\n${rows.map(line).join('\n')}\n</tbody>`,
    '</table></div>',
  ].join('\n');
}

/** Hex digests and paths are long words: they are set apart, and may break anywhere. */
const cell = (value: Shown): string => {
  if (value === null) return `<em>${notRecorded}</em>`;
  return /^[0-9a-f]{32,}$|^\/\S*$/.test(value) ? `<code>${inert(value)}</code>` : inert(value);
};

const entities: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const inert = (text: string): string => printable(text).replace(/[&<>"']/g, (character) => entities[character] ?? '');
