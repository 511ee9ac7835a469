import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nextLine } from '../../src/core/chain.ts';
import type { Evidence } from '../../src/core/evidence.ts';
import { trouble } from '../../src/core/result.ts';
import { reportHtml } from '../../src/documents/report-html.ts';
import { reportMarkdown } from '../../src/documents/report-markdown.ts';
import { reportModel } from '../../src/documents/report-model.ts';
import { spentTime } from '../../src/documents/spent-time.ts';
import { readChain } from '../fakes/read-chain.ts';
import { journal, lines, plan } from './small-journal.ts';

const here = import.meta.dirname;
const whole = journal(lines());
const until = (type: string) => whole.slice(0, whole.findIndex((event) => event.type === type) + 1);

describe('the report', () => {
  it('says in Markdown, text for text, what the journal holds', async () => {
    await expect(reportMarkdown(reportModel(plan, whole))).toMatchFileSnapshot(join(here, 'report.md'));
  });

  it('says the same in HTML', async () => {
    await expect(reportHtml(reportModel(plan, whole))).toMatchFileSnapshot(join(here, 'report.html'));
  });

  it('gives the steps of each phase in columns of one width, whatever stands in them, on paper too', () => {
    const html = reportHtml(reportModel(plan, whole));
    const tables = html.match(/<table[^>]*>\n<caption>Steps of this phase/g) ?? [];
    expect(tables.length).toBeGreaterThan(1);
    expect(new Set(tables)).toEqual(new Set(['<table class="steps">\n<caption>Steps of this phase']));
    expect(html).toContain('.steps { table-layout: fixed;');
  });

  it('is the same, byte for byte, when made twice', () => {
    expect(reportHtml(reportModel(plan, whole))).toBe(reportHtml(reportModel(plan, whole)));
  });

  it('is made of a journal that has only begun, and of one that is empty', () => {
    for (const events of [until('run.opened'), []]) {
      const model = reportModel(plan, events);
      expect(model.verdict.word).toBe('open');
      expect(reportMarkdown(model)).toContain('not begun');
      expect(reportHtml(model)).toContain('not begun');
    }
  });

  describe('of disks', () => {
    const begun = until('run.opened');
    const verified = whole.find((event) => event.type === 'step.verified');
    if (verified?.type !== 'step.verified') throw new Error('nothing is verified in it');
    const told = (disks: readonly string[], ...evidence: readonly object[]): string => {
      const stamped = evidence.map((one) => ({
        ...{ step: 'erase', at: '2026-03-01T10:00:01.000Z', host_serial: plan.intent.host.serial, boot: null },
        ...one,
      }));
      const of = { ...plan, intent: { ...plan.intent, host: { ...plan.intent.host, disks } } };
      return reportMarkdown(reportModel(of, [...begun, { ...verified, evidence: stamped as never }]));
    };
    const erased = {
      kind: 'disk.erased',
      serial: 'D-1',
      level: 'clear',
      technique: 'overwrite',
      size: 1,
      places: 1,
      bytes_read: 1,
      tool: 'dd',
    };
    const destroyed = {
      kind: 'disk.destroyed',
      serial: 'D-1',
      how: 'shred',
      why: 'it failed',
      read_by: 'ada',
      said: 'bob did it',
    };

    it('names each of the inventory with what became of it last, and those of which nothing is on record', () => {
      const report = told(['D-1', 'D-2'], erased, destroyed);
      expect(report).toMatch(/\| D-1 \| shredded \| erase \|/);
      expect(report).toMatch(/\| D-2 \| nothing on record: it holds its data \|/);
      expect(report).toContain('1 of 2 erased or destroyed; nothing on record of D-2');
      expect(told(['D-1'], erased)).toMatch(/\| D-1 \| erased \(clear, by overwrite\) \| erase \|/);
    });

    it('names one that the inventory does not have, and says nothing where no step is about disks', () => {
      expect(told([], erased)).toContain('1 of 1 erased or destroyed');
      expect(told(['D-1'])).not.toContain('erased or destroyed');
      expect(told(['D-1'])).toContain('The run has no step about disks');
    });
  });

  it('tells the attestation of a host that is dead among what says which machine it is', () => {
    const attested: Evidence = {
      ...{ kind: 'identity.attested', sources: ['label', 'bmc serial'], read_by: 'ada', waived: [] },
      ...{ step: 'identity', at: '2026-03-01T10:00:01.000Z', sha256: 'cd'.repeat(32) },
    } as never;
    const events = until('run.opened');
    const verified = whole.find((event) => event.type === 'step.verified');
    if (verified?.type !== 'step.verified') throw new Error('nothing is verified in it');
    const report = reportMarkdown(reportModel(plan, [...events, { ...verified, evidence: [attested] }]));
    expect(report).not.toContain('The identity was not confirmed');
    expect(report).toContain('the label was read by ada');
  });

  it('tells what has several lines in one cell', () => {
    const blocked = {
      ...{ type: 'gate.blocked', step: 'identity', direction: 'forth', gate: 'uuid' },
      ...{ trouble: trouble('missing', 'two are missing', 'Look.', 'one\ntwo') },
      ...{ seq: 99, ts: '2026-03-01T10:00:02.000Z' },
    } as never;
    expect(reportMarkdown(reportModel(plan, [...until('run.opened'), blocked]))).toContain('| one; two |');
  });

  it('computes the head that the bytes of the log have', () => {
    let head = { size: 0, hash: 'ab'.repeat(32) };
    const bytes: Uint8Array[] = [];
    for (const event of whole) {
      const line = nextLine(head, event, event.ts);
      bytes.push(line.bytes);
      head = line.head;
    }
    expect(readChain(Buffer.concat(bytes), 'ab'.repeat(32)).head).toEqual(head);
    expect(reportModel(plan, whole).log.head).toEqual(head);
  });
});

describe('the verdict of a report', () => {
  const verdict = (events: typeof whole) => reportModel(plan, events).verdict;

  it('is done only in part where a person skipped a step', () => {
    expect(verdict(whole)).toEqual({
      word: 'done in part',
      says: 'The run is closed, and steps were skipped by a person or failed. 9 steps: 6 done, 1 already so, 1 recovered, 1 skipped.',
    });
  });

  it('is done where all steps are, however they came to be', () => {
    const plain = journal(lines().filter(([, event]) => event.type !== 'step.skipped'));
    const withWindow = plain.map((e) =>
      e.type === 'step.started' && e.step === 'window' ? { ...e, step: 'later' } : e,
    );
    const shorter = {
      ...plan,
      intent: { ...plan.intent, steps: plan.intent.steps.filter(({ id }) => id !== 'window') },
    };
    expect(reportModel(shorter, withWindow).verdict).toEqual({
      word: 'done',
      says: 'The run is closed. 8 steps: 6 done, 1 already so, 1 recovered.',
    });
  });

  it('is in doubt as long as nobody has said what became of an operation', () => {
    expect(verdict(until('run.stopped')).word).toBe('in doubt');
  });

  it('is open in the middle, and stopped where it was stopped', () => {
    expect(verdict(whole.slice(0, 12)).word).toBe('open');
    const stopped = journal([
      ...lines().slice(0, 12),
      [0, { type: 'run.stopped', by: 'person', who: 'anna', reason: 'lunch' }],
    ]);
    expect(verdict(stopped)).toEqual({
      word: 'stopped',
      says: 'It was stopped (lunch). 9 steps: 1 done, 1 recovered, 7 not begun.',
    });
  });

  it('is broken, whatever the run came to, where the log is', () => {
    const log = { verdict: 'broken', head: { size: 3, hash: 'ff' } } as const;
    const model = reportModel(plan, whole, log);
    expect(model.verdict.word).toBe('broken');
    expect(reportMarkdown(model)).toContain('**BROKEN**');
    expect(reportMarkdown(model)).toContain('- **verdict on the log:** broken');
  });

  it('keeps what nobody recorded apart from what is fine', () => {
    const markdown = reportMarkdown(reportModel(plan, whole));
    expect(markdown).toContain('- **responsible:** not recorded');
    expect(markdown).toContain('- **machine id:** not recorded');
    expect(markdown).toContain('- **verdict on the log:** not recorded');
    expect(markdown).toContain('| acl | not proven | not recorded |');
    expect(markdown).not.toMatch(/\b(undefined|null|NaN|\[object Object\])\b/);
  });
});

describe('the time of a run', () => {
  it('is work while machines work, and waiting while a person is asked or nobody is there', () => {
    const { all, bySteps } = spentTime(whole);
    expect(bySteps.told).toEqual({ working: 0, waiting: 4_260_000 });
    expect(bySteps.stop).toEqual({ working: 4_000, waiting: 20_000 });
    expect(bySteps.copy).toEqual({ working: 121_000, waiting: 0 });
    const length = Date.parse(whole.at(-1)?.ts ?? '') - Date.parse(whole[0]?.ts ?? '');
    expect(all.working + all.waiting).toBe(length);
  });
});

/** Texts that have broken reports elsewhere. */
const hostile = [
  '</script><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><svg onload=alert(1)>',
  "'; alert(1); '",
  '</style></title></details></table><h1>DONE</h1>',
  '\u202Egnp.exe\u202C \u2066x\u2069 \u200Bzero\uFEFF',
  '\u001b[2J\u001b[31mred\u001b[0m \u0007 \u009b31m',
  'a | b\n| c | d |\n\n# HEADING\n\n- item',
  '[click](javascript:alert(1)) ![x](http://evil.example/x.png) <http://evil.example>',
  '**bold** _it_ `code` ~~gone~~ \\| \\',
  'http://evil.example www.evil.example &lt;b&gt; &#60;',
  '--- \n===\n```',
];

describe.each(hostile.map((text) => [JSON.stringify(text), text]))('text from outside: %s', (_name, text) => {
  const model = reportModel(plan, journal(lines({ text })));
  const html = reportHtml(model);
  const markdown = reportMarkdown(model);
  const plainHtml = reportHtml(reportModel(plan, whole));

  it('adds no element and no attribute to the HTML', () => {
    const tags = (page: string) => page.match(/<[^>]*>/g) ?? [];
    expect(tags(html)).toEqual(tags(plainHtml));
  });

  it('leaves no control and no direction mark in either', () => {
    expect(`${html}${markdown}`).not.toMatch(
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/,
    );
  });

  it('adds no line, no heading, no link and no image to the Markdown', () => {
    const shape = (page: string) => page.split('\n').map((line) => /^(#+ |- |\| |\|(?: ---)|\*|$)?/.exec(line)?.[0]);
    expect(shape(markdown)).toEqual(shape(reportMarkdown(reportModel(plan, whole))));
    expect(markdown).not.toMatch(/(?<!\\)[<>`]|(?<!\\)\]\(|[^\\]:\/\//);
  });

  it('adds no cell to a table', () => {
    const cells = (line: string) => line.match(/(?<!\\)(?:\\\\)*\|/g)?.length ?? 0;
    const tables = (page: string) =>
      page
        .split('\n')
        .filter((line) => line.startsWith('|'))
        .map(cells);
    expect(tables(markdown)).toEqual(tables(reportMarkdown(reportModel(plan, whole))));
  });
});

describe('the HTML file', () => {
  const html = reportHtml(reportModel(plan, whole));

  it('holds no script and fetches nothing', () => {
    expect(html).not.toMatch(
      /<script|javascript:|\son\w+=|<link|<img|<iframe|<object|@import|url\(|\ssrc=|\shref=|\sstyle=/i,
    );
  });

  it('allows itself one style sheet, by hash, and nothing else', () => {
    const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(html).toContain(
      `content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'"`,
    );
  });

  it('says without its style sheet all that it says with it', () => {
    expect(html).toContain('<strong>DONE IN PART</strong>');
    for (const status of ['recovered', 'skipped', 'already so']) expect(html).toContain(`<td>${status}</td>`);
    expect(html).not.toContain('content: "✓');
  });

  it('closes every element that it opens', () => {
    const open: string[] = [];
    for (const [, slash, name = ''] of html
      .replace(/<!DOCTYPE html>|<style>[\s\S]*?<\/style>/g, '')
      .matchAll(/<(\/?)([a-z0-9]+)[^>]*>/g)) {
      if (name === 'meta') continue;
      if (slash === '') open.push(name);
      else expect(open.pop()).toBe(name);
    }
    expect(open).toEqual([]);
  });

  it('does not let the id of a run end the string that print puts it in', () => {
    const events = journal(lines()).map((e) =>
      e.type === 'run.opened' ? { ...e, run: '"; } body { display: none } </style>' } : e,
    );
    expect(reportHtml(reportModel(plan, events))).toContain('content: "run _____body___display:_none_____style_"');
  });
});
