import { describe, expect, it } from 'vitest';
import { seen, trouble, unseen } from '../../src/core/result.ts';
import { type Listed, wholly } from '../../src/core/survey.ts';

const list = (more: Partial<Listed<string>> = {}): Listed<string> => ({ rows: ['a'], total: 1, ...more });

describe('a section of a survey', () => {
  it('is whole when it was read and nothing is missing, also when it is empty', () => {
    expect(wholly(seen(list()))).toEqual(['a']);
    expect(wholly(seen(list({ rows: [], total: 0 })))).toEqual([]);
  });

  it('is not whole when it is unknown, capped or lacks something', () => {
    const why = trouble('needs-root', 'it needs root', 'Allow sudo.');
    expect(wholly(unseen<Listed<string>>(why))).toBeUndefined();
    expect(wholly(seen(list({ total: 2 })))).toBeUndefined();
    expect(wholly(seen(list({ lacks: [why] })))).toBeUndefined();
  });
});
