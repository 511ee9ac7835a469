import type { Result } from './result.ts';

/** Who works on a host, as a file on the host itself says: two state folders share no lock. */
export interface Claim {
  readonly run: string;
  /** Id of the state folder that holds the run. */
  readonly state: string;
  readonly operator: string;
  /** Name of the machine that drove the run when it claimed the host. */
  readonly control: string;
  /** RFC 3339. */
  readonly at: string;
}

/** `where` is the claim's path on the host. */
export type ClaimSeen =
  | { readonly claim: 'free' | 'taken' | 'ours'; readonly where: string }
  | { readonly claim: 'other'; readonly where: string; readonly of: Claim };

/**
 * The claim of this run on its host. A claim from elsewhere is never stale by itself, however old: its run may be parked for weeks, and
 * what it has stopped or copied is known only there. A person may take it over, naming its run.
 */
export interface Claims {
  /** Id of the state folder that these claims are made for. */
  readonly state: string;
  /** Looks, and changes nothing. To a look every run of this state folder is its own. */
  look(): Promise<Result<ClaimSeen>>;
  /** Makes the claim where there is none. `taken`: just now. */
  take(): Promise<Result<ClaimSeen>>;
  /** Puts this run's claim in the place of the one of `run`; any other is left as it is. */
  takeOver(run: string): Promise<Result<ClaimSeen>>;
  /** Removes this run's own claim, and no other. */
  drop(): Promise<Result<ClaimSeen>>;
}

/** How a claim is removed by hand, on its own host: where it lies depends on whether its login may become root. */
export const claimRemoval = 'sudo rm /var/lib/decom/claim (where the login cannot become root: rm ~/.decom/claim)';
