import { randomBytes } from 'node:crypto';
import { homedir, hostname, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { milliseconds } from '../core/duration.ts';
import type { Host } from '../core/host.ts';
import { lineHash } from '../core/line-hash.ts';
import type { Counting, JudgeStatement, RunFolder, RunStore, Voucher } from '../core/ports.ts';
import { ok, type Result } from '../core/result.ts';
import type { SessionEnd, SessionInfo } from '../engine/session.ts';
import type { Reception } from '../engine/take-in.ts';
import {
  anchorBy,
  composeHost,
  type HostOptions,
  type HostWorld,
  newRedactor,
  openRunStore,
  type Surroundings,
  statementJudge,
  systemClock,
  voucherFrom,
} from './compose.ts';
import { countingIn } from './counting.ts';
import type { Invocation } from './invocation.ts';
import { packageFolder } from './package-files.ts';
import { askSecret } from './prompt/ask-secret.ts';
import { type Keyboard, openKeyboard } from './prompt/keyboard.ts';
import { version } from './version.ts';
import {
  freezesNow,
  helpersOf,
  openWorkspace,
  type Problem,
  readHosts,
  settingsNow,
  type Workspace,
} from './workspace.ts';

/** Where an operator works: the workspace, its runs, and the way to hosts. */
export interface Desk {
  readonly workspace: Workspace;
  readonly store: RunStore;
  readonly operator: string;
  /** The terminal's keyboard; undefined where nobody can be asked. */
  readonly keyboard: Keyboard | undefined;
  compose(
    host: Host,
    run: string,
    given?: Pick<HostOptions, 'blobs' | 'borrowed' | 'state' | 'mentions'>,
  ): Promise<HostWorld>;
  /** What keeps the heads of logs elsewhere, with where what it says is put. */
  anchor(folder: RunFolder): Promise<Pick<SessionEnd, 'anchor'>>;
  /** The operator's own key among the allowed signers; undefined where logs are not signed. */
  voucher(): Promise<Result<Voucher | undefined>>;
  /** Whether somebody may have said what they are said to have. */
  readonly judge: JudgeStatement;
  /** Counts the other hosts of the state folder. */
  counting(host: string): Counting;
  /** How a run takes in what others say of it. */
  reception(folder: RunFolder): Reception;
  /** Who takes a run up, with the key that vouches for it where logs are signed. A rehearsal's log is never signed. */
  session(how: { readonly unattended: boolean; readonly rehearsal?: boolean }): Promise<Result<SessionInfo>>;
}

export function openDesk(invocation: Invocation, signal?: AbortSignal): Result<Desk, readonly Problem[]> {
  const { environment, stderr, stdin, terminal } = invocation;
  const workspace = openWorkspace(invocation.directory, environment);
  if (!workspace.ok) return workspace;
  const { folder, hostsFile, state } = workspace.value;
  const operator = operatorName(environment);
  const redactor = newRedactor();
  const keyboard = terminal
    ? openKeyboard(
        stdin,
        (text) => stderr.write(text),
        () => process.kill(process.pid, 'SIGINT'),
      )
    : undefined;
  const asked = signal ?? new AbortController().signal;
  const tell = (line: string): void => invocation.output.note([line]);
  const around: Surroundings = {
    redactor,
    tell,
    packageRoot: packageFolder(),
    environment: process.env,
    ...(keyboard === undefined
      ? {}
      : {
          askSecret: (question) =>
            askSecret(question, { keyboard, stdin, stderr, rich: invocation.rich, signal: asked }),
        }),
  };
  const store = openRunStore(state, operator, redactor, workspace.value.settings.group);
  const { allowedSigners } = workspace.value;
  const judge: JudgeStatement = async (signed, at) => (await statementJudge(allowedSigners))(signed, at);
  const voucher = async (): Promise<Result<Voucher | undefined>> =>
    allowedSigners === undefined
      ? ok(undefined)
      : voucherFrom({
          allowedSigners,
          key: environment.DECOM_SIGNING_KEY || undefined,
          home: environment.HOME || homedir(),
          attended: terminal,
          tell,
          now: invocation.now(),
        });
  return ok({
    workspace: workspace.value,
    store,
    operator,
    keyboard,
    compose: (host, run, given = {}) =>
      composeHost(
        {
          ...stateOf(store),
          host,
          hostsFile: resolve(folder, hostsFile),
          hosts: inventoryOf(workspace.value),
          helpers: helpersOf(workspace.value),
          operator,
          run,
          scratch: join(state, 'scratch'),
          freezes: () => freezesNow(workspace.value),
          ...(signal === undefined ? {} : { signal }),
          ...given,
        },
        around,
      ),
    async anchor(run) {
      const { anchor } = workspace.value.settings;
      if (anchor === undefined || run.rehearsal) return {};
      const keeper = await anchorBy({
        argv: anchor.argv,
        folder,
        environment,
        within: milliseconds(anchor.timeout ?? '30s') ?? 30_000,
      });
      return { anchor: { keeper, blobs: run.blobs() } };
    },
    voucher,
    judge,
    counting: (host) =>
      countingIn(
        store,
        host,
        () => settingsNow(workspace.value, 'caps-unreadable', 'how many hosts may be changed'),
        systemClock,
      ),
    reception: (run) => ({
      judge,
      inbox: run.inbox(),
      hashOfLine: (line) => lineHash((at) => run.log(at), line),
    }),
    async session({ unattended, rehearsal = false }) {
      const session = { operator, control: hostname(), pid: process.pid, tool: version, unattended };
      const vouching = rehearsal ? ok(undefined) : await voucher();
      if (!vouching.ok) return vouching;
      return ok(vouching.value === undefined ? session : { ...session, voucher: vouching.value });
    },
  });
}

/** The inventory as far as it can be read: its faults are told by the commands that look hosts up. */
function inventoryOf(workspace: Workspace): readonly Host[] {
  const hosts = readHosts(workspace);
  return hosts.ok ? hosts.value : [];
}

const stateOf = (store: RunStore): { readonly state?: string } => {
  const state = store.id();
  return state === undefined ? {} : { state };
};

/** Who acts: the person behind sudo, not root. */
const operatorName = (environment: Invocation['environment']): string => environment.SUDO_USER || userInfo().username;

/** Id of a plan and of its run. Random from the first character, so that a short prefix tells two apart. */
export const newId = (): string => randomBytes(6).toString('hex');

/** Milliseconds that a saved plan may wait to be started. */
export const planLifetime = 7 * 86_400_000;
