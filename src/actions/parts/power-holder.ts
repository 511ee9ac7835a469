import type { Setting } from '../../core/action.ts';

type Host = Pick<Setting['host'], 'name' | 'powerProgram'>;

/** Whatever holds the power of a host, for people: its BMC, or the program that stands in its place. */
export const powerHolder = ({ name, powerProgram }: Host): string =>
  powerProgram === undefined ? `the BMC of ${name}` : `the program ${powerProgram}, which holds the power of ${name},`;

/** The same, once it was named. */
export const holderWord = ({ powerProgram }: Host): string => (powerProgram === undefined ? 'the BMC' : 'the program');
