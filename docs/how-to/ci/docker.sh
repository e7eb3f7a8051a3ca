#!/bin/sh
# Docker only: record and bake where there is a network, then build an image that holds the bake and run the suite in it
# with none. BASE is an image with the suite's dependencies; SUITE the directory with its tests.
set -eu

BASE=${BASE:?an image with Python and what the suite needs}
SUITE=${SUITE:-$PWD}

recordbake record -- pytest -q
recordbake bake
recordbake bake --oci suite-offline.tar --base "${BASE_ARCHIVE:?the base as an OCI archive}"
docker load --input suite-offline.tar

# A journal needs a place to be written; nothing else does.
docker run --rm --network none --read-only --tmpfs /tmp --volume "$SUITE:/suite:ro" --workdir /suite \
    suite-offline recordbake replay --runs-dir /tmp/runs -- pytest -q -p no:cacheprovider
