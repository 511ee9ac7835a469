import type { ProbeHandlers } from '../../core/action.ts';
import type { Machine } from '../../core/ports.ts';
import { seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import type { Survey } from '../../core/survey.ts';
import { withoutRoot } from './identity.ts';
import { lastLines, plainText } from './plain-text.ts';
import { type Answers, readAnswers } from './survey-answers.ts';
import { exportsOf } from './survey-exports.ts';
import { network } from './survey-network.ts';
import { lastLoginsOf, sessionsOf } from './survey-people.ts';
import { rolesOf } from './survey-roles.ts';
import { surveyScript } from './survey-script.ts';
import { cronOf, servicesOf, timersOf } from './survey-services.ts';
import { disksOf, mountsOf } from './survey-storage.ts';
import { systemFacts } from './survey-system.ts';
import { databasesOf, guestsOf, processesOf } from './survey-workloads.ts';

/** Bytes of a survey that are read; what comes after them is unknown. */
const limit = 4 << 20;

/** `host.survey`: one command, as root where that is allowed. `patience`: milliseconds for all of it; what came until then is kept. */
export const surveyProbe =
  (machine: Machine, patience = 120_000): ProbeHandlers['host.survey'] =>
  async () => {
    const argv = ['sh', '-c', surveyScript];
    const options = { limit, signal: AbortSignal.timeout(patience) };
    let asked = await machine.exec({ argv, root: true }, options);
    let noRoot: Trouble | undefined;
    if (!asked.ok && withoutRoot.includes(asked.error.code)) {
      noRoot = asked.error;
      asked = await machine.exec({ argv, root: false }, options);
    }
    if (!asked.ok) return unseen(asked.error);
    const { ended, stdout, stderr } = asked.value;
    const answers = readAnswers(stdout, machine.name, noRoot);
    if (answers !== undefined) return seen(surveyOf(answers));
    if (ended.how === 'lost' || ended.how === 'aborted') return unseen(ended.trouble);
    return unseen(
      trouble(
        'no-answer',
        `${machine.name} did not tell what is on it`,
        'Check that its sh works.',
        lastLines(plainText(stderr), 5),
      ),
    );
  };

/** Puts the answers of all sources together. */
export function surveyOf(answers: Answers): Survey {
  const { identity, os, parts, load, own, session } = systemFacts(answers);
  const { listeners, connections, addresses, routes } = network(answers, own);
  const processes = processesOf(answers);
  const held = addresses.known ? addresses.value.rows.map(({ address }) => address) : undefined;
  return {
    root: answers.root,
    ...{ identity, os, services: servicesOf(answers), listeners, connections },
    ...{ sessions: sessionsOf(answers, session), last_logins: lastLoginsOf(answers) },
    ...{ timers: timersOf(answers), cron: cronOf(answers), mounts: mountsOf(answers) },
    exports: exportsOf(answers, processes, connections),
    ...{ disks: disksOf(answers), databases: databasesOf(processes), guests: guestsOf(answers, processes) },
    roles: rolesOf(answers, processes, held),
    ...{ addresses, routes, parts, load },
  };
}
