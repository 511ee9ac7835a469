import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { jcs } from '../../../core/json.ts';
import type { Clock } from '../../../core/ports.ts';
import type { CopySeen, PlaceSeen } from '../../../core/probe.ts';
import { fail, ok, type Result, type Seen, seen, unseen } from '../../../core/result.ts';
import { type PartialCopy, parseDescription } from '../copy-folder.ts';
import type { HelperMachine } from '../deps.ts';
import { type HashTool, hashMissing, hashToolIn } from '../hash-tool.ts';
import type { Keeper } from '../keeper.ts';
import { bringManifest } from './bring-manifest.ts';
import { hashThere, unclear } from './hash-there.ts';
import { restoredTree } from './restored-tree.ts';
import { runThere } from './run-there.ts';
import { shelf } from './shelf.ts';
import { sendThere, sinkThere, writeThere } from './write-there.ts';

/** Copies that are kept on a helper, each step done there by small scripts that never leave its declared folder. */
export function helperKeeper(helper: HelperMachine, clock: Clock): Keeper {
  const { name } = helper;
  const about = (): Promise<Result<readonly string[]>> => shelf(helper, 'about', helper.folder);
  const hashTool = async (): Promise<Result<HashTool>> => {
    const said = await about();
    if (!said.ok) return said;
    const tool = hashToolIn(said.value);
    return tool === undefined ? fail(hashMissing(name)) : ok(tool);
  };
  const done = async (mode: string, path: string): Promise<Result<void>> => {
    const said = await shelf(helper, mode, path);
    return said.ok ? ok(undefined) : said;
  };

  return {
    on: name,
    name,
    async look(path): Promise<Seen<PlaceSeen>> {
      const said = await shelf(helper, 'look', path);
      if (!said.ok) return unseen(said.error);
      const value = (word: string): string | undefined =>
        said.value.find((line) => line.startsWith(`${word} `))?.slice(word.length + 1);
      const free = Number(value('free'));
      if (!Number.isSafeInteger(free)) return unseen(unclear(helper, path));
      return seen({
        exists: value('exists') === '1',
        empty: value('empty') === '1',
        writable: value('writable') === '1',
        free: free * 1024,
      });
    },
    async read(copy): Promise<Seen<CopySeen>> {
      const said = await shelf(helper, 'read', copy);
      if (!said.ok) return unseen(said.error);
      const [state, ...rest] = said.value;
      if (state === 'state missing') return seen({ state: 'missing', description: null });
      const description = state === 'state complete' ? parseDescription(rest.join('\n')) : undefined;
      return seen(
        description === undefined ? { state: 'partial', description: null } : { state: 'complete', description },
      );
    },
    async isRoot() {
      const said = await about();
      return said.ok ? ok(said.value.includes('uid 0')) : said;
    },
    run: (argv, options) => runThere(helper, argv, options),
    hash: (file, _each, signal) => hashThere(helper, file, signal),
    async openPartial(to, intent): Promise<Result<PartialCopy>> {
      const opened = await shelf(helper, 'open', to, { stdin: jcs(intent) });
      if (!opened.ok) return opened;
      const folder = `${to}.partial`;
      const work = mkdtempSync(join(tmpdir(), 'decom-helper-'));
      return ok({ folder, work, data: posix.join(folder, 'data.tar'), manifest: join(work, 'manifest.mtree') });
    },
    sink: (partial, signal) => sinkThere(helper, partial.data, signal),
    async seal({ folder, manifest }, to, description) {
      const sent = await sendThere(helper, manifest, posix.join(folder, 'manifest.mtree'), description.manifest.sha256);
      if (!sent.ok) return sent;
      const text = `${JSON.stringify(description, null, 2)}\n`;
      const described = await writeThere(helper, posix.join(folder, 'copy.json'), text);
      return described.ok ? done('seal', to) : described;
    },
    leave: (partial) => rmSync(partial.work, { recursive: true, force: true }),
    openScratch: (scratch) => done('scratch', scratch),
    removeScratch: (scratch) => done('unscratch', scratch),
    async manifest(copy, { bytes }, work) {
      const file = join(work, 'brought.mtree');
      const brought = await bringManifest(helper, posix.join(copy, 'manifest.mtree'), bytes, file);
      return brought.ok ? ok(file) : brought;
    },
    async tree(tree, work, signal, progress) {
      const tool = await hashTool();
      return tool.ok ? restoredTree(helper, tree, { clock, tool: tool.value, work, signal, progress }) : tool;
    },
  };
}
