import type { JudgeStatement } from '../../core/ports.ts';
import { fail, ok, trouble } from '../../core/result.ts';
import { statementBytes, statementNamespace } from '../../core/statement.ts';
import { readAllowedSigners } from './allowed-signers.ts';
import { verifyVoucher } from './verify-voucher.ts';

/**
 * Judges who made a statement, by the list of allowed signers: whoever it names has to have signed it, with a key that is allowed now, and to
 * hold the role that they sign in. Without a list nothing is signed, and a name is what its bearer says.
 */
export function statementJudge(allowedSigners: string | undefined): JudgeStatement {
  return async ({ statement, signed }, at) => {
    if (allowedSigners === undefined) return ok(undefined);
    const { by, kind } = statement;
    const refused = (why: string) =>
      fail(
        trouble(
          'statement-refused',
          `what ${by} said (${kind}) was not taken: ${why}`,
          `Have it said anew by somebody whose key ${allowedSigners} lists.`,
        ),
      );
    if (signed === null) return refused('it is not signed, and this workspace has a list of who may sign');
    const list = readAllowedSigners(allowedSigners);
    if (!list.ok) return list;
    const message = statementBytes(statement);
    const held = await verifyVoucher(allowedSigners, {
      ...{ principal: by, message, signature: signed, namespace: statementNamespace, at },
    });
    if (!held.ok) return held.error.code === 'not-vouched' ? refused('its signature does not hold') : held;
    const role = 'role' in statement ? (statement.role ?? null) : null;
    if (role === null) return ok(undefined);
    const holds = list.value.some(({ principal, roles }) => principal === by && roles.includes(role));
    return holds ? ok(undefined) : refused(`${allowedSigners} does not give ${by} the role ${role}`);
  };
}
