import type { Static } from 'typebox';
import * as Type from 'typebox';
import { action, type ExamineContext, type Setting } from '../../core/action.ts';
import { durationPattern, durationText, milliseconds } from '../../core/duration.ts';
import type { BmcIdentity } from '../../core/probe.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';
import { noBmc, notThisBmc } from '../parts/bmc-match.ts';
import { holderWord, powerHolder } from '../parts/power-holder.ts';

const Input = Type.Object(
  {
    within: Type.Optional(
      Type.String({
        pattern: durationPattern,
        patternErrorMessage: 'a duration like 5m or 10m',
        description: 'How long the BMC may take to come back. Default 10m.',
      }),
    ),
  },
  {
    additionalProperties: false,
    description: 'Has the BMC itself start anew. The last use of it: no step after this one may need it.',
  },
);
type Input = Static<typeof Input>;

interface Facts {
  readonly bmc: Seen<BmcIdentity>;
}

/** Whether the BMC was seen to be gone after it was told, and what it says of itself once it is back. */
interface After extends Facts {
  readonly gone: boolean;
}

const betweenLooks = 2000;
/** A BMC goes within seconds of being told to; this many looks without a sign of it are enough. */
const looksForGoing = 60;
/** One lost packet is not a restart. */
const silences = 2;

const withinOf = ({ within }: Input): number => (within === undefined ? undefined : milliseconds(within)) ?? 600_000;

export const bmcReset = action<typeof Input, Facts, After>({
  kind: 'bmc.reset',
  about: 'Has the BMC itself start anew, as the last use of it, and waits until it was gone and is back.',
  effect: 'changes',
  once: false,
  irreversible: false,
  bmc: 'last',
  input: Input,

  inspect: async (_input, probe, _past, { host }) => ({
    bmc: host.hasBmc ? await probe({ kind: 'bmc.identity' }) : { known: false, trouble: noBmc(host.name) },
  }),

  // Nothing tells later that it was done, so it is never "already so": one that was cut off is done again, which harms nothing.
  plan: (_input, { bmc }, setting) => {
    const wrong = notThisBmc(setting, bmc);
    return wrong === undefined ? [{ kind: 'bmc.reset', on: 'control' }] : { blocked: wrong };
  },

  examine: async (input, _receipts, context) => {
    const gone = await seenGone(context);
    if (!gone) return { gone, bmc: await context.probe({ kind: 'bmc.identity' }) };
    let waited = 0;
    for (;;) {
      const bmc = await context.probe({ kind: 'bmc.identity' });
      if (bmc.known || context.signal.aborted || waited >= withinOf(input)) return { gone, bmc };
      context.progress({ what: 'the BMC is gone, as it should be; waiting until it is back' });
      await context.sleep(betweenLooks);
      waited += betweenLooks;
    }
  },

  verify: (input, { gone, bmc }, setting) => {
    const { host } = setting;
    if (!gone) return { ok: false, trouble: bmc.known ? notSeen(host) : bmc.trouble };
    if (!bmc.known) return { ok: false, trouble: notBack(host, input, bmc.trouble) };
    const wrong = notThisBmc(setting, bmc);
    if (wrong !== undefined) return { ok: false, trouble: wrong };
    return {
      ok: true,
      output: {},
      evidence: [],
      said: `${holderWord(host)} was gone, is back, and is still this machine’s`,
    };
  },
});

async function seenGone({ probe, sleep, signal, progress }: ExamineContext): Promise<boolean> {
  let silent = 0;
  for (let look = 0; look < looksForGoing && !signal.aborted; look++) {
    const power = await probe({ kind: 'power' });
    silent = !power.known && power.trouble.code === 'bmc-no-answer' ? silent + 1 : 0;
    if (silent === silences) return true;
    progress({ what: 'waiting until the BMC goes to start anew' });
    await sleep(betweenLooks);
  }
  return false;
}

const notSeen = (host: Setting['host']): Trouble =>
  trouble(
    'reset-not-seen',
    `${powerHolder(host)} was told to start anew, and answered all the time: nothing shows that it did`,
    host.powerProgram === undefined
      ? 'Look at its web page or its event log when it started. If it did, skip this step with that as the reason; if not, pull its power.'
      : 'See in what it switches when that started; the program must answer "unreachable" until it is back. If it did start, skip this step with that as the reason; if not, start it anew by hand.',
  );

const notBack = (host: Setting['host'], input: Input, why: Trouble): Trouble =>
  trouble(
    'bmc-not-back',
    `${powerHolder(host)} is gone, and was not back ${durationText(withinOf(input))} later: ${why.what}`,
    host.powerProgram === undefined
      ? 'Give it more time ("within"), or pull its power. Resuming tells it once more to start anew.'
      : 'Give it more time ("within"), or see to what it switches. Resuming tells it once more to start anew.',
    why.detail,
  );
