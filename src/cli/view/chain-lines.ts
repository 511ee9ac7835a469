import { areMet, wantedWords } from '../../core/approval.ts';
import { coverageWords, fileSystemWords } from '../../core/coverage.ts';
import { durationText } from '../../core/duration.ts';
import type { Evidence } from '../../core/evidence.ts';
import { waiveCommand } from '../../engine/coverage-gate.ts';
import type { ChainSeen, DemandSeen } from '../../engine/evidence-chain.ts';
import { bad, counted, dim, good, indent, type Line, warn } from './text.ts';

/** What a step needs before it begins: each piece of evidence, what was found of it, what is missing, and how to get it. */
export function chainLines({ demands, approvals }: ChainSeen, run: string, step: string, now: Date): readonly Line[] {
  if (demands.length === 0 && approvals === undefined) return [];
  return [
    'Before it begins it needs:',
    ...indent([
      ...demands.flatMap((seen) => demandLines(seen, run, step, now)),
      ...(approvals === undefined ? [] : approvalLines(approvals, run)),
    ]),
  ];
}

function demandLines(seen: DemandSeen, run: string, step: string, now: Date): readonly Line[] {
  return [...evidenceLines(seen, run, step, now), ...coverageLines(seen, run, step)];
}

function evidenceLines(
  { demand, found, missing, waiver, waivable }: DemandSeen,
  run: string,
  step: string,
  now: Date,
): readonly Line[] {
  const after = demand.after === undefined ? '' : `, of a time after the last ${demand.after}`;
  const needed = `${demand.kind}, at most ${durationText(demand.maxAge)} old${after}`;
  const had = found === undefined ? [] : [`found: ${foundWords(found, now)}`];
  if (missing === undefined) return [[good('met'), `     ${needed}`], ...indent(had, 8)];
  const lacks: readonly Line[] = [`missing: ${missing.what}`, `to get it: ${missing.fix}`];
  if (waiver !== undefined) {
    return [
      [warn('waived'), `  ${needed}`],
      ...indent([...had, `missing: ${missing.what}`, `${waiver.by} answers for it: ${waiver.text}`], 8),
    ];
  }
  const answer = waivable
    ? [`or somebody answers for it by name: decom waive ${run} ${step}/${demand.kind} --reason TEXT`]
    : ['nobody can answer for it'];
  return [[bad('missing'), ` ${needed}`], ...indent([...had, ...lacks, ...answer], 8)];
}

/** The second half of a demand for proofs: that they hold every file system with data. One line of each, and what to do about those that they do not. */
function coverageLines({ coverage }: DemandSeen, run: string, step: string): readonly Line[] {
  if (coverage === undefined) return [];
  const needed = 'every file system with data in a proved copy, or not kept on purpose';
  if (coverage === null)
    return [
      [bad('missing'), ` ${needed}`],
      ...indent(['missing: the host was not asked yet which ones it has', `to get it: decom resume ${run}`], 8),
    ];
  const lost = coverage.of.filter(({ covered }) => covered === 'no');
  const open = lost.filter(({ waiver }) => waiver === undefined);
  const head: Line =
    open.length > 0
      ? [bad('missing'), ` ${needed}`]
      : lost.length > 0
        ? [warn('waived'), `  ${needed}`]
        : [good('met'), `     ${needed}`];
  return [
    head,
    ...indent(
      [
        [dim(`as of ${coverage.at}`)],
        ...coverage.of.flatMap((one): readonly Line[] => {
          const words = `${fileSystemWords(one.of)}: ${one.covered === 'not-kept' ? 'not kept: ' : ''}${coverageWords(one)}`;
          if (one.covered !== 'no') return [`found: ${words}`];
          if (one.waiver !== undefined)
            return [`missing: ${words}`, `${one.waiver.by} answers for it: ${one.waiver.text}`];
          return [`missing: ${words}`];
        }),
        ...(open.length === 0
          ? []
          : [
              `to get it: copy it with a step of the runbook and prove that copy, or name it there under not_kept; then: decom replan ${run}`,
              ...open.map(({ of }) => `or somebody answers for it by name: ${waiveCommand(run, step, of.at)}`),
            ]),
      ],
      8,
    ),
  ];
}

const foundWords = (e: Evidence, now: Date): string => {
  const at = e.kind === 'restore.proven' ? e.manifest_started : e.at;
  const age = now.getTime() - Date.parse(at);
  const old = Number.isNaN(age) || age < 0 ? '' : `, ${durationText(age)} ago`;
  return `by step "${e.step}", of ${at}${old}${e.kind === 'restore.proven' ? `, of ${e.copy}` : e.kind === 'disk.erased' || e.kind === 'disk.destroyed' ? `, of disk ${e.serial}` : ''}`;
};

function approvalLines(seen: NonNullable<ChainSeen['approvals']>, run: string): readonly Line[] {
  const needed = `approval by ${wantedWords(seen.wanted)}`;
  const told = [
    ...seen.counted.map(
      ({ by, role, expires }) => `found: ${by}${role === null ? '' : ` as ${role}`}, until ${expires ?? ''}`,
    ),
    ...seen.discounted.map(({ approval: { by }, why }) => `that of ${by} does not count: ${why}`),
  ];
  if (areMet(seen)) return [[good('met'), `     ${needed}`], ...indent(told, 8)];
  const missing = [
    ...(seen.persons === 0 ? [] : [counted(seen.persons, 'more person', 'more persons')]),
    ...seen.roles.map((role) => `somebody as ${role}`),
  ].join(', ');
  const role = seen.roles[0] === undefined ? '' : ` --role ${seen.roles[0]}`;
  return [
    [bad('missing'), ` ${needed}`],
    ...indent([...told, `missing: ${missing}`, `to get it: decom approve ${run}${role}`], 8),
  ];
}
