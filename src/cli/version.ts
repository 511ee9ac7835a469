declare const DECOM_VERSION: string | undefined;

/** The program's version, as the build wrote it in; `development` when it runs unbuilt. */
export const version: string = typeof DECOM_VERSION === 'string' ? DECOM_VERSION : 'development';
