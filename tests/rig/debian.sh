#!/usr/bin/env bash
# A minimal Debian 12 in a folder, with the systemd that systemd.sh boots: a clean root to install packages into.
#
#   debian.sh start   make it, once (a minute); it is kept: throw the folder away to have it made anew
#   debian.sh root    print its path, for systemd.sh's RIG_ROOT
#   debian.sh stop | status | check
#
# DEBIAN_ROOT names the folder; by default it is in RIG_DIR. Needs root, and Debian's archive within reach.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

ROOT="${DEBIAN_ROOT:-$RIG_DIR/debian-root}"
# procps: kill(1), which units call. libnss-systemd: names for the users that DynamicUser= makes up.
PACKAGES=systemd,systemd-sysv,dbus,iproute2,procps,libnss-systemd

start() {
    [ "$(id -u)" = 0 ] || die "needs root"
    [ -x "$ROOT/lib/systemd/systemd" ] && { say "is there: $ROOT"; return; }
    mkdir -p "$RIG_DIR" "$(dirname "$ROOT")"
    apt_need debootstrap debootstrap
    rm -rf "$ROOT.new"
    debootstrap --variant=minbase --include="$PACKAGES" bookworm "$ROOT.new" >"$RIG_DIR/debootstrap.log" 2>&1 ||
        { tail -20 "$RIG_DIR/debootstrap.log" >&2; die "debootstrap failed"; }
    rm -rf "$ROOT.new"/var/cache/apt/archives/*.deb "$ROOT.new"/var/lib/apt/lists/*
    mv "$ROOT.new" "$ROOT"
    say "made: $ROOT"
}

check() { chroot "$ROOT" dpkg --audit && [ -z "$(chroot "$ROOT" dpkg -l driftless 2>/dev/null)" ] && say "check passed"; }

case "${1:-}" in
    start)  start ;;
    stop)   ;;
    status) [ -x "$ROOT/lib/systemd/systemd" ] && echo made || { echo missing; exit 3; } ;;
    root)   echo "$ROOT" ;;
    check)  check ;;
    *)      sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
esac
