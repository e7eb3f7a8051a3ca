#!/bin/sh
# Docker only: record and bake where there is a network, then build an image that holds the bake and run the suite in it
# with none. BASE_ARCHIVE is an image with Python and what the suite needs, as `docker save` or `skopeo copy` writes it;
# SUITE the directory with its tests.
set -eu

BASE_ARCHIVE=${BASE_ARCHIVE:?an image with Python and what the suite needs, as an archive}
SUITE=${SUITE:-$PWD}

recordbake record -- pytest -q
recordbake bake
recordbake bake --oci suite-offline.tar --base "$BASE_ARCHIVE"
image=$(docker load --input suite-offline.tar | sed -n 's/^Loaded image.*: *//p') # it has no other name

# A journal needs a place to be written; nothing else does.
docker run --rm --network none --read-only --tmpfs /tmp --volume "$SUITE:/suite:ro" --workdir /suite \
    "$image" recordbake replay --runs-dir /tmp/runs -- pytest -q -p no:cacheprovider
