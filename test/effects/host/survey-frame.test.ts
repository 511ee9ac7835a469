import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useOf } from '../../../src/effects/host/survey.ts';
import { type Answer, readAnswers } from '../../../src/effects/host/survey-answers.ts';
import { type SurveySource, surveyFrame } from '../../../src/effects/host/survey-frame.ts';
import { surveyScript, useScript } from '../../../src/effects/host/survey-script.ts';

/** Asks this computer, with less patience than a host gets. */
function asked(...sources: readonly SurveySource[]): ReturnType<typeof askedWith> {
  return askedWith(process.env.PATH ?? '', sources);
}

function askedWith(
  path: string,
  sources: readonly SurveySource[],
): { readonly text: string; readonly of: (name: string) => Answer } {
  const script = surveyFrame(sources, '', { together: 5, each: 4 });
  const { stdout } = spawnSync('sh', ['-c', script], {
    ...{ encoding: 'utf8', timeout: 60_000 },
    env: { ...process.env, PATH: path },
  });
  const answers = readAnswers(Buffer.from(stdout), 'web01');
  if (answers === undefined) throw new Error(stdout);
  return { text: stdout, of: answers.of };
}
const source = (name: string, asks: string): SurveySource => ({ name, asks, cap: 1000 });
const hangs = source('hangs', 'echo begun; sleep 600 & sleep 600');
const read = (...lines: readonly string[]) => ({ how: 'read', exit: 0, lines });
const cut = { how: 'unread', trouble: { code: 'survey-cut' } };

describe('the frame of a survey', () => {
  it('gives what each source prints, and how it ended', () => {
    const { of } = asked(source('one', 'echo 1; echo two >&2'), source('two', 'echo x; return 7'));
    expect(of('one')).toEqual(read('1', 'two'));
    expect(of('two')).toEqual({ how: 'read', exit: 7, lines: ['x'] });
    expect(of('three')).toEqual({ how: 'absent' });
  });

  it('leaves out what hangs, however often, and tells all that comes before and after it', () => {
    const also = { ...hangs, name: 'too' };
    const { of } = asked(source('first', 'echo 1'), hangs, source('then', 'echo 2'), also, source('last', 'echo 3'));
    expect([of('first'), of('then'), of('last')]).toEqual([read('1'), read('2'), read('3')]);
    for (const name of ['hangs', 'too']) expect(of(name)).toMatchObject(cut);
  });

  it('asks anew what was broken off for the time that others had taken, and believes nothing of the first time', () => {
    const folder = mkdtempSync(join(tmpdir(), 'decom-survey-'));
    // It hangs the first time, and has had less than its due when all are broken off.
    const slow = `echo once; mkdir '${folder}/asked' && sleep 600; echo more`;
    try {
      const { text, of } = asked(source('before', 'sleep 2; echo 1'), source('slow', slow), source('after', 'echo 3'));
      expect(text.match(/^[<~]slow$/gm)).toEqual(['<slow', '~slow', '<slow']);
      expect([of('before'), of('after')]).toEqual([read('1'), read('3')]);
      expect(of('slow')).toMatchObject({ exit: 0, lines: ['once', expect.stringContaining('File exists'), 'more'] });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('finds out what limits a program also where the machine is too busy to start one within a second', () => {
    const folder = mkdtempSync(join(tmpdir(), 'decom-survey-'));
    try {
      writeFileSync(join(folder, 'true'), '#!/bin/sh\nsleep 1.5\n', { mode: 0o755 });
      const { of } = askedWith(`${folder}:${process.env.PATH}`, [source('one', 'echo 1')]);
      expect(of('one')).toEqual(read('1'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('tells a file, and whether there is one', () => {
    const files = (name: string, ...paths: readonly string[]): SurveySource => ({ name, cap: 9, files: paths });
    const { of } = asked(files('none', '/nonexistent/a'), files('long', '/nonexistent/a', '/etc/passwd'));
    expect(of('none')).toEqual({ how: 'absent' });
    expect(of('long')).toMatchObject(cut);
  });

  it('knows for empty what has nothing to tell, and for absent what has no program or is not asked', () => {
    const { of } = asked(
      { ...source('empty', 'echo 1'), unless: 'false' },
      { ...source('absent', 'echo 1'), by: 'no-such-program' },
      { ...source('elsewhere', 'echo 1'), where: 'false' },
    );
    expect(of('empty')).toEqual(read());
    expect([of('absent'), of('elsewhere')]).toEqual([{ how: 'absent' }, { how: 'absent' }]);
  });
});

describe('a look at who uses a host', () => {
  const namesIn = (script: string): readonly string[] =>
    [...script.matchAll(/\b(?:ask|files) ([a-z]+) /g)].map(([, name]) => name ?? '');
  const running = ['postgres', 'mysqld', 'redis-server', 'keepalived', 'pacemakerd', 'smbd', 'ceph-osd', 'etcd'];
  /** Everything runs, and no source but the list of it comes to its end: each that is read is named as lacking. */
  const brokenOff = (names: readonly string[]) => {
    const processes = `<processes\n${running.map((name, at) => `processes|${at} ${name}\n`).join('')}processes|%exit 0\n>processes\n`;
    const rest = names.filter((name) => name !== 'processes').map((name) => `<${name}\n`);
    const answers = readAnswers(
      Buffer.from(`decom survey 1 0\n${processes}${rest.join('')}decom survey end\n`),
      'web01',
    );
    if (answers === undefined) throw new Error('it was not read');
    return useOf(answers);
  };

  it('asks for every source that it is read from, and not for all of a survey', () => {
    expect(brokenOff(namesIn(useScript))).toEqual(brokenOff(namesIn(surveyScript)));
    expect(namesIn(useScript).length).toBeLessThan(namesIn(surveyScript).length - 15);
  });
});
