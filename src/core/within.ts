/** Whether an absolute path is a folder, or lies below it; both without `.` and `..`. Slashes that a path does not need count for nothing, as for tar and rsync. */
export function isWithin(path: string, folder: string): boolean {
  const [inner, outer] = [tidyPath(path), tidyPath(folder)];
  return outer === '/' || inner === outer || inner.startsWith(`${outer}/`);
}

/** `/srv//db/` as `/srv/db`. */
export const tidyPath = (path: string): string => path.replace(/\/+/g, '/').replace(/(?<=.)\/$/, '');
