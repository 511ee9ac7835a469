import { type Trouble, trouble } from './result.ts';

/** How thoroughly what is on a disk goes (NIST SP 800-88). To destroy the disk itself is another matter. */
export type EraseLevel = 'clear' | 'purge';

/** How a disk is destroyed (NIST SP 800-88, Destroy), with the words for it. */
export const destroyHows = {
  shred: 'shredded',
  disintegrate: 'disintegrated',
  pulverize: 'pulverized',
  melt: 'melted',
  incinerate: 'incinerated',
} as const;
export type DestroyHow = keyof typeof destroyHows;

/** What a technique comes to at most: an overwrite leaves what the disk has set aside, so it clears, on flash as well. */
export const levelOf = { overwrite: 'clear' } as const satisfies { readonly [technique: string]: EraseLevel };
export type Technique = keyof typeof levelOf;

/** Something that stands on a disk or holds it: none may be left when it is erased. `unread`: whether there is any could not be told. */
export interface DiskUse {
  readonly how: 'mounted' | 'swap' | 'held' | 'member' | 'shared' | 'open' | 'unread';
  readonly what: string;
}

/** One disk as the kernel of the host tells it. */
export interface DiskSeen {
  /** `vda`: good for messages of this boot, and for nothing else. */
  readonly name: string;
  readonly serial: string;
  /** As the kernel writes it (`naa.5000c500…`, `eui.…`); empty where it tells none. */
  readonly wwn: string;
  /** Bytes. */
  readonly size: number;
  /** Bytes of a logical sector. */
  readonly sector: number;
  readonly readOnly: boolean;
  readonly model: string;
  /** By what it is reached: `virtio`, `nvme pcie`, `scsi ahci`; `other` where that could not be told. */
  readonly way: string;
  /** Sectors that the disk keeps from the host: `none`, or what was found or could not be asked. */
  readonly hidden: string;
  readonly uses: readonly DiskUse[];
}

/** `disks` are those that were asked for; `others` are all the rest, as one of them may be another path to a disk. */
export interface DisksSeen {
  readonly disks: readonly DiskSeen[];
  readonly others: readonly Pick<DiskSeen, 'name' | 'serial' | 'wwn'>[];
}

/** A disk as a step names it: by what is on its label. */
export interface DiskNamed {
  readonly serial: string;
  readonly wwn?: string;
}

/** Ways by which a disk comes to the host as itself. Every other one may hide disks behind it, or lead to another machine. */
const plain =
  /^(virtio|nvme pcie|scsi (ahci|ata_piix|ata_generic|sata_\w+|pata_\w+|virtio_scsi|mpt[23]sas|mptsas|mptspi|isci|mvsas|pm80xx|vmw_pvscsi|storvsc))$/;
const remote =
  /^(nvme (tcp|rdma|fc|loop)|scsi (iscsi_tcp|iser|bnx2i|qedi|cxgb[34]i|be2iscsi|qla\w+|lpfc|zfcp|fnic|bfa|fcoe)|network)/;
/** What arrays call themselves behind drivers that serve single disks as well. */
const volume = /logical volume|raid|perc|megaraid|smart array|\bmr\d{4}/i;

/** The one disk that is meant, or why it cannot be told, or must not be erased whatever else happens. */
export function diskOf(named: DiskNamed, { disks, others }: DisksSeen, host: string): DiskSeen | Trouble {
  const { serial, wwn } = named;
  const found = disks.filter((disk) => disk.serial === serial);
  const [disk] = found;
  if (disk === undefined) return absent(serial, host);
  const twins = [...disks, ...others].filter(
    (one) => one.serial === serial || (disk.wwn !== '' && sameWwn(one.wwn, disk.wwn)),
  );
  if (twins.length > 1) {
    return refusal(
      'disk-twins',
      serial,
      `${host} sees it ${twins.length} times (${twins.map(({ name }) => name).join(', ')}): paths to one disk, or parts of one`,
      'Leave one path to it (take the others off, stop multipath; delete further namespaces), then plan anew.',
    );
  }
  if (wwn !== undefined && !sameWwn(wwn, disk.wwn)) {
    return refusal(
      'disk-wwn',
      serial,
      `its WWN is "${disk.wwn}", and the step says "${wwn}"`,
      'Compare the label of the disk with the step. One of them names another disk.',
    );
  }
  return lasting(disk, host) ?? disk;
}

/** What no earlier step of a run takes away. */
function lasting(
  { serial, name, way, model, size, sector, readOnly, hidden }: DiskSeen,
  host: string,
): Trouble | undefined {
  if (remote.test(way)) {
    return refusal(
      'disk-remote',
      serial,
      `it is not in ${host}: it is reached over a network (${way})`,
      'Take it out of the step. It is retired where it stands, by those whose storage it is.',
    );
  }
  if (!plain.test(way) || volume.test(model)) {
    return refusal(
      'disk-controller',
      serial,
      `it may be a volume of a controller that hides the disks behind it (${way}, ${model === '' ? 'no model' : model})`,
      'Give the disks to the host one by one (a plain host adapter, or the controller’s mode for that), or erase them elsewhere.',
    );
  }
  if (!(size > 0) || ![512, 4096].includes(sector) || size % sector !== 0) {
    return refusal(
      'disk-size',
      serial,
      `its size cannot be told (${size} bytes, sectors of ${sector})`,
      'Look whether it is broken (dmesg).',
    );
  }
  if (readOnly) {
    return refusal(
      'disk-read-only',
      serial,
      `${name} is write-protected`,
      `Take the protection off (a switch, or: blockdev --setrw /dev/${name}), then try again.`,
    );
  }
  if (hidden !== 'none') {
    return refusal(
      'disk-hidden-area',
      serial,
      `it may keep sectors from the host, which would be left as they are: ${hidden}`,
      `Install hdparm there; see hdparm -N /dev/${name} and hdparm --dco-identify /dev/${name}; show all sectors, switch it off and on, then try again.`,
    );
  }
  return undefined;
}

/** The technique by which a disk is brought to a level, or why there is none. What meets a higher level than a technique reaches is never done by it. */
export function techniqueFor(disk: DiskSeen, level: EraseLevel): Technique | Trouble {
  if (level === 'clear') return 'overwrite';
  return refusal(
    'no-technique',
    disk.serial,
    `nothing that decom can do to it is a purge: to overwrite is to clear at most (${disk.way})`,
    'Have it purged by its maker’s tool or destroyed, with a record of that; or, where your policy lets you, write "level: clear" into the runbook.',
  );
}

/** What stands on a disk, for people. */
export const useWords = ({ how, what }: DiskUse): string =>
  ({
    mounted: `mounted: ${what}`,
    swap: `in use as swap: ${what}`,
    held: `held by ${what}`,
    member: `a member of something larger: ${what}`,
    shared: `shared with other machines: ${what}`,
    open: `open in a program: ${what}`,
    unread: `what is on it cannot be told: ${what}`,
  })[how];

/** `naa.5000C500A1`, `0x5000c500a1` and `5000c500a1` are one name. */
const bare = (wwn: string): string =>
  wwn
    .toLowerCase()
    .replace(/^(naa\.|eui\.|nvme\.|t10\.|wwn-)/, '')
    .replace(/^0x/, '');
const sameWwn = (one: string, other: string): boolean => bare(one) === bare(other);

const absent = (serial: string, host: string): Trouble =>
  trouble(
    'disk-absent',
    `no disk with the serial "${serial}" is seen by the kernel of ${host}`,
    'Compare the label, hosts.yaml and: lsblk -o NAME,SERIAL. A disk behind a RAID controller, or one that is dead, is not seen.',
  );

const refusal = (code: string, serial: string, why: string, fix: string): Trouble =>
  trouble(code, `disk ${serial} is not erased: ${why}`, fix);
