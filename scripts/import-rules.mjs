// The import rules as a question: what in this tree breaks them, and why that matters.
import { createRequire } from 'node:module';
import { cruise } from 'dependency-cruiser';
import extractConfig from 'dependency-cruiser/config-utl/extract-depcruise-config';
import extractTsConfig from 'dependency-cruiser/config-utl/extract-ts-config';

const here = createRequire(import.meta.url).resolve('../.dependency-cruiser.cjs');

/** The rules and their reasons. */
export async function importRules() {
  const { forbidden } = await extractConfig(here);
  return forbidden.map(({ name, comment }) => ({ name, comment }));
}

/** The broken rules of a tree: which, where, and the modules that were looked at. */
export async function brokenImports(root, folders) {
  const config = await extractConfig(here);
  const tsConfig = extractTsConfig(createRequire(import.meta.url).resolve('../tsconfig.json'));
  const { output } = await cruise(
    folders,
    { ...config.options, ruleSet: config, validate: true, baseDir: root, tsConfig: undefined },
    undefined,
    { tsConfig },
  );
  const { violations, totalCruised } = output.summary;
  const reasons = new Map(config.forbidden.map((rule) => [rule.name, rule.comment]));
  return {
    modules: totalCruised,
    broken: violations.map(({ rule, from, to }) => ({
      rule: rule.name,
      from,
      to,
      reason: reasons.get(rule.name) ?? '',
    })),
  };
}

/** The complaint as text; empty where every rule holds. */
export async function importComplaints(root, folders) {
  const { modules, broken } = await brokenImports(root, folders);
  if (modules === 0) return 'no module was looked at, so nothing was checked';
  return broken.map(({ rule, from, to, reason }) => `${from} imports ${to}\n  ${rule}: ${reason}`).join('\n');
}
