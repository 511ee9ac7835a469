import { InvalidArgumentError, Option } from 'commander';
import type { HostAddOptions } from './commands/host-add.ts';
import { collected, type Declared, type Declaring } from './declare.ts';

/** What a workspace is made of, and what is looked at without a run. */
export function declareWorkspace({ root, command }: Declaring): Declared {
  return {
    init: () => {
      command(
        root,
        'init [folder]',
        'Make a workspace: settings, an empty inventory, the shipped runbooks.',
        ['decom init ./retire && cd ./retire'],
        async (i, operands) => (await import('./commands/init.ts')).init(i, operands[0]),
      );
    },
    host: () => {
      const host = root.command('host').description('The inventory of hosts.');
      command(
        host,
        'add <name>',
        'Fill an entry from what the host says of itself.',
        [
          'decom host add web01 --address 192.0.2.10 --user decom --sudo',
          'decom host add web01 --address 192.0.2.10 --accept-host-key SHA256:… --bmc ipmi --bmc-address 192.0.2.110 --bmc-user admin --bmc-password-env BMC_PASSWORD',
        ],
        async (i, operands, options: HostAddOptions) =>
          (await import('./commands/host-add.ts')).hostAdd(i, operands[0] ?? '', options),
      )
        .requiredOption('--address <address>', 'name or address for SSH (repeat for more)', collected)
        .option('--fqdn <name>', 'its full name in DNS')
        .option('--user <name>', 'login name')
        .option('--port <port>', 'port of its SSH server', portNumber)
        .option('--identity <file>', 'private key to offer (repeat for more)', collected)
        .option('--sudo', 'use "sudo -n" where root is needed')
        .option('--accept-host-key <fingerprint>', 'the host key to trust, as SHA256:…, read on its console')
        .addOption(new Option('--bmc <kind>', 'its management controller').choices(['ipmi', 'redfish', 'command']))
        .option('--bmc-address <address>', 'name or address of the BMC')
        .option('--bmc-port <port>', 'port of the BMC', portNumber)
        .option('--bmc-user <name>', 'login name at the BMC')
        .option('--bmc-password-env <variable>', 'environment variable that holds its password; a program gets it')
        .option('--bmc-password-file <file>', 'file (mode 0600) that holds its password')
        .option('--bmc-tls-pin <pin>', 'sha256:… of its certificate (redfish)')
        .option('--bmc-program <word>', 'the program, then its arguments (command; repeat)', collected);
    },
    validate: () => {
      command(
        root,
        'validate [files...]',
        'Check runbooks, inventory and settings, or the named files of them; nothing is contacted.',
        ['decom validate', 'decom validate runbooks/linux-server.yaml', 'decom validate hosts.yaml'],
        async (i, operands) =>
          (await import('./commands/validate.ts')).validate(i, operands, () => import('./compose.ts')),
      );
    },
    doctor: () => {
      command(
        root,
        'doctor [host]',
        'Which tools and keys are here, and how to install what is missing.',
        ['decom doctor', 'decom doctor web01'],
        async (i, operands) => (await import('./commands/doctor.ts')).doctor(i, operands[0]),
      );
    },
    schema: () => {
      command(
        root,
        'schema [kind]',
        'Print the JSON Schema of a file.',
        ['decom schema runbook > runbook.schema.json'],
        async (i, operands) => (await import('./commands/schema.ts')).schema(i, operands[0]),
      );
    },
    demo: () => {
      command(
        root,
        'demo',
        'Retire a practice machine on this computer, with nothing to install.',
        ['decom demo', 'decom demo --interactive'],
        async (i, _operands, options: { readonly interactive?: boolean }) =>
          (await import('./commands/demo.ts')).demo(i, options),
      ).option('--interactive', 'step through it yourself');
    },
  };
}

function portNumber(value: string): number {
  const port = Number(value);
  if (!/^[0-9]{1,5}$/.test(value) || port < 1 || port > 65_535)
    throw new InvalidArgumentError('A port is a number from 1 to 65535.');
  return port;
}
