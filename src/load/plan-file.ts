import type { Json } from '../core/json.ts';
import type { Plan } from '../core/plan.ts';
import { fail, ok, type Result, trouble } from '../core/result.ts';
import { pathText } from './node.ts';
import { PlanShape } from './plan-shape.ts';
import { validatorOf } from './validator.ts';

/** Reads the text of a plan file. Its shape is checked here; what it binds is compared with the workspace before anything is done. */
export function parsePlan(text: string, file: string): Result<Plan> {
  const bad = (why: string) =>
    fail(
      trouble(
        'not-a-plan',
        `${file} is not a plan of this version: ${why}`,
        'Save one with: decom plan HOST -o plan.json',
      ),
    );
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    return bad((error as Error).message);
  }
  const [fault] = validatorOf(PlanShape)(value);
  if (fault !== undefined) {
    const at = fault.path.length === 0 ? '' : `"${pathText(fault.path)}" `;
    return bad(`${at}${fault.message}`);
  }
  return ok(value as unknown as Plan);
}
