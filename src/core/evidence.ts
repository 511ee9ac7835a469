import type { AttributeProof } from './probe.ts';

/** What a step's own probe proved, before the engine stamps it with host, boot and time. */
export type Finding =
  /** At least three sources agree with the inventory and none contradicts. */
  | { readonly kind: 'identity.confirmed'; readonly sources: readonly string[]; readonly boot_id: string }
  /** The BMC's GUID or serial equals the running machine's: they are one machine. */
  | { readonly kind: 'identity.bound'; readonly bmc: string; readonly dmi: string }
  | { readonly kind: 'writers.stopped'; readonly units: readonly string[] }
  | {
      readonly kind: 'restore.proven';
      readonly copy: string;
      readonly paths: readonly string[];
      readonly attributes: readonly AttributeProof[];
      readonly level: 'restored' | 'read-back';
      readonly sampled: boolean;
      /** When reading the source for the manifest began (RFC 3339): what the copy proves, it proves of that moment. */
      readonly manifest_started: string;
      /** Files that vanished while they were copied, so that nothing proves their content; absent where there are none. */
      readonly unproven?: number;
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
};

/** What a step demands before it may start. */
export interface Demand {
  readonly kind: EvidenceKind;
  /** Greatest age in milliseconds; of a restore proof, counted from its manifest. */
  readonly maxAge: number;
  /** Only evidence of what was true after the last evidence of this kind counts. */
  readonly after?: EvidenceKind;
  /** Said to the operator: what could go wrong without it. */
  readonly why: string;
}
