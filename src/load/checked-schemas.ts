import type { AnyAction } from '../core/action.ts';
import { HostsFile, WorkspaceFile } from '../core/host.ts';
import { AnswersFile } from './answers.ts';
import { PlanShape } from './plan-shape.ts';
import { PhaseShape, RunbookShape, StepShape, UseShape } from './runbook-shape.ts';
import { WindowShape } from './window.ts';

/** Every schema that input is checked against: what the build compiles beforehand. */
export const checkedSchemas = (actions: readonly AnyAction[]): readonly object[] => [
  WorkspaceFile,
  HostsFile,
  AnswersFile,
  RunbookShape,
  PhaseShape,
  UseShape,
  StepShape,
  WindowShape,
  PlanShape,
  ...actions.map((action) => action.input),
];
