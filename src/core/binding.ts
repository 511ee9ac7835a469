import type { Json, JsonObject } from './json.ts';
import type { Result } from './result.ts';

/** What `${{ }}` references and `when:` may name. */
export interface Scope {
  readonly params: JsonObject;
  /** The inventory's entry with `name`, without secrets. */
  readonly host: JsonObject;
  /** `facts.power` and, later, the survey. */
  readonly facts: JsonObject;
  /** Outputs by step id; a step that is not in here has not produced any yet. */
  readonly steps: { readonly [id: string]: JsonObject };
}

/** What an action is handed: its input with every reference filled, coerced and checked. */
export interface Bound {
  readonly input: Json;
  /** Ids of steps whose output is still `(known after …)` in the input. */
  readonly waitsFor: readonly string[];
}

/** Fills the references of a step's `with`, coerces the texts by the action's schema, and checks the result. */
export type Bind = (
  step: { readonly id: string; readonly uses: string; readonly with: Json },
  scope: Scope,
) => Result<Bound>;

/** Decides a `when:` expression. Anything but a definite true or false is trouble: unknown blocks. */
export type Decide = (expression: string, scope: Scope) => Result<boolean>;
