import { closeSync, fdatasyncSync, fsyncSync, mkdirSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Access, ownerOnly, shareFile, shareFolder } from './access.ts';

/** Writes all of `bytes`. A full disk shows as a short write without an error on Linux (measured), so the count is checked. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  const written = writeSync(fd, bytes);
  if (written !== bytes.length)
    throw new Error(`only ${written} of ${bytes.length} bytes could be written: the disk is full`);
}

/** Makes a rename or a new name in `folder` safe against a power cut. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Makes a folder, and whatever above it is missing, safe against a power cut: a folder is there after it only if every one above was
 * synced. What lies between it and `base`, which is above it, is synced even if it was there: who made it may have been killed before.
 */
export function makeFolder(path: string, base: string, access: Access = ownerOnly): void {
  const made = mkdirSync(path, { recursive: true, mode: access.folder });
  for (let folder = path; made !== undefined && folder.length >= made.length; folder = dirname(folder))
    shareFolder(folder, access);
  const top = made !== undefined && base.startsWith(made) ? dirname(made) : base;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    syncFolder(folder);
    if (folder === top || folder === dirname(folder)) return;
  }
}

/** Replaces a file as a whole: readers see the old bytes or the new ones, also after a power cut. */
export function replaceFile(path: string, bytes: Uint8Array, access: Access = ownerOnly): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    const fd = openSync(temporary, 'wx', access.file);
    try {
      shareFile(fd, access);
      writeAll(fd, bytes);
      fdatasyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    try {
      unlinkSync(temporary);
    } catch {
      // It was never made, or is renamed already.
    }
    throw error;
  }
  syncFolder(dirname(path));
}
