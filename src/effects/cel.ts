import { Environment } from '@marcbachmann/cel-js';
import type { Decide, Scope } from '../core/binding.ts';
import type { Json } from '../core/json.ts';
import { fail, ok, type Result, trouble } from '../core/result.ts';

const environment = new Environment()
  .registerVariable('params', 'map')
  .registerVariable('host', 'map')
  .registerVariable('facts', 'map')
  .registerVariable('steps', 'map');

/** What is wrong with a `when:` expression as far as its text tells: syntax, names, and that it yields true or false. */
export function checkCel(expression: string): string | undefined {
  const { valid, type, error } = environment.check(expression);
  if (!valid) return error === undefined ? 'it cannot be read' : firstLine(error);
  return type === 'bool' || type === 'dyn' ? undefined : `it gives a value of type ${type}, not true or false`;
}

/**
 * Decides a `when:` expression in CEL. A missing key, an error or a value that is no truth is trouble. Where the power is not known,
 * the expression must come out the same for on and for off, unless it asks for 'unknown' itself.
 */
export const decideWithCel: Decide = (expression, scope) => {
  if (scope.facts.power !== 'unknown' || /["']unknown["']/.test(expression)) return evaluate(expression, scope);
  const on = evaluate(expression, { ...scope, facts: { ...scope.facts, power: 'on' } });
  const off = evaluate(expression, { ...scope, facts: { ...scope.facts, power: 'off' } });
  if (!on.ok || !off.ok || on.value === off.value) return on.ok ? off : on;
  return fail(
    trouble(
      'when-unknown',
      `"${expression}" depends on the power, which is not known`,
      'Find out why the power cannot be read: decom doctor. Nothing is skipped or begun on a guess.',
    ),
  );
};

function evaluate(expression: string, scope: Scope): Result<boolean> {
  let value: unknown;
  try {
    value = environment.evaluate(expression, {
      params: exact(scope.params),
      host: exact(scope.host),
      facts: exact(scope.facts),
      steps: exact(scope.steps),
    });
  } catch (error) {
    const why = firstLine(error as Error);
    return fail(trouble('when-failed', `"${expression}" cannot be decided: ${why}`, 'Correct "when" in the runbook.'));
  }
  if (typeof value === 'boolean') return ok(value);
  const what = `"${expression}" gives ${typeof value === 'bigint' ? 'a number' : `a ${typeof value}`}, not true or false`;
  return fail(trouble('when-no-truth', what, "Compare it with something: facts.power == 'on'."));
}

/** CEL's integers are 64 bits wide and do not mix with fractions, which is what a plain number would be taken for. */
function exact(value: Json): unknown {
  if (typeof value === 'number') return BigInt(value);
  if (Array.isArray(value)) return value.map(exact);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, exact(item)]));
}

const firstLine = (error: { readonly message: string }): string => error.message.split('\n', 1)[0] ?? '';
