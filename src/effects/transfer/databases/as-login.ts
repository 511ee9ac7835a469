const script = `cd / || exit 1
LC_ALL=C; export LC_ALL
u=$1; shift
[ "$(id -un)" = "$u" ] && exec "$@"
[ "$(id -u)" = 0 ] && command -v runuser >/dev/null 2>&1 && exec runuser -u "$u" -- "$@"
exec sudo -n -u "$u" -- "$@"`;

/** A program as the login of the host that the server trusts, in a folder that any login may be in. */
export const asLogin = (user: string, argv: readonly string[]): readonly string[] => [
  'sh',
  '-c',
  script,
  'sh',
  user,
  ...argv,
];
