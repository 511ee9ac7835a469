/** An import that breaks a rule, and why the rule is there. */
export interface BrokenImport {
  readonly rule: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}
export function brokenImports(
  root: string,
  folders: readonly string[],
): Promise<{ readonly modules: number; readonly broken: readonly BrokenImport[] }>;
export function importComplaints(root: string, folders: readonly string[]): Promise<string>;
export function importRules(): Promise<readonly { readonly name: string; readonly comment: string }[]>;
