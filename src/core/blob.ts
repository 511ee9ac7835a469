/** A large value kept beside the journal under `out/<sha256>`; the journal holds only this reference. */
export interface BlobRef {
  readonly sha256: string;
  readonly bytes: number;
}
