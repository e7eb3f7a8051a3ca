#!/bin/sh
# Append a bake to an image without an engine, twice, compare, load it, and run it the strictest way.
#
#   tests/image/oci.sh BASE_IMAGE RECORDING WORKDIR [COMMAND...]
#
# BASE_IMAGE  any image with python3
# RECORDING   a recording; it is baked to WORKDIR
# COMMAND     run inside; default: recordbake --version, and the bake is there and cannot be written
#
# RUN_OPTIONS are given to podman run. Needs recordbake, podman, skopeo and runc; no daemon. The
# image stays as WORKDIR/first.tar.
set -eu
. "$(dirname "$0")/lib.sh"

base=${1:?usage: oci.sh BASE_IMAGE RECORDING WORKDIR [COMMAND...]}
recording=${2:?RECORDING} work=${3:?WORKDIR}
shift 3
[ $# -gt 0 ] || set -- sh -eu -c "$looks_well"

mkdir -p "$work"
rm -f "$work/base.tar"
podman save --quiet --format oci-archive --output "$work/base.tar" "$base"
for name in first second; do
    recordbake bake --recording "$recording" --out "$work/bake" \
        --oci "$work/$name.tar" --base "$work/base.tar" >/dev/null
done
same images "$(sha256sum <"$work/first.tar")" "$(sha256sum <"$work/second.tar")"
skopeo inspect "oci-archive:$work/first.tar" >/dev/null
skopeo inspect "docker-archive:$work/first.tar" >/dev/null
image=$(podman load --quiet --input "$work/first.tar" | sed -n 's/^Loaded image: *//p')
strictly podman ${RUN_OPTIONS:-} "$image" "$@"
