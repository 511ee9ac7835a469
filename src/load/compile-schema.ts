import { Ajv, type ErrorObject } from 'ajv';

/** A compiled schema: whether a value fits, and in `errors` why the last one did not. */
export interface Validate {
  (value: unknown): boolean;
  errors?: readonly ErrorObject[] | null;
}

/** Words that only editors read; ajv's strict mode must know them. */
export const editorWords = [
  'patternErrorMessage',
  'markdownDescription',
  'enumDescriptions',
  'markdownEnumDescriptions',
];

/** Every fault is told. The build compiles with the same. */
export const ajvOptions = { allErrors: true, strictTypes: false } as const;

let ajv: Ajv | undefined;

/**
 * Compiles a schema while the program runs. The build puts a module in the place of this one that holds the schemas of
 * `checkedSchemas` compiled already: to load ajv and compile them would take most of the time that `validate` needs.
 */
export function compileSchema(schema: object): Validate {
  ajv ??= new Ajv(ajvOptions).addVocabulary(editorWords);
  return ajv.compile(schema);
}
