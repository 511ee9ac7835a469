import { hashToolScript } from '../hash-tool.ts';
import { enterFolder } from './enter-folder.ts';

/**
 * Everything that is ever changed on a helper by a short command. POSIX sh: dash and BusyBox run it.
 *
 *     sh -c SCRIPT sh FOLDER MODE [ARGUMENT…]
 *
 * It goes into the declared folder first, and from there down part by part: no `.`, no `..`, and no symbolic link, so that nothing outside
 * the folder is touched whatever stands in it. What it makes is closed to others.
 *
 *     look PATH                 exists, empty, writable, free (KiB) of it or of the nearest folder above it that exists
 *     about                     uid, the SHA-256 program, and which of the programs are there that fetch from the host
 *     read PATH NAME            state, and the description of a copy
 *     open PATH NAME            makes NAME.partial, without what an attempt before left in it; the intent is on stdin
 *     put PATH NAME SHA         writes stdin to a file, which has to have that SHA-256
 *     key PATH                  makes a key pair in it and says the public half
 *     drop PATH NAME            removes what an `open`, `key` or `put` made
 *     seal PATH NAME            NAME.partial becomes NAME, with everything on the disk
 *     scratch PATH NAME         an empty folder, marked as decom's
 *     unscratch PATH NAME       removes it, and the folder scratch that it was in, where that is empty then
 *     hash PATH NAME            SHA-256 and length of a file
 *     whole PATH NAME           says `whole` of a tar archive that ends as one does, `talks` of what does not begin as one
 *     take PATH NAME            writes stdin to a file
 *     give PATH NAME BYTES      a file's content, if it is no longer than that
 *
 * Says `done` last, or `refused WHY`.
 */
export const shelfScript = `
${enterFolder}
mode=$1
shift
${hashToolScript}
hash_of() { tool=$(hash_tool) || refuse no-hash; set -- $(sha256 "$tool" <"./$1"); sum=$1; }
clear() {
  rm -rf "./$1" 2>/dev/null || {
    find "./$1" -type d ! -perm -700 -exec chmod u+rwx '{}' ';'
    rm -rf "./$1" || refuse failed
  }
}
on_disk() { sync -f "./$1" 2>/dev/null || sync; }
inode() { set -- $(ls -di "./$1"); say "decom scratch $1"; }

case $mode in
  about)
    say uid "$(id -u)"
    tool=$(hash_tool) && say hash "$tool"
    for p in ssh ssh-keygen ssh-keyscan; do command -v "$p" >/dev/null 2>&1 && say has "$p"; done
    ;;
  look)
    exists=1
    enter "$1" || exists=0
    say exists "$exists"
    if [ -w . ] && [ -x . ]; then say writable 1; else say writable 0; fi
    if [ "$exists" = 0 ] || [ -z "$(ls -A . 2>/dev/null | head -n 1)" ]; then say empty 1; else say empty 0; fi
    set -- $(df -Pk . | tail -n 1)
    say free "$4"
    ;;
  read)
    if ! enter "$1"; then say state missing
    else
      name "$2"
      if [ -f "./$2/copy.json" ] && [ ! -L "./$2/copy.json" ]; then say state complete; cat "./$2/copy.json" || refuse failed; echo
      elif [ -e "./$2" ] || [ -e "./$2.partial" ]; then say state partial
      else say state missing; fi
    fi
    ;;
  open)
    intent=$(cat)
    enter "$1" make
    name "$2"
    [ ! -e "./$2" ] || refuse exists
    name "$2.partial"
    [ -d "./$2.partial" ] || mkdir "./$2.partial" || refuse failed
    cd -P "./$2.partial" || refuse failed
    before=
    [ ! -f ./partial.json ] || before=$(cat ./partial.json)
    set +f
    for one in * .[!.]* ..?*; do
      [ -e "./$one" ] || [ -L "./$one" ] || continue
      [ -n "$before" ] || refuse not-ours
      case $one in
        partial.json) ;;
        way | data.tar | manifest.mtree | copy.json) clear "$one" ;;
        *) refuse not-ours ;;
      esac
    done
    set -f
    rm -f ./partial.json
    say "$intent" >./partial.json || refuse failed
    ;;
  put)
    enter "$1" || refuse gone
    fresh "$2"
    cat >"./$2" || refuse failed
    set +C
    hash_of "$2"
    [ "$sum" = "$3" ] || refuse cut
    on_disk "$2"
    ;;
  key)
    enter "$1" || refuse gone
    name way
    clear way
    mkdir ./way || refuse failed
    ssh-keygen -q -t "$2" -b "$3" -N '' -C decom -f ./way/key </dev/null >&2 || refuse failed
    cat ./way/key.pub
    ;;
  drop)
    if enter "$1"; then
      name "$2"
      clear "$2"
    fi
    ;;
  seal)
    enter "$1" || refuse gone
    name "$2.partial"
    name "$2"
    [ ! -e "./$2" ] || refuse exists
    cd -P "./$2.partial" || refuse gone
    [ ! -e ./way ] || clear way
    on_disk .
    cd -P .. || refuse failed
    mv "./$2.partial" "./$2" || refuse failed
    rm -f "./$2/partial.json"
    on_disk .
    ;;
  scratch)
    enter "$1" make
    name "$2"
    name "$2.decom-scratch"
    if [ -e "./$2" ]; then
      if [ -n "$(ls -A "./$2" | head -n 1)" ]; then
        [ -f "./$2.decom-scratch" ] && [ "$(cat "./$2.decom-scratch")" = "$(inode "$2")" ] || refuse not-ours
        clear "$2"
      fi
    fi
    [ -d "./$2" ] || mkdir "./$2" || refuse failed
    rm -f "./$2.decom-scratch"
    inode "$2" >"./$2.decom-scratch" || refuse failed
    ;;
  unscratch)
    if enter "$1"; then
      name "$2"
      name "$2.decom-scratch"
      if [ -e "./$2" ]; then
        [ -f "./$2.decom-scratch" ] && [ "$(cat "./$2.decom-scratch")" = "$(inode "$2")" ] || refuse not-ours
        clear "$2"
      fi
      rm -f "./$2.decom-scratch"
      # The folder that all of them lie in was made for them; another's still holds it, and nothing but an empty one goes.
      if [ "$1" = scratch ]; then
        cd -P .. || refuse failed
        rmdir ./scratch 2>/dev/null
      fi
    fi
    ;;
  hash)
    enter "$1" || refuse gone
    name "$2"
    [ -f "./$2" ] || refuse gone
    hash_of "$2"
    say hash "$sum"
    say bytes $(wc -c <"./$2")
    ;;
  take)
    enter "$1" || refuse gone
    fresh "$2"
    cat >"./$2" || refuse failed
    on_disk "$2"
    ;;
  give)
    enter "$1" || refuse gone
    name "$2"
    [ -f "./$2" ] || refuse gone
    [ "$(wc -c <"./$2")" -le "$3" ] || refuse too-long
    exec cat "./$2"
    ;;
  whole)
    enter "$1" || refuse gone
    name "$2"
    [ "$(dd if="./$2" bs=1 skip=257 count=5 2>/dev/null)" = ustar ] || { say talks; say done; exit 0; }
    [ "$(wc -c <"./$2")" -ge 1024 ] && [ -z "$(tail -c 1024 "./$2" | tr -d '\\000')" ] && say whole
    ;;
  *) refuse unknown ;;
esac
say done
`;
