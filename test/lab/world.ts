/** A service that never stops writing: every 200 ms a line to /srv/app/app.log. */
const appUnit = `[Unit]
Description=Writes without end

[Service]
ExecStart=/usr/bin/perl -e 'open(F, ">>", "/srv/app/app.log") or die; while (1) { syswrite(F, time . " still writing\\\\n"); select(undef, undef, undef, 0.2) }'

[Install]
WantedBy=multi-user.target
`;

/**
 * The data and services of the practice machine, as a shell script that may run again: nginx serving a page, a service that
 * writes without end, and below /srv/data every kind of file that a backup may stumble over; 10,000 small ones below /srv/many.
 */
export const worldScript = `set -eu
install -d /srv/www /srv/app /srv/data /srv/many
echo '<h1>practice</h1>' > /srv/www/index.html
cat > /etc/nginx/sites-available/default <<'END'
server { listen 80 default_server; root /srv/www; }
END
cat > /etc/systemd/system/app.service <<'END'
${appUnit}END
perl - <<'END'
use strict; use warnings;
sub put { my ($name, $data) = @_; open(my $f, '>', "/srv/data/$name") or die "$name: $!"; print $f $data; close $f or die }
mkdir "/srv/data/$_" for ('empty folder', 'deep', 'deep/er', '-rf', "line\\nbreak", 'private');
put('name with spaces', "spaces\\n");
put("name\\nwith newline", "newline\\n");
put("line\\nbreak/in folder", "x\\n");
put("tab\\tand \\\\ backslash", "tab\\n");
put("na\\xc3\\xafve \\xe2\\x82\\xac \\xd0\\x9f\\xd1\\x80\\xd0\\xb8\\xd0\\xb2\\xd0\\xb5\\xd1\\x82", "unicode\\n");
put("not-\\xff\\xfe-utf8", "bytes\\n");
put('-leading-dash', "dash\\n");
put('-rf/--help', "dash\\n");
put('#hash*glob?[a]', "glob\\n");
put(' leading and trailing ', "blank\\n");
put("quote'\\"\\$(touch x)\`", "quote\\n");
put('a' x 255, "long\\n");
put('empty', '');
put('hard-1', "linked\\n");
link('/srv/data/hard-1', "/srv/data/$_") for ('hard-2', 'deep/hard-3');
symlink('hard-1', '/srv/data/link');
symlink('/nowhere/at all', '/srv/data/dangling');
symlink("../data/name\\nwith newline", "/srv/data/link\\nto newline");
symlink('.', '/srv/data/deep/loop');
put('private/secret', "secret\\n");
put('no-rights', "nobody may read\\n");
put('setuid', "#!/bin/sh\\n");
put('old', "old\\n");
put('deep/er/random', join('', map { chr(($_ * 7919 + ($_ >> 8)) & 255) } 1 .. 300_000));
open(my $sparse, '>', '/srv/data/sparse') or die; truncate($sparse, 4 << 20); seek($sparse, 1 << 20, 0); print $sparse 'in the middle'; close $sparse;
for my $d (0 .. 99) {
  my $dir = sprintf('/srv/many/%02d', $d); mkdir $dir;
  for my $n (0 .. 99) { open(my $f, '>', sprintf('%s/%02d.txt', $dir, $n)) or die; print $f "file $d $n\\n" x ($n % 5 + 1); close $f }
}
chmod 04755, '/srv/data/setuid';
chmod 0, '/srv/data/no-rights';
chmod 0700, '/srv/data/private';
chmod 0600, '/srv/data/private/secret';
chmod 01777, '/srv/data/deep';
my ($uid, $gid) = (getpwnam('www-data'))[2, 3];
chown $uid, $gid, '/srv/data/private', '/srv/data/private/secret';
chown 4242, 4343, '/srv/data/old';
utime 86400, 86400, '/srv/data/old';
END
setfacl -m u:www-data:rw,g:4343:r /srv/data/hard-1
setfacl -d -m u:www-data:rwx /srv/data/deep
setfattr -n user.origin -v 'practice' /srv/data/hard-1
setfattr -n user.origin -v 'folder' '/srv/data/empty folder'
systemctl daemon-reload
systemctl enable app.service nginx.service
systemctl restart app.service nginx.service
sync
`;
