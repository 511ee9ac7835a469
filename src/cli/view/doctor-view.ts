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

/** What to do now: first what is needed and missing, then the workspace. */
export function nextStep(findings: readonly Finding[], workspace: boolean): string {
  const [first, ...others] = findings.filter(isGrave);
  if (first === undefined) return workspace ? 'decom validate' : 'decom init';
  const fix = first.fix.replace(/\.$/, '');
  const rest =
    others.length === 0 ? '' : `, then the ${others.length === 1 ? 'other' : `${others.length} others`} marked ✗`;
  return `for ${first.about}, ${fix.charAt(0).toLowerCase()}${fix.slice(1)}${rest}, then: decom doctor`;
}

function mark(finding: Finding) {
  if (finding.state === 'here') return good('✓ here   ');
  const word = finding.state === 'missing' ? 'missing' : 'unknown';
  return finding.needed ? bad(`✗ ${word}`) : finding.state === 'missing' ? dim(`- ${word}`) : warn(`? ${word}`);
}
