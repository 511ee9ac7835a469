/** What a mounted file system is to somebody who asks what of a host has to be kept. */
export type FileSystemKind = 'data' | 'elsewhere' | 'no-data';

interface Kind {
  readonly types: RegExp;
  readonly kind: Exclude<FileSystemKind, 'data'>;
  readonly why: string;
}

/** Types of file systems that hold no data of this host, with the reason. Whatever is not in here holds data. */
export const kinds: readonly Kind[] = [
  {
    types:
      /^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|efivarfs|functionfs|fusectl|mqueue|none|nsfs|proc|pstore|resctrl|rpc_pipefs|securityfs|selinuxfs|smackfs|sysfs|tracefs|nfsd|usbfs|xenfs|fuse\.(lxcfs|gvfsd-fuse|portal))$/,
    kind: 'no-data',
    why: 'the kernel or a program makes up what is in it',
  },
  {
    types: /^(tmpfs|ramfs|devtmpfs|hugetlbfs|rootfs)$/,
    kind: 'no-data',
    why: 'it is in memory, and gone whenever the power is',
  },
  {
    types: /^(squashfs|erofs|cramfs|romfs|iso9660)$/,
    kind: 'no-data',
    why: 'an image that nothing on the host can have written to',
  },
  {
    types: /^(overlay|aufs|unionfs|fuse\.(fuse-overlayfs|unionfs|unionfs-fuse))$/,
    kind: 'no-data',
    why: 'its layers are folders of other file systems, which are counted themselves',
  },
  {
    types:
      /^(nfs4?|cifs|smb3|smbfs|ncpfs|ceph|glusterfs|lustre|gpfs|beegfs|afs|9p|virtiofs|davfs|pvfs2|fuse\.(ceph|ceph-fuse|sshfs|glusterfs|s3fs|rclone|davfs|davfs2|gcsfuse))$/,
    kind: 'elsewhere',
    why: 'its data is on another machine',
  },
  {
    types: /^(ocfs2|gfs2?|vmfs|fuse\.vmfs-fuse)$/,
    kind: 'elsewhere',
    why: 'other machines share it, and go on with it',
  },
];

/** What a type is, and why where it holds no data of this host. The root of a host always holds data, whatever it is made of. */
export function kindOf(type: string, target: string): { readonly kind: FileSystemKind; readonly why: string } {
  const found = kinds.find(({ types }) => types.test(type));
  return found === undefined || (target === '/' && found.types.test('overlay'))
    ? { kind: 'data', why: '' }
    : { kind: found.kind, why: found.why };
}

/** Signatures of block devices that hold other devices, and no file system themselves. */
export const holds =
  /^(LVM1_member|LVM2_member|linux_raid_member|.*_raid_member|ddf_raid_member|zfs_member|mpath_member|drbd|bcache|crypto_LUKS|BitLocker|VMFS_volume_member|DM_.*)$/;
