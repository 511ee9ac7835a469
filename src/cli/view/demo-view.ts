import { shellWord } from '../../core/shell-word.ts';
import { type Line, strong } from './text.ts';

/**
 * What the demo says once its run has stopped: it can be taken up again as long as this process holds the practice machine, whether that
 * is on or off, as its BMC goes on answering.
 */
export const waitingLines = (
  off: boolean,
  {
    workspace,
    program,
    host,
    key,
  }: { readonly workspace: string; readonly program: string; readonly host: string; readonly key: string },
): readonly Line[] => [
  '',
  [
    strong(`The run stopped, and the practice machine ${off ? 'is off; its BMC still answers' : 'still runs'}.`),
    ' In another terminal:',
  ],
  `  cd ${shellWord(workspace)}`,
  `  export DECOM_SIGNING_KEY=${shellWord(key)}`,
  ...['status', 'why', 'resume'].map((verb) => `  node ${shellWord(program)} ${verb} ${host}`),
  'Ctrl-C here ends the practice machine.',
];
