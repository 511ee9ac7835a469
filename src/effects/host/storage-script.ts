import { surveyFrame } from './survey-script.ts';

/**
 * Asks a host which file systems it has, mounted or not, and how much is in them: framed and limited as the survey is, and as little as a gate needs, because it
 * is asked right before the power goes. Sizes come from local file systems alone: a server that is gone would hold df for ever.
 */
export const storageScript = `
[ -z "$DECOM_SURVEY" ] || exec "$DECOM_SURVEY" storage
${surveyFrame}files mounts 262144 /proc/self/mountinfo /proc/self/mounts /proc/mounts
ask df df 5 131072 'df -kPl 2>/dev/null || df -kP'
ask lsblk lsblk 10 262144 'lsblk -P -b -o NAME,KNAME,PKNAME,TYPE,SIZE,FSTYPE,UUID,MOUNTPOINT,SERIAL 2>/dev/null || lsblk -P -b -o NAME,KNAME,PKNAME,TYPE,SIZE,FSTYPE,UUID,MOUNTPOINT'
if ! has lsblk; then
  files partitions 65536 /proc/partitions
  files swaps 65536 /proc/swaps
  ask blkid blkid 10 65536 'blkid; c=$?; [ $c = 2 ] && exit 0; exit $c'
fi
ask zfs zfs 10 262144 'zfs list -Hp -t filesystem -o name,usedbydataset,mounted'
echo 'decom survey end'
`;
