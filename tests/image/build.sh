#!/bin/sh
# Build the Dockerfile for real, twice, compare the digests, and run the image the strictest way.
#
#   tests/image/build.sh BASE_IMAGE [CONTEXT [COMMAND...]]
#
# BASE_IMAGE  any image with python3 and pip, such as python:3.12-slim
# CONTEXT     directory with Dockerfile, LICENSE, dist/*.whl and .recordbake/bake (default: .)
# COMMAND     run inside; default: the bake is there, is read, and cannot be written
#
# Needs buildah, podman and runc; no daemon, and no privileges beyond what these need.
set -eu

base=${1:?usage: build.sh BASE_IMAGE [CONTEXT [COMMAND...]]}
context=${2:-.}
shift $(($# < 2 ? $# : 2))

manifest=$context/.recordbake/bake/manifest.json
digest=$(sha256sum "$manifest" | cut -d' ' -f1)
created=$(sed -n 's/^ "created_at": \([0-9]*\),$/\1/p' "$manifest")
created=$(date -u -d "@$created" +%Y-%m-%dT%H:%M:%SZ)

build() {
    # --timestamp gives every file and the image one time; --layers keeps the bake in layers of its
    # own; --no-cache makes the second build real.
    buildah bud --quiet --layers --no-cache --isolation chroot --timestamp 0 \
        --build-arg "BASE_IMAGE=$base" --build-arg "MANIFEST_DIGEST=sha256:$digest" \
        --build-arg "CREATED=$created" --tag "$1" "$context" >/dev/null
    buildah inspect --type image --format '{{.FromImageDigest}}' "$1"
}

first=$(build recordbake-trial:first)
sleep 1 # so that a time that slipped in shows
touch "$context"/dist/*.whl "$context"/.recordbake/bake/*
second=$(umask 077 && build recordbake-trial:second)
if [ "$first" != "$second" ]; then
    echo "two builds, two digests: $first $second" >&2
    exit 1
fi
echo "two builds, one digest: $first"

if [ $# -eq 0 ]; then
    set -- sh -eu -c '
        cat "$HTTP_CACHE_DIR/requests_cache.sqlite" >/dev/null
        test "$(id -u)" = 65534
        if touch "$HTTP_CACHE_DIR/x" 2>/dev/null; then echo "the bake can be written"; exit 1; fi
        recordbake --version'
fi
exec podman run --rm --runtime runc --network=none --read-only --read-only-tmpfs=false \
    --cap-drop=all --security-opt no-new-privileges --user 65534:65534 \
    --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 recordbake-trial:first "$@"
