import { bad, counted, dim, good, indent, type Line, strong, warn } from './text.ts';

/** One thing that was looked for. `needed`: something of this workspace cannot be done without it. */
export interface Finding {
  readonly about: string;
  readonly state: 'here' | 'missing' | 'unknown';
  readonly needed: boolean;
  readonly says: string;
  /** What to do about it; empty where nothing is to be done. */
  readonly fix: string;
}

export const isGrave = (finding: Finding): boolean => finding.state !== 'here' && finding.needed;

export function doctorView(findings: readonly Finding[]): readonly Line[] {
  const grave = findings.filter(isGrave).length;
  return [
    ...findings.flatMap((finding): readonly Line[] => [
      [mark(finding), ' ', strong(finding.about), ` — ${finding.says}`],
      ...(finding.fix === '' ? [] : indent([finding.fix], 10)),
    ]),
    '',
    grave === 0 ? 'Nothing that is needed is missing.' : [bad(counted(grave, 'needed thing')), ' missing.'],
  ];
}

function mark(finding: Finding) {
  if (finding.state === 'here') return good('✓ here   ');
  const word = finding.state === 'missing' ? 'missing' : 'unknown';
  return finding.needed ? bad(`✗ ${word}`) : finding.state === 'missing' ? dim(`- ${word}`) : warn(`? ${word}`);
}
