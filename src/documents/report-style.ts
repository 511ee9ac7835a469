/** The style sheet of the HTML report. Nothing in it carries meaning alone: every status is a word as well. `run` is printed on each page. */
export const reportStyle = (run: string): string => `
:root { color-scheme: light dark; --line: #8886; --quiet: #8882; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; }
main, footer { max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; margin: 0.5rem 0; }
h2 { font-size: 1.25rem; margin: 2rem 0 0.5rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.5rem 0 0.5rem; }
.verdict { padding: 0.75rem 1rem; border-left: 0.5rem solid #777; background: var(--quiet); }
.done { border-color: #2a7d3f; }
.done-in-part, .open, .parked, .stopped, .abandoned, .rolled-back, .rehearsed { border-color: #b7791f; }
.in-doubt, .broken { border-color: #b3261e; }
dl { display: grid; grid-template-columns: minmax(9rem, max-content) 1fr; gap: 0.15rem 1rem; margin: 0.5rem 0; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; margin: 0.75rem 0; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
caption { text-align: left; font-style: italic; padding: 0.25rem 0; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.5rem; border: 1px solid var(--line); overflow-wrap: break-word; }
thead th { background: var(--quiet); }
tbody th { font-weight: 600; }
td code, dd code { overflow-wrap: anywhere; font-size: 0.85em; }
.steps { table-layout: fixed; min-width: 56rem; }
.steps th, .steps td { overflow-wrap: anywhere; }
.steps th:nth-child(1) { width: 13%; }
.steps th:nth-child(2) { width: 18%; }
.steps th:nth-child(3) { width: 8%; }
.steps th:nth-child(4), .steps th:nth-child(5) { width: 10%; }
.steps th:nth-child(6), .steps th:nth-child(7) { width: 7%; }
em { opacity: 0.75; }
details { margin: 0.5rem 0; }
footer { font-size: 0.85rem; overflow-wrap: anywhere; }
@media print {
  :root { color-scheme: light; }
  body { font-size: 10pt; }
  main, footer { max-width: none; padding: 0; }
  thead { display: table-header-group; }
  tr, dt, dd { break-inside: avoid; }
  h2, h3, caption, summary { break-after: avoid; }
  .wide { overflow: visible; }
  table { font-size: 8pt; }
  .steps { min-width: 0; }
  details::details-content { content-visibility: visible; block-size: auto; }
  @page { size: A4; margin: 15mm 12mm 18mm; @bottom-left { content: "run ${cssWord(run)}"; font-size: 8pt; } @bottom-right { content: counter(page) " / " counter(pages); font-size: 8pt; } }
}
`;

/** An id inside a quoted CSS string: anything but plain characters could end the string. */
const cssWord = (text: string): string => text.replace(/[^A-Za-z0-9._:-]/g, '_');
