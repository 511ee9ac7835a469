import { readFileSync } from 'node:fs';
import { fail, ok, type Result, trouble } from '../../core/result.ts';

/** One line of an allowed signers file (ssh-keygen(1), ALLOWED SIGNERS). `principal` is the first: the person. */
export interface AllowedSigner {
  readonly principal: string;
  /** What stands after `role:` in further principals. */
  readonly roles: readonly string[];
  /** `TYPE BASE64`. */
  readonly key: string;
  /** Milliseconds since 1970: when the key may sign. Absent where the line sets no bound, or one that cannot be read: `ssh-keygen` judges it. */
  readonly validAfter?: number;
  readonly validBefore?: number;
}

const keyType = /^(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+$/;

export function textOfSigners(path: string): Result<string> {
  try {
    return ok(readFileSync(path, 'utf8'));
  } catch (error) {
    const what = `the allowed signers ${path} cannot be read: ${(error as Error).message}`;
    return fail(
      trouble('allowed-signers', what, 'Give the file that holds them, by "allowed_signers:" in decom.yaml.'),
    );
  }
}

/**
 * Reads who may sign. Whether a signature holds is for `ssh-keygen` to say; here it is only looked up whose a key is. Patterns are
 * refused: with `*` anybody who is listed could sign for everybody. So are certificate authorities, for whom no one line stands.
 */
export function readAllowedSigners(path: string): Result<readonly AllowedSigner[]> {
  const text = textOfSigners(path);
  if (!text.ok) return text;
  const found: AllowedSigner[] = [];
  for (const [at, line] of text.value.split(/\r?\n/).entries()) {
    if (/^[ \t]*(#|$)/.test(line)) continue;
    const refused = (what: string) =>
      fail(
        trouble(
          'allowed-signers',
          `${path}:${at + 1}: ${what}`,
          'A line is: PERSON[,role:ROLE…] [OPTIONS] KEY-TYPE KEY (ssh-keygen(1), ALLOWED SIGNERS).',
        ),
      );
    const fields = fieldsOf(line);
    const type = fields.findIndex((field, i) => i > 0 && keyType.test(field));
    const [principals = ''] = fields;
    const base64 = fields[type + 1] ?? '';
    if (type === -1 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return refused('no public key');
    const names = principals.replace(/^"(.*)"$/, '$1').split(',');
    if (names.some((name) => name === '' || /[*?!]/.test(name))) return refused('patterns of names are not allowed');
    if (fields.slice(1, type).some((option) => /(?:^|,)cert-authority(?:,|$)/i.test(option))) {
      return refused('certificate authorities are not supported');
    }
    const roles = names.slice(1).flatMap((name) => (name.startsWith('role:') ? [name.slice('role:'.length)] : []));
    const options = fields.slice(1, type).join(',');
    const [validAfter, validBefore] = [timeIn(options, 'valid-after'), timeIn(options, 'valid-before')];
    const lost = (['valid-after', 'valid-before'] as const).find(
      (name, i) => new RegExp(`(?:^|,)${name}`, 'i').test(options) && [validAfter, validBefore][i] === undefined,
    );
    if (lost !== undefined) return refused(`its "${lost}" is no time like 20261231 or 202612312359Z`);
    const signer = { principal: names[0] ?? '', roles, key: `${fields[type]} ${base64}` };
    // Two persons are two keys: with one key under two names somebody could approve what they drive.
    const other = found.find(({ key, principal }) => key === signer.key && principal !== signer.principal);
    if (other !== undefined) return refused(`the key is that of ${other.principal} already, and one key is one person`);
    found.push({
      ...signer,
      ...(validAfter === undefined ? {} : { validAfter }),
      ...(validBefore === undefined ? {} : { validBefore }),
    });
  }
  return ok(found);
}

/**
 * The list with nobody in it but persons: of the names of a line the first, and no line whose first is a pattern. `ssh-keygen` takes each name
 * of a line for one whose key that is: a role, or a second name, would be another person with the same key.
 */
export const personsAlone = (list: string): string =>
  list
    .split('\n')
    .map((line) => {
      const [, quoted, bare, rest = ''] = /^[ \t]*(?:"([^"]*)"|([^\s"]+))(.*)$/s.exec(line) ?? [];
      const [name = ''] = (quoted ?? bare ?? '').split(',');
      return name === '' || name.startsWith('#') || /[*?!]/.test(name) ? '' : `"${name}"${rest}`;
    })
    .join('\n');

/** Fields as ssh-keygen splits them: at blanks outside double quotes. */
const fieldsOf = (line: string): readonly string[] => line.match(/(?:"(?:\\.|[^"\\])*"|[^ \t"])+/g) ?? [];

/** A time as ssh-keygen(1) writes it: `YYYYMMDD[Z]` or `YYYYMMDDHHMM[SS][Z]`; without `Z` it is local. */
function timeIn(options: string, name: string): number | undefined {
  const found = new RegExp(
    `(?:^|,)${name}="?(\\d{4})(\\d\\d)(\\d\\d)(?:(\\d\\d)(\\d\\d)(\\d\\d)?)?(Z?)"?(?:,|$)`,
    'i',
  ).exec(options);
  if (found === null) return undefined;
  const [, year, month, day, hour = '00', minute = '00', second = '00', zone] = found;
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone?.toUpperCase()}`);
  return Number.isNaN(time) ? undefined : time;
}
