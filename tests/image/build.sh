#!/bin/sh
# Build the Dockerfile for real, twice, compare the digests, and run the image the strictest way.
#
#   tests/image/build.sh BASE_IMAGE [CONTEXT [COMMAND...]]
#
# BASE_IMAGE  any image with python3 and pip, such as python:3.12-slim
# CONTEXT     directory with Dockerfile, LICENSE, dist/*.whl and .recordbake/bake (default: .)
# COMMAND     run inside; default: the bake is there, is read, and cannot be written
#
# RUN_OPTIONS are given to podman run. Needs buildah, podman and runc; no daemon, and no privileges
# beyond what these need. The image stays as recordbake-trial:buildah.
set -eu
. "$(dirname "$0")/lib.sh"

base=${1:?usage: build.sh BASE_IMAGE [CONTEXT [COMMAND...]]}
context=${2:-.}
shift $(($# < 2 ? $# : 2))
[ $# -gt 0 ] || set -- sh -eu -c "$looks_well"

build() {
    # --timestamp gives every file and the image one time, that of the bake; --layers keeps the bake
    # in layers of its own; --no-cache makes the second build real.
    arguments "$context" "$base" | tr '\n' '\0' | xargs -0 sh -c '
        tag=$1 context=$2 time=$3
        shift 3
        buildah bud --quiet --layers --no-cache --isolation chroot --timestamp "$time" "$@" \
            --tag "$tag" "$context" >/dev/null
    ' sh "$1" "$context" "$(number "$context/.recordbake/bake/manifest.json" created_at)"
    buildah inspect --type image --format '{{.FromImageDigest}}' "$1"
}

first=$(build recordbake-trial:buildah)
sleep 1 # so that a time that slipped in shows
touch "$context"/dist/*.whl "$context"/.recordbake/bake/*
second=$(umask 077 && build recordbake-trial:second)
same builds "$first" "$second"
strictly podman ${RUN_OPTIONS:-} recordbake-trial:buildah "$@"
