/**
 * What is on the disks of the data machine, as a shell script that is run once, in the guest, because only there a device mapper is. The databases are
 * copied to where they shall be, which is quicker there than to make them anew.
 */
export const dataWorldScript = `set -eu
by=/dev/disk/by-id
lvm=$by/virtio-LVM0001 old=$by/virtio-OLD0001
a=$by/virtio-RAID0001 b=$by/ata-QEMU_HARDDISK_RAID0002 nvme=$by/nvme-QEMU_NVMe_Ctrl_NVME0001

pvcreate -q $lvm
vgcreate -q vg0 $lvm
lvcreate -q -y -L 240M -n db vg0
lvcreate -q -y -L 340M -n web-pages vg0
mkfs.ext4 -q -L db /dev/vg0/db
mkfs.xfs -q -L pages /dev/vg0/web-pages

mdadm --create /dev/md0 --run --level=1 --raid-devices=2 --assume-clean --metadata=1.2 --homehost=any --name=0 $a $b
mkfs.ext4 -q -L archive /dev/md0

echo ',,L' | sfdisk -q --label gpt $nvme
printf ',40M,S\\n,,L\\n' | sfdisk -q --label gpt $old
udevadm settle
mkfs.ext4 -q -L fast $nvme-part1
mkswap -q -L swap0 $old-part1
mkfs.ext4 -q -L old $old-part2
udevadm settle

cat >> /etc/fstab <<'END'
LABEL=db /srv/db ext4 defaults 0 2
LABEL=pages /srv/web-pages xfs defaults 0 0
LABEL=archive /srv/archive ext4 defaults 0 2
LABEL=fast /srv/fast ext4 noauto 0 0
LABEL=swap0 none swap sw 0 0
END
mkdir -p /srv/db /srv/web-pages /srv/archive /srv/fast /srv/old
systemctl daemon-reload
swapon -a
for one in db web-pages archive fast; do mountpoint -q /srv/$one || mount /srv/$one; done
mount LABEL=old /srv/old

put() { mkdir -p "$1"; for n in $(seq 1 20); do seq $n 4000 > "$1/$n.txt"; done; }
put /srv/old/forgotten
put /srv/archive/2019
put /srv/fast/index
put /srv/web-pages/htdocs
umount /srv/old
rmdir /srv/old

cp -a --sparse=always /var/lib/postgresql/15/main /srv/db/postgresql
cp -a --sparse=always /var/lib/mysql /srv/web-pages/mysql
systemctl enable postgresql.service mariadb.service
systemctl start postgresql.service mariadb.service
cd /
runuser -u postgres -- psql -qX -v ON_ERROR_STOP=1 <<'END'
create database shop;
\\c shop
create table customers as select n as id, 'customer ' || n as name from generate_series(1, 2000) n;
create table orders as select n as id, 1 + n % 2000 as customer, n * 3 as cents from generate_series(1, 6000) n;
create table items as select n as id, 1 + n % 6000 as ordered, 'thing ' || n % 97 as what from generate_series(1, 9000) n;
alter table customers add primary key (id);
END
mariadb <<'END'
create database wiki;
use wiki;
create table pages (id int primary key, title varchar(80), body text);
create table people (id int primary key, name varchar(80));
create table edits (id int primary key, page int, person int);
insert into pages select seq, concat('page ', seq), repeat('words ', 20) from seq_1_to_2000;
insert into people select seq, concat('person ', seq) from seq_1_to_3000;
insert into edits select seq, 1 + seq % 2000, 1 + seq % 3000 from seq_1_to_5000;
END
mkdir -p /var/log/sysstat
/usr/lib/sysstat/sa1 1 3
systemctl restart nfs-server.service
sync
`;
