import { type Trouble, trouble } from '../../core/result.ts';

/** A SHA-256 program, by what is run. */
export type HashTool = 'openssl' | 'sha256sum' | 'shasum' | 'busybox';

/** Hashes standard input, and prints `<hash> <more>`. */
export const hashInput: { readonly [K in HashTool]: string } = {
  openssl: 'openssl dgst -sha256 -r',
  sha256sum: 'sha256sum',
  shasum: 'shasum -a 256',
  busybox: 'busybox sha256sum',
};

/** What stands before file names; it prints `<hash> <one character><name>` of each. */
export const hashFiles: { readonly [K in HashTool]: string } = {
  openssl: hashInput.openssl,
  sha256sum: `${hashInput.sha256sum} --`,
  shasum: `${hashInput.shasum} --`,
  busybox: `${hashInput.busybox} --`,
};

/** openssl comes first because it uses the processor's SHA instructions where coreutils often does not (2.8 × faster where measured). */
const inOrder = ['openssl', 'sha256sum', 'shasum', 'busybox'] as const;

/**
 * POSIX sh: `hash_tool` says which of the programs a machine has, and `sha256 TOOL` hashes standard input. A program has to hash `abc`
 * rightly before it is believed.
 */
export const hashToolScript = `
sha256() {
  case $1 in
${inOrder.map((tool) => `    ${tool}) ${hashInput[tool]} ;;`).join('\n')}
  esac
}
hash_tool() {
  for h in ${inOrder.join(' ')}; do
    case $(printf abc | sha256 "$h" 2>/dev/null) in
      ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad*) echo "$h"; return 0 ;;
    esac
  done
  return 1
}
`;

/** The tool that is named among what a script said: `hash openssl`. */
export const hashToolIn = (lines: readonly string[]): HashTool | undefined =>
  inOrder.find((tool) => lines.includes(`hash ${tool}`));

export const hashMissing = (where: string): Trouble =>
  trouble(
    'tool-missing',
    `${where} has no SHA-256 program`,
    `Install coreutils, openssl or busybox there (looked for: ${inOrder.join(', ')}), then try again.`,
  );
