import type { Static, TSchema, TSchemaOptions, TUnsafe } from 'typebox';
import * as Type from 'typebox';

/**
 * A mapping whose keys fit `pattern` (an ECMAScript regular expression). TypeBox's own Record can do more, and brings its evaluator of
 * types for that: 94 KB that every start of the program would have to read.
 */
export const RecordOf = <V extends TSchema>(
  pattern: string,
  value: V,
  options: TSchemaOptions = {},
): TUnsafe<{ [name: string]: Static<V> }> =>
  Type.Unsafe<{ [name: string]: Static<V> }>({ type: 'object', patternProperties: { [pattern]: value }, ...options });
