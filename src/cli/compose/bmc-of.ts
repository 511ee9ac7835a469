import { milliseconds } from '../../core/duration.ts';
import type { BmcSettings, CommandBmc, Host } from '../../core/host.ts';
import type { Bmc, Secrets } from '../../core/ports.ts';
import { ok, type Result } from '../../core/result.ts';
import type { Secret, SecretRef } from '../../core/secret.ts';
import { systemClock } from '../../effects/state/clock.ts';

/** The adapter for what holds the power of a host. Its password is asked for when it is first needed. */
export async function bmcOf(
  host: Host,
  settings: BmcSettings,
  secrets: Secrets,
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<Bmc> {
  const { lateBmc } = await import('../../effects/bmc/late-bmc.ts');
  return lateBmc(host.name, async (): Promise<Result<Bmc>> => {
    if (settings.kind === 'command') return commandOf(host.name, settings, secrets, folder, environment);
    const password = await secrets(settings.password as SecretRef, `password of the BMC of ${host.name}`);
    if (!password.ok) return password;
    const login = {
      name: host.name,
      address: settings.address,
      user: settings.user,
      password: password.value,
      clock: systemClock,
    };
    if (settings.kind === 'ipmi') {
      const { ipmiBmc } = await import('../../effects/bmc/ipmi.ts');
      const spacing = settings.spacing === undefined ? undefined : milliseconds(settings.spacing);
      return ok(
        ipmiBmc({
          ...login,
          port: settings.port ?? 623,
          ...(spacing === undefined ? {} : { spacing }),
          ...(settings.cipher_suite === undefined ? {} : { suite: settings.cipher_suite }),
        }),
      );
    }
    const { redfishBmc } = await import('../../effects/bmc/redfish.ts');
    return ok(
      redfishBmc({
        ...login,
        port: settings.port ?? 443,
        pin: settings.tls_pin,
        ...(settings.system === undefined ? {} : { system: settings.system }),
        ...(settings.legacy === undefined ? {} : { legacy: settings.legacy }),
      }),
    );
  });
}

async function commandOf(
  name: string,
  { argv, environment: wanted = {}, timeout, spacing }: CommandBmc,
  secrets: Secrets,
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<Result<Bmc>> {
  const { commandBmc } = await import('../../effects/bmc/command.ts');
  const given: { [name: string]: Secret } = {};
  for (const [variable, ref] of Object.entries(wanted)) {
    const value = await secrets(ref as SecretRef, `${variable} for the program that switches ${name}`);
    if (!value.ok) return value;
    given[variable] = value.value;
  }
  const within = timeout === undefined ? undefined : milliseconds(timeout);
  const rest = spacing === undefined ? undefined : milliseconds(spacing);
  return ok(
    commandBmc({
      name,
      argv,
      secrets: given,
      environment,
      folder,
      clock: systemClock,
      ...(within === undefined ? {} : { within }),
      ...(rest === undefined ? {} : { spacing: rest }),
    }),
  );
}
