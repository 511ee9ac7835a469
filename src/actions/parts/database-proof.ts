import type { Verdict } from '../../core/action.ts';
import type { DatabasesComparison } from '../../core/databases.ts';
import type { CopyDescription } from '../../core/probe.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';
import { changedMeanwhile } from './tree-proof.ts';

/** Whether a server that was made of a copy of databases proves it. */
export function provedDatabases(backup: string, about: CopyDescription, compared: Seen<DatabasesComparison>): Verdict {
  if (!compared.known) return { ok: false, trouble: compared.trouble };
  const c = compared.value;
  if (c.manifest !== about.manifest.sha256) return { ok: false, trouble: changedMeanwhile(backup) };
  const wrong = differs(backup, c) ?? lacking(backup, about, c);
  if (wrong !== undefined) return { ok: false, trouble: wrong };
  const asked = c.answers === 0 ? '' : `, ${c.answers === 1 ? '1 answer' : `${c.answers} answers`} the same`;
  return {
    ok: true,
    output: { files: about.files, bytes: about.bytes },
    evidence: [
      {
        kind: 'restore.proven',
        copy: backup,
        paths: [],
        databases: c.databases,
        attributes: [
          { attribute: 'rows', proven: true },
          c.answers === 0
            ? { attribute: 'answers', proven: false, why: 'the runbook asks nothing' }
            : { attribute: 'answers', proven: true },
        ],
        level: 'restored',
        sampled: false,
        manifest_started: about.manifest_started,
      },
    ],
    said: `${c.databases.join(', ')} restored into ${c.server}: ${c.tables} tables with ${c.rows} rows as at the source${asked}`,
  };
}

function differs(backup: string, { differences, count }: DatabasesComparison): Trouble | undefined {
  if (count === 0) return undefined;
  const more = count > 10 ? `; and ${count - 10} more` : '';
  return trouble(
    'restore-differs',
    `what was restored from ${backup} is not what was at the source: ${differences.slice(0, 10).join('; ')}${more}`,
    'The copy proves nothing. Find out why (an answer that depends on the time, an extension of another version), make a new copy, and prove that.',
    differences.join('\n'),
  );
}

/** A comparison that did not look at all of it proves nothing. */
function lacking(backup: string, { databases }: CopyDescription, c: DatabasesComparison): Trouble | undefined {
  const names = databases?.each.map(({ name }) => name) ?? [];
  const missing = names.filter((name) => !c.databases.includes(name));
  return names.length > 0 && missing.length === 0 && c.answers === databases?.asked
    ? undefined
    : trouble(
        'restore-not-proven',
        `the comparison of ${backup} did not look at ${missing.length === 0 ? 'every answer' : missing.join(', ')}`,
        'Make the copy anew, so that its manifest holds them.',
      );
}
