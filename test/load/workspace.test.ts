import { describe, expect, it } from 'vitest';
import { diagnosticText } from '../../src/core/diagnostic.ts';
import { parseHosts, parseWorkspace } from '../../src/load/workspace.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const hosts = (text: string) => {
  const result = parseHosts(bytes(text), 'hosts.yaml');
  return result.ok ? result.value : result.error.map(diagnosticText);
};
const workspace = (text: string) => {
  const result = parseWorkspace(bytes(text), 'decom.yaml');
  return result.ok ? result.value : result.error.map(diagnosticText);
};

describe('the hosts file', () => {
  it('gives hosts with their names, and serials as they stand on the label', () => {
    const text = `hosts:
  web01:
    addresses: [192.0.2.10]
    serial: 0012345
    asset_tag: 7E12345
    location: { unit: 17, rack: 012 }
    ssh: { user: decom, port: 2222, sudo: true }
    bmc: { kind: ipmi, address: bmc, user: admin, password: { command: [pass, show, x] } }
    disks: [{ serial: 1e400 }]
  10.0: { addresses: ["::1"], serial: "0x1F" }
`;
    expect(hosts(text)).toEqual([
      {
        name: 'web01',
        addresses: ['192.0.2.10'],
        serial: '0012345',
        asset_tag: '7E12345',
        location: { unit: 17, rack: '012' },
        ssh: { user: 'decom', port: 2222, sudo: true },
        bmc: { kind: 'ipmi', address: 'bmc', user: 'admin', password: { command: ['pass', 'show', 'x'] } },
        disks: [{ serial: '1e400' }],
      },
      { name: '10.0', addresses: ['::1'], serial: '0x1F' },
    ]);
  });

  it('is refused with every fault in its place, and no password is printed', () => {
    const text = `hosts:
  web 01: { addresses: [a], serial: s }
  web01:
    adresses: [a]
    uuid: 1234
    ssh: { port: 70000, sudo: yes }
    bmc: { kind: impi, address: b, user: u, password: hunter2 }
    status: retird
  web02: { addresses: [], serial: "" }
  web03: { addresses: [a], serial: s, bmc: { kind: redfish, address: b, user: u, password: { env: A, file: B } } }
  web04: { addresses: [a], serial: s, bmc: { kind: redfish, address: b, user: u, password: {} } }
`;
    expect(hosts(text)).toEqual([
      'hosts.yaml:2:3  the name "web 01" in "hosts" is not allowed. Names are letters, digits, ".", "_" and "-", at most 63, a letter or digit first.',
      'hosts.yaml:4:5  "hosts.web01.addresses" is missing. Add it: Addresses, the first is used for SSH.',
      'hosts.yaml:4:5  "hosts.web01.serial" is missing. Add it: Serial number as on the label (DMI type 1). Quote it.',
      'hosts.yaml:4:5  unknown key "adresses" in "hosts.web01". Did you mean "addresses"?',
      'hosts.yaml:5:11  "hosts.web01.uuid" must be a UUID like a1234567-89ab-cdef-a123-456789abcdef, and is "1234". Correct it.',
      'hosts.yaml:6:18  "hosts.web01.ssh.port" must be at most 65535, and is 70000. Correct it.',
      'hosts.yaml:6:31  "hosts.web01.ssh.sudo" must be true or false, and is "yes". Write one of them.',
      'hosts.yaml:7:18  "hosts.web01.bmc.kind" must be ipmi, redfish or command, and is "impi". Did you mean "ipmi"?',
      'hosts.yaml:7:55  "hosts.web01.bmc.password" must be a mapping, and is a text. It takes: env, file, command, prompt.',
      'hosts.yaml:8:13  "hosts.web01.status" must be active, decommissioning or retired, and is "retird". Did you mean "retired"?',
      'hosts.yaml:9:23  "hosts.web02.addresses" is an empty list, and empty never means all. Name at least one.',
      'hosts.yaml:9:35  "hosts.web02.serial" must not be empty. Serial number as on the label (DMI type 1). Quote it.',
      'hosts.yaml:10:92  "hosts.web03.bmc.password" holds more than 1 of them. One of env, file, command, prompt.',
      'hosts.yaml:11:92  "hosts.web04.bmc.password" is empty. One of env, file, command, prompt.',
    ]);
  });

  it('may name a program that switches the power, and says what such an entry lacks or has too much', () => {
    const text = `hosts:
  web01:
    addresses: [a]
    serial: s1
    bmc: { kind: command, argv: [./switch, web01], environment: { TOKEN: { env: T } }, timeout: 1m, spacing: 5s }
`;
    expect(hosts(text)).toMatchObject([{ bmc: { kind: 'command', argv: ['./switch', 'web01'], timeout: '1m' } }]);
    const wrong = `hosts:
  web01: { addresses: [a], serial: s1, bmc: { kind: command, argv: [], address: b } }
  web02: { addresses: [a], serial: s2, bmc: { kind: command, environment: { 1A: { env: T } } } }
  web03: { addresses: [a], serial: s3, bmc: { kind: comand, address: b, user: u, password: { env: P } } }
`;
    expect(hosts(wrong)).toEqual([
      'hosts.yaml:2:68  "hosts.web01.bmc.argv" is an empty list, and empty never means all. Name at least one.',
      'hosts.yaml:2:72  unknown key "address" in "hosts.web01.bmc". Known here: kind, argv, environment, guid, timeout, spacing.',
      'hosts.yaml:3:45  "hosts.web02.bmc.argv" is missing. Add it: The program and its arguments. A relative path starts at the folder of the hosts file.',
      'hosts.yaml:3:77  the name "1A" in "hosts.web02.bmc.environment" is not allowed. Names are letters, digits and "_", no digit first.',
      'hosts.yaml:4:53  "hosts.web03.bmc.kind" must be ipmi, redfish or command, and is "comand". Did you mean "command"?',
    ]);
  });

  it('is refused where it names no host, or two with one serial', () => {
    expect(hosts('hosts: {}\n')).toEqual(['hosts.yaml:1:8  "hosts" is empty. Hosts by name.']);
    expect(hosts('hosts:\n  a: { addresses: [x], serial: S1 }\n  b: { addresses: [y], serial: "S1" }\n')).toEqual([
      'hosts.yaml:3:32  host "b": the serial "S1" is also that of "a". A serial belongs to one machine: correct one of them.',
    ]);
  });

  it('is refused where two serials differ by their case, or by blanks around them: it is the same machine that answers to both', () => {
    expect(hosts('hosts:\n  a: { addresses: [x], serial: S1 }\n  b: { addresses: [y], serial: " s1 " }\n')).toEqual([
      'hosts.yaml:3:32  host "b": the serial " s1 " is also that of "a". A serial belongs to one machine: correct one of them.',
    ]);
  });
});

describe('decom.yaml', () => {
  it('is read, and refused with every fault in its place', () => {
    expect(workspace('decom: 1\norganisation: { name: "ООО «Ромашка»" }\nstate: ./state\n')).toEqual({
      decom: 1,
      organisation: { name: 'ООО «Ромашка»' },
      state: './state',
    });
    expect(workspace('decom: 01\norganization: { name: x }\n')).toEqual([
      'decom.yaml:1:8  "decom" must be 1, and is "01". Correct it.',
      'decom.yaml:2:1  unknown key "organization". Did you mean "organisation"?',
    ]);
  });
});
