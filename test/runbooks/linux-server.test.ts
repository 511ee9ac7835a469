import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { actions } from '../../src/actions/index.ts';
import { ok } from '../../src/core/result.ts';
import { stepsOf } from '../../src/core/runbook.ts';
import { makeBind } from '../../src/load/bind.ts';
import { loadRunbook } from '../../src/load/load-runbook.ts';

const root = join(import.meta.dirname, '../..');
const loaded = loadRunbook('runbooks/linux-server.yaml', (file) => ok(readFileSync(join(root, file))), actions);
const steps = loaded.ok ? stepsOf(loaded.value) : [];
const at = (id: string): number => steps.findIndex((step) => step.id === id);

describe('the shipped runbook linux-server', () => {
  it('is valid', () => {
    expect(loaded.ok ? [] : loaded.error).toEqual([]);
  });

  it('uses every phase file there is, in the order of their numbers', () => {
    const files = readdirSync(join(root, 'runbooks/phases')).sort();
    expect(loaded.ok && loaded.value.sources.slice(1).map(({ file }) => file)).toEqual(
      files.map((file) => `runbooks/phases/${file}`),
    );
  });

  it('checks who the machine is, and that its BMC answers, before anything else', () => {
    expect(steps.slice(0, 2).map((step) => step.uses)).toEqual(['identity.check', 'power.status']);
  });

  it('changes nothing but the mark in the inventory before the services stop', () => {
    const changing = steps
      .slice(0, at('stop'))
      .filter((step) => actions.find((action) => action.kind === step.uses)?.effect === 'changes');
    expect(changing.map((step) => step.id)).toEqual(['mark']);
  });

  it('stops, copies, proves, erases and switches off in this order', () => {
    const order = ['parts', 'stop', 'last-copy', 'proof', 'erase', 'power-off', 'unplug', 'retire', 'gone'];
    const places = order.map(at);
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it('gives power-off every evidence that it demands, each from a step before it', () => {
    const powerOff = actions.find((action) => action.kind === 'power.off');
    const yielded = steps
      .slice(0, at('power-off'))
      .flatMap((step) => actions.find((action) => action.kind === step.uses)?.yields ?? []);
    for (const { kind } of powerOff?.demands?.({}) ?? []) expect(yielded).toContain(kind);
  });

  it('binds with the parameters it asks for, and leaves nothing open but what earlier steps put out', () => {
    const bind = makeBind(actions);
    const params = { services: ['nginx.service'], data: ['/srv', '/etc'], vault: '/vault', grace: '5m' };
    const host = { name: 'web01', serial: '0012345' };
    for (const step of steps) {
      const bound = bind(step, { params, host, facts: { power: 'on' }, steps: {} });
      expect(bound.ok ? '' : bound.error.what, step.id).toBe('');
      if (!bound.ok) continue;
      const open = step.id === 'proof' ? ['last-copy'] : [];
      expect(bound.value.waitsFor, step.id).toEqual(open);
    }
  });

  it('asks in whole sentences that name the machine, so that an answer cannot be meant for another', () => {
    const asking = steps.filter((step) => step.uses === 'confirm' || step.uses === 'checklist');
    expect(asking.length).toBeGreaterThan(10);
    for (const step of asking) {
      const { question, title } = step.with as { question?: string; title?: string };
      expect(question ?? title, step.id).toMatch(/\$\{\{ host\.(name|serial) \}\}/);
    }
  });
});
