import type { Setting } from '../../core/action.ts';
import type { NetworkSeen } from '../../core/probe.ts';

/** The run as the host keeps it: a step that a new plan has done once more is still that run's. */
export const runOf = ({ plan }: Setting): string => plan.split('.')[0] ?? plan;

export const isOfThisRun = ({ run }: NetworkSeen, setting: Setting): boolean => run === runOf(setting);

/** Why a host is in the network, in words. */
export function howItEnded({ ended }: NetworkSeen): string {
  switch (ended) {
    case 'never':
      return 'it has not been';
    case 'reboot':
      return 'it was restarted, and no restart keeps it';
    case 'guard':
      return 'it opened itself again, as decom did not come back in time';
    case 'reopened':
      return 'it was opened again';
    case 'removed':
      return 'somebody took the rules away';
  }
}
