import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { actions } from '../../src/actions/index.ts';
import { ok } from '../../src/core/result.ts';
import { stepsOf } from '../../src/core/runbook.ts';
import { makeBind } from '../../src/load/bind.ts';
import { loadRunbook } from '../../src/load/load-runbook.ts';

const root = join(import.meta.dirname, '../..');
const loaded = loadRunbook('runbooks/dead-server.yaml', (file) => ok(readFileSync(join(root, file))), actions);
const steps = loaded.ok ? stepsOf(loaded.value) : [];
const kinds = steps.map((step) => step.uses);

describe('the shipped runbook dead-server', () => {
  it('is valid', () => expect(loaded.ok ? [] : loaded.error).toEqual([]));

  it('attests the machine before its power is cut, and retires its entry last', () => {
    const order = ['identity.attest', 'power.cut', 'inventory.retire'].map((kind) => kinds.indexOf(kind));
    expect(order).not.toContain(-1);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(kinds.at(-1)).toBe('inventory.retire');
  });

  it('asks nothing of the host itself', () => {
    const ofHost = ['identity.check', 'use.check', 'service.stop', 'command.run', 'backup.archive', 'power.off'];
    expect(kinds.filter((kind) => ofHost.includes(kind))).toEqual([]);
  });

  it('binds with the parameters it asks for, and leaves nothing open', () => {
    const bind = makeBind(actions);
    const host = { name: 'web01', serial: '0012345' };
    for (const step of steps) {
      const bound = bind(step, { params: { over: '5m', grace: '5m' }, host, facts: { power: 'on' }, steps: {} });
      expect(bound.ok ? [] : [step.id, bound.error.what]).toEqual([]);
      expect(bound.ok && bound.value.waitsFor).toEqual([]);
    }
  });
});
