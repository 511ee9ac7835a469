import type { Static } from 'typebox';
import * as Type from 'typebox';
import type { Execution } from './execution.ts';

/** What allowed signers give after `role:`. */
export const rolePattern = '^[a-z][a-z-]{0,40}$';

/** Who has to agree to a plan before a step of it begins, as YAML says it. */
export const ApprovalsShape = Type.Object(
  {
    persons: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 9, description: 'So many persons, none of whom drives the run. Default 1.' }),
    ),
    roles: Type.Optional(
      Type.Array(
        Type.String({
          pattern: rolePattern,
          patternErrorMessage: 'small letters and "-", as after "role:" among the allowed signers',
          description: 'A role, as the allowed signers give it.',
        }),
        { minItems: 1, uniqueItems: true, description: 'One of them in each of these roles.' },
      ),
    ),
  },
  { additionalProperties: false, minProperties: 1, description: 'Who has to approve the plan before it begins.' },
);
export type ApprovalsShape = Static<typeof ApprovalsShape>;

/** So many different persons, and among what they approved in each of these roles. */
export interface ApprovalsWanted {
  readonly persons: number;
  readonly roles: readonly string[];
}

export const approvalsWanted = ({ persons = 1, roles = [] }: ApprovalsShape): ApprovalsWanted => ({ persons, roles });

/** What satisfies all of them at once; undefined where nobody is wanted. */
export function allWanted(...some: readonly (ApprovalsWanted | undefined)[]): ApprovalsWanted | undefined {
  const wanted = some.filter((one) => one !== undefined);
  if (wanted.length === 0) return undefined;
  return {
    persons: Math.max(...wanted.map(({ persons }) => persons)),
    roles: [...new Set(wanted.flatMap(({ roles }) => roles))].sort(),
  };
}

/** An approval that a log took in. `signed`: with a signature that was judged by the allowed signers. */
export interface Approval {
  /** Id of the statement. */
  readonly statement: string;
  readonly by: string;
  readonly role: string | null;
  /** Digest of the intent that was agreed to. */
  readonly intent: string;
  /** RFC 3339; null: it was made without an end, and opens no gate. */
  readonly expires: string | null;
  readonly signed: boolean;
}

/** What approvals come to at a moment. */
export interface ApprovalsSeen {
  readonly counted: readonly Approval[];
  /** Those that count no more, or never did, and why. */
  readonly discounted: readonly { readonly approval: Approval; readonly why: string }[];
  /** How many more persons are wanted. */
  readonly persons: number;
  /** Roles in which nobody has approved. */
  readonly roles: readonly string[];
}

/**
 * Which approvals count now. Each is of the intent in force, signed, not expired, and made by nobody who drives or drove the run: two persons
 * are two entries among the allowed signers.
 */
export function approvalsSeen(
  { approvals, drivers, intent }: Pick<Execution, 'approvals' | 'drivers' | 'intent'>,
  wanted: ApprovalsWanted,
  now: Date,
): ApprovalsSeen {
  const why = ({ by, expires, signed, intent: of }: Approval): string | undefined => {
    if (of !== intent) return 'it was given to another plan than the one in force';
    if (!signed) return 'it is not signed';
    if (drivers.includes(by)) return `${by} drives the run, and approves it for nobody else`;
    if (expires === null) return 'it has no end';
    // A time that cannot be read has passed.
    return now.getTime() < Date.parse(expires) ? undefined : `it expired at ${expires}`;
  };
  const judged = approvals.map((approval) => ({ approval, why: why(approval) }));
  const counted = judged.filter((one) => one.why === undefined).map(({ approval }) => approval);
  return {
    counted,
    discounted: judged.flatMap((one) => (one.why === undefined ? [] : [{ approval: one.approval, why: one.why }])),
    persons: Math.max(0, wanted.persons - new Set(counted.map(({ by }) => by)).size),
    roles: wanted.roles.filter((role) => !counted.some((approval) => approval.role === role)),
  };
}

export const areMet = ({ persons, roles }: ApprovalsSeen): boolean => persons === 0 && roles.length === 0;

/** Who has to approve, for people: `2 persons, one of them as manager`. */
export function wantedWords({ persons, roles }: ApprovalsWanted): string {
  const count = persons === 1 ? 'one person' : `${persons} persons`;
  const [first] = roles;
  if (first === undefined) return count;
  return roles.length === 1 ? `${count}, as ${first}` : `${count}, as ${roles.join(' and as ')}`;
}
