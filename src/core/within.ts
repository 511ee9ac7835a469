/** Whether an absolute path is a folder, or lies below it; both without `.`, `..` and `//`. */
export const isWithin = (path: string, folder: string): boolean =>
  folder === '/' || path === folder || path.startsWith(`${folder}/`);
