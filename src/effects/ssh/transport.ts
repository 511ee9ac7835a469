import type { SshNeed } from './needs.ts';

/** What `ssh.transport` may say. */
export type WantedTransport = 'auto' | 'ssh2' | 'openssh';

export interface ChosenTransport {
  readonly by: 'ssh2' | 'openssh';
  /** Whether the ssh program is tried where ssh2 and the server have no algorithm in common: only the server can tell that. */
  readonly otherwise: boolean;
  /** Which was chosen and why, for the plan; empty where nothing needs to be said. */
  readonly words: readonly string[];
}

/** Chooses who speaks SSH: ssh2, unless the machine or a bastion before it needs what only the ssh program can do. */
export function chooseTransport(wanted: WantedTransport, needs: readonly SshNeed[]): ChosenTransport {
  const because = needs.map(({ what }) => what).join('; ');
  switch (wanted) {
    case 'openssh':
      return { by: 'openssh', otherwise: false, words: ['over SSH by the ssh program: ssh.transport says so'] };
    case 'ssh2':
      return {
        by: 'ssh2',
        otherwise: false,
        words: [`over SSH by ssh2: ssh.transport says so${because === '' ? '' : `, though ${because}`}`],
      };
    case 'auto':
      return because === ''
        ? { by: 'ssh2', otherwise: true, words: [] }
        : { by: 'openssh', otherwise: false, words: [`over SSH by the ssh program: ${because}`] };
  }
}
