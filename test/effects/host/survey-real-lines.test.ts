import { describe, expect, it } from 'vitest';
import type { Survey } from '../../../src/core/survey.ts';
import { wholly } from '../../../src/core/survey.ts';
import { surveyOf } from '../../../src/effects/host/survey.ts';
import { readAnswers } from '../../../src/effects/host/survey-answers.ts';

/** What the script makes of sources that print this. */
function surveyed(sources: { readonly [name: string]: string }): Survey {
  const framed = Object.entries(sources).map(
    ([name, text]) => `<${name}\n${`${text}\n%exit 0`.replace(/^/gm, `${name}|`)}\n>${name}\n`,
  );
  const answers = readAnswers(Buffer.from(`decom survey 1 0\n${framed.join('')}decom survey end\n`), 'filer01');
  if (answers === undefined) throw new Error('it was not read');
  return surveyOf(answers);
}

/* In the form in which Debian 12 prints them, where it was found to be told wrongly. */
describe('the survey of a host', () => {
  it('tells a folder that is exported to several as one export, and to whom', () => {
    const etab = [
      '/srv/archive\t127.0.0.1(rw,sync,wdelay,hide,nocrossmnt,insecure,root_squash,no_all_squash,no_subtree_check)',
      '/srv/archive\t10.0.2.0/24(ro,sync,wdelay,hide,nocrossmnt,secure,root_squash,no_all_squash,no_subtree_check)',
      '/srv/with\\040blank\t*(ro,sync)',
    ].join('\n');
    const { exports } = surveyed({ nfs: etab, processes: '1 systemd' });
    expect(wholly(exports)?.map(({ kind, what, offered }) => ({ kind, what, offered }))).toEqual([
      { kind: 'nfs', what: '/srv/archive', offered: ['127.0.0.1', '10.0.2.0/24'] },
      { kind: 'nfs', what: '/srv/with blank', offered: ['*'] },
    ]);
  });

  it('tells no floppy drive as a disk, as the kernel does for every machine whose firmware names one', () => {
    const sda =
      'NAME="sda" KNAME="sda" PKNAME="" TYPE="disk" SIZE="67108864" ROTA="1" TRAN="sata" SERIAL="R2" WWN="" MODEL="" FSTYPE=""';
    const lsblk = `NAME="fd0" KNAME="fd0" PKNAME="" TYPE="disk" SIZE="4096" ROTA="1" TRAN="" SERIAL="" WWN="" MODEL="" FSTYPE=""\n${sda}`;
    expect(wholly(surveyed({ lsblk }).disks)?.map(({ device }) => device)).toEqual(['/dev/sda']);
    const sysblock = 'disk fd0\nsize 8\nqueue/rotational 1\ndisk sda\nsize 131072';
    expect(wholly(surveyed({ sysblock }).disks)?.map(({ device }) => device)).toEqual(['/dev/sda']);
  });
});
