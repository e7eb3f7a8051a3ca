#!/bin/sh
# Append a bake to an image without an engine, twice, compare, load it, and run it the strictest way.
#
#   tests/image/oci.sh BASE_IMAGE RECORDING WORKDIR [COMMAND...]
#
# BASE_IMAGE  any image with python3
# RECORDING   a recording; it is baked to WORKDIR
# COMMAND     run inside; default: recordbake --version, and the bake is there and cannot be written
#
# Needs recordbake, podman, skopeo and runc; no daemon.
set -eu

base=${1:?usage: oci.sh BASE_IMAGE RECORDING WORKDIR [COMMAND...]}
recording=${2:?RECORDING} work=${3:?WORKDIR}
shift 3

mkdir -p "$work"
rm -f "$work/base.tar"
podman save --quiet --format oci-archive --output "$work/base.tar" "$base"
for name in first second; do
    recordbake bake --recording "$recording" --out "$work/bake" \
        --oci "$work/$name.tar" --base "$work/base.tar" >/dev/null
done
cmp "$work/first.tar" "$work/second.tar"
echo "two images, the same bytes: $(sha256sum "$work/first.tar" | cut -d' ' -f1)"
skopeo inspect "oci-archive:$work/first.tar" >/dev/null
skopeo inspect "docker-archive:$work/first.tar" >/dev/null
image=$(podman load --quiet --input "$work/first.tar" | sed -n 's/^Loaded image: *//p')
if [ $# -eq 0 ]; then
    set -- sh -eu -c '
        cat "$HTTP_CACHE_DIR/requests_cache.sqlite" >/dev/null
        test "$(id -u)" = 65534
        if touch "$HTTP_CACHE_DIR/x" 2>/dev/null; then echo "the bake can be written"; exit 1; fi
        recordbake --version'
fi
exec podman run --rm --runtime runc --network=none --read-only --read-only-tmpfs=false \
    --cap-drop=all --security-opt no-new-privileges --user 65534:65534 \
    --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 "$image" "$@"
