/** What the rehearsal of a step came to: exactly one of these. */
export const previewWords = {
  'would-run': 'would run',
  'would-ask': 'would ask',
  'already-so': 'already so',
  'cannot-rehearse': 'cannot be rehearsed',
  'would-skip': 'would be skipped',
} as const;
