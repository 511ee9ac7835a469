import type { DestroyHow, EraseLevel, Technique } from './disk.ts';
import type { ReadBack } from './disk-samples.ts';
import type { AttributeProof, CopiedFileSystem } from './probe.ts';

/** What a step's own probe proved, before the engine stamps it with host, boot and time. */
export type Finding =
  /** At least three sources agree with the inventory and none contradicts. */
  | {
      readonly kind: 'identity.confirmed';
      readonly sources: readonly string[];
      readonly boot_id: string;
      /** Serials of the disks that the inventory lists and that are there; absent where none was looked for. */
      readonly disks?: readonly string[];
    }
  /**
   * Of a host that does not answer any more: by the label that a person read, and whatever else could still be had; who answered for each source that
   * could not. Never of a host that answers.
   */
  | {
      readonly kind: 'identity.attested';
      readonly sources: readonly string[];
      readonly read_by: string;
      readonly waived: readonly { readonly gate: string; readonly by: string }[];
    }
  /** The BMC's GUID or serial equals the running machine's: they are one machine. */
  | { readonly kind: 'identity.bound'; readonly bmc: string; readonly dmi: string }
  /** Nobody was seen to use the host while it was watched, but for who is allowed, and for what somebody answers for. Times are RFC 3339. */
  | {
      readonly kind: 'host.unused';
      readonly from: string;
      readonly to: string;
      /** How often it was looked at. */
      readonly samples: number;
      /** How many were seen that the step allows. */
      readonly allowed: number;
      readonly waived: readonly { readonly gate: string; readonly by: string }[];
    }
  | { readonly kind: 'writers.stopped'; readonly units: readonly string[] }
  | {
      readonly kind: 'restore.proven';
      readonly copy: string;
      /** Empty for a copy of databases: it is of no file system. */
      readonly paths: readonly string[];
      /** The databases that were restored; absent for a copy of files. */
      readonly databases?: readonly string[];
      /** What the copy leaves out by name; absent where that is nothing. */
      readonly exclude?: readonly string[];
      /** The file systems that it crossed into; absent where that is not known. */
      readonly file_systems?: readonly CopiedFileSystem[];
      readonly attributes: readonly AttributeProof[];
      readonly level: 'restored' | 'read-back';
      readonly sampled: boolean;
      /** When reading the source for the manifest began (RFC 3339): what the copy proves, it proves of that moment. */
      readonly manifest_started: string;
      /** Files that vanished while they were copied, so that nothing proves their content; absent where there are none. */
      readonly unproven?: number;
    }
  /** Read back after it was erased, past every cache: nothing but zeroes at the places read. Times are RFC 3339, by the host's clock. */
  | {
      readonly kind: 'disk.erased';
      readonly serial: string;
      readonly wwn?: string;
      readonly level: EraseLevel;
      readonly technique: Technique;
      /** The program that wrote, and its version. */
      readonly tool: string;
      /** Bytes of the disk. */
      readonly size: number;
      readonly verified: ReadBack;
      /** The places read, and the canary that was gone, follow from it. */
      readonly seed: string;
      readonly places: number;
      readonly bytes_read: number;
      readonly started: string;
      readonly ended: string;
    }
  /** A person read its label, and says who destroyed it: their own words in `said`. */
  | {
      readonly kind: 'disk.destroyed';
      readonly serial: string;
      readonly how: DestroyHow;
      readonly why: string;
      readonly read_by: string;
      readonly said: string;
    }
  | {
      readonly kind: 'power.is-off';
      /**
       * Besides its BMC nothing could say that the host is off: only silence on a way that may itself be broken. When the host last answered
       * on that way in this run. Absent: it was seen that the host cannot be reached.
       */
      readonly silent_since?: string;
    };

export type EvidenceKind = Finding['kind'];

/** A finding with its scope and time: what a later step may demand. `boot_id` is null where the host was off. */
export type Evidence = Finding & {
  readonly step: string;
  readonly at: string;
  readonly host_serial: string;
  readonly boot: string | null;
  /** What the plan in force said of the step (`stepDigest`); absent in logs of before that was kept. */
  readonly step_digest?: string;
};

/** What a step demands before it may start. */
export interface Demand {
  readonly kind: EvidenceKind;
  /** Greatest age in milliseconds; of a restore proof, counted from its manifest. */
  readonly maxAge: number;
  /** Only evidence of what was true after the last evidence of this kind counts. */
  readonly after?: EvidenceKind;
  /** Of a restore proof: the proofs together hold every file system with data, asked for right then. */
  readonly covers?: 'file-systems';
  /** Of an identity: the disks with these serials are in the machine. Never empty. */
  readonly disks?: readonly string[];
  /** Only evidence of what was seen before this run cut any user of the host off counts. */
  readonly uncut?: true;
  /** Said to the operator: what could go wrong without it. */
  readonly why: string;
}
