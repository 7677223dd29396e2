#!/usr/bin/env bash
# Runs a program from a folder as a container engine runs an image, in the network namespace of whoever calls:
#
#   container.sh ROOT STATE SECRETS NAME=VALUE... PROGRAM ARGUMENT...
#
# ROOT is its file system, read-only; STATE is mounted at /var/lib/driftless, SECRETS at /run/secrets. The program is PID 1 of
# mount, pid, uts and ipc namespaces of its own, user and group 65532 without capabilities, with the variables given and no others.
# Ends as the program does; a signal goes to the child of this process. Needs root.
set -euo pipefail
[ $# -ge 4 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 64; }
ROOT=$(readlink -f "$1") STATE=$(readlink -f "$2") SECRETS=$(readlink -f "$3")
shift 3
variables=()
while [[ "$1" == *=* ]]; do variables+=("$1"); shift; done

# The places for what an engine mounts, which it makes by itself.
mkdir -p "$ROOT/proc" "$ROOT/run/secrets" "$ROOT/etc"
[ -e "$ROOT/etc/resolv.conf" ] || echo "nameserver 127.0.0.1" >"$ROOT/etc/resolv.conf"
export ROOT STATE SECRETS
exec unshare --mount --pid --fork --kill-child --uts --ipc bash -c '
    set -e
    mount --make-rprivate /
    mount --bind "$ROOT" "$ROOT"
    mount -t proc proc "$ROOT/proc"
    mount --bind "$STATE" "$ROOT/var/lib/driftless"
    mount --bind "$SECRETS" "$ROOT/run/secrets"
    mount -o remount,bind,ro "$ROOT/run/secrets"
    mount -o remount,bind,ro "$ROOT"
    exec setpriv --no-new-privs env -i "${@:2:$1}" /usr/sbin/chroot --userspec=65532:65532 --groups= "$ROOT" "${@:$(($1 + 2))}"
' container "${#variables[@]}" ${variables[@]+"${variables[@]}"} "$@"
