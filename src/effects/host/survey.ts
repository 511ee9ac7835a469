import type { ProbeHandlers } from '../../core/action.ts';
import type { Machine } from '../../core/ports.ts';
import { type Seen, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import type { HostUse, Survey, SurveyLoad } from '../../core/survey.ts';
import { withoutRoot } from './identity.ts';
import { lastLines, plainText } from './plain-text.ts';
import { type Answers, readAnswers } from './survey-answers.ts';
import { exportsOf } from './survey-exports.ts';
import { network } from './survey-network.ts';
import { lastLoginsOf, sessionsOf } from './survey-people.ts';
import { rolesOf } from './survey-roles.ts';
import { surveyScript, useScript } from './survey-script.ts';
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
    const answers = await asked(machine, surveyScript, patience);
    return answers.known ? seen(surveyOf(answers.value)) : answers;
  };

/** `host.use`: one command, asked and kept as the survey is. */
export const useProbe =
  (machine: Machine, patience = 120_000): ProbeHandlers['host.use'] =>
  async () => {
    const answers = await asked(machine, useScript, patience);
    return answers.known ? seen(useOf(answers.value)) : answers;
  };

async function asked(machine: Machine, script: string, patience: number): Promise<Seen<Answers>> {
  const argv = ['sh', '-c', script];
  const options = { limit, signal: AbortSignal.timeout(patience) };
  let ran = await machine.exec({ argv, root: true }, options);
  let noRoot: Trouble | undefined;
  if (!ran.ok && withoutRoot.includes(ran.error.code)) {
    noRoot = ran.error;
    ran = await machine.exec({ argv, root: false }, options);
  }
  if (!ran.ok) return unseen(ran.error);
  const { ended, stdout, stderr } = ran.value;
  const answers = readAnswers(stdout, machine.name, noRoot);
  if (answers !== undefined) return seen(answers);
  if (ended.how === 'lost' || ended.how === 'aborted') return unseen(ended.trouble);
  return unseen(
    trouble(
      'no-answer',
      `${machine.name} did not tell what is on it`,
      'Check that its sh works.',
      lastLines(plainText(stderr), 5),
    ),
  );
}

/** Puts the answers of all sources together. */
export function surveyOf(answers: Answers): Survey {
  const { identity, os, parts, load } = systemFacts(answers);
  const processes = processesOf(answers);
  return {
    ...useOf(answers),
    ...{ identity, os, services: servicesOf(answers), last_logins: lastLoginsOf(answers) },
    ...{ timers: timersOf(answers), cron: cronOf(answers), mounts: mountsOf(answers) },
    ...{ disks: disksOf(answers), databases: databasesOf(processes), guests: guestsOf(answers, processes) },
    ...{ routes: network(answers, '').routes, parts, load },
  };
}

/** Of an answer to `useScript` as of one to `surveyScript`: it reads none of the other sources. */
export function useOf(answers: Answers): HostUse {
  const { load, own, session } = systemFacts(answers);
  const { listeners, connections, addresses } = network(answers, own);
  const processes = processesOf(answers);
  const held = addresses.known ? addresses.value.rows.map(({ address }) => address) : undefined;
  return {
    root: answers.root,
    ...{ listeners, connections, sessions: sessionsOf(answers, session) },
    exports: exportsOf(answers, processes, connections),
    roles: rolesOf(answers, processes, held),
    ...{ addresses, load: load.known ? seen(withoutHistory(load.value)) : load },
  };
}

const withoutHistory = ({ history: _, ...load }: SurveyLoad): Omit<SurveyLoad, 'history'> => load;
