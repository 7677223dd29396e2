#!/bin/sh
# What the image holds, without a container engine.
#
#   packaging/oci/rootfs.sh stage BINARY DIR   what the Dockerfile's first stage leaves in /out
#   packaging/oci/rootfs.sh image BINARY DIR   the image's root: what the COPY lines of the last stage make of that; needs root
set -eu
umask 022

die() { echo "rootfs.sh: $*" >&2; exit 1; }

[ $# = 3 ] || { sed -n '4,5s/^# \{0,1\}//p' "$0" >&2; exit 64; }
what=$1 binary=$2 to=$3
[ -f "$binary" ] || die "there is no $binary"
[ ! -e "$to" ] || die "$to is there already"

# stage DIR : the program, and the folder of the state, which its user alone may enter.
stage() {
    mkdir -p "$1/lib/driftless"
    chmod 700 "$1/lib/driftless"
    cp "$binary" "$1/driftless"
}

# copied FROM TO OWNER MODE : what COPY does with a file, or with what is in a folder.
copied() {
    case $1 in
        */) mkdir -p "$2" && cp -R -p "$1." "$2" && chown -R "$3" "$2" ;;
        *) mkdir -p "$(dirname "$2")" && cp "$1" "$2" && chown "$3" "$2" ;;
    esac
    if [ -n "$4" ]; then chmod "$4" "$2"; fi
}

case $what in
    stage) stage "$to" ;;
    image)
        out=$(mktemp -d)
        trap 'rm -rf "$out"' EXIT
        stage "$out/out"
        mkdir -p "$to"
        sed -n '/^FROM scratch$/,$s/^COPY //p' "$(dirname "$0")/Dockerfile" | while read -r line; do
            owner=0:0 mode='' from='' at=''
            for word in $line; do
                case $word in
                    --from=build) ;;
                    --chown=*) owner=${word#--chown=} ;;
                    --chmod=*) mode=${word#--chmod=} ;;
                    --*) die "the Dockerfile says $word, which is not known here" ;;
                    *) if [ -z "$from" ]; then from=$word; else at=$word; fi ;;
                esac
            done
            copied "$out$from" "$to$at" "$owner" "$mode"
        done ;;
    *) die "stage or image, not $what" ;;
esac
