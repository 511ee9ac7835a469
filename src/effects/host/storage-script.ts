import { surveyFrame } from './survey-frame.ts';

/**
 * Asks a host which file systems it has, mounted or not, and how much is in them: framed and limited as the survey is, and as little as a gate needs, because it
 * is asked right before the power goes. Sizes come from local file systems alone: a server that is gone would hold df for ever.
 */
export const storageScript = surveyFrame(
  [
    { name: 'mounts', cap: 256 << 10, files: ['/proc/self/mountinfo', '/proc/self/mounts', '/proc/mounts'] },
    { name: 'df', by: 'df', cap: 128 << 10, asks: 'df -kPl 2>/dev/null || df -kP' },
    {
      ...{ name: 'lsblk', by: 'lsblk', cap: 256 << 10 },
      asks: 'lsblk -P -b -o NAME,KNAME,PKNAME,TYPE,SIZE,FSTYPE,UUID,MOUNTPOINT,SERIAL 2>/dev/null || lsblk -P -b -o NAME,KNAME,PKNAME,TYPE,SIZE,FSTYPE,UUID,MOUNTPOINT',
    },
    { name: 'partitions', where: '! has lsblk', cap: 64 << 10, files: ['/proc/partitions'] },
    { name: 'swaps', where: '! has lsblk', cap: 64 << 10, files: ['/proc/swaps'] },
    {
      ...{ name: 'blkid', where: '! has lsblk', by: 'blkid', cap: 64 << 10 },
      asks: 'blkid; c=$?; [ $c = 2 ] && return 0; return $c',
    },
    {
      ...{ name: 'zfs', by: 'zfs', cap: 256 << 10 },
      asks: 'zfs list -Hp -t filesystem -o name,usedbydataset,mounted',
    },
  ],
  'storage',
);
