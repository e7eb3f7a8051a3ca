#!/bin/sh
# The recipe docs/how-to/ci/docker.sh as it stands, with podman in docker's place: one does as the other.
#
#   tests/image/recipe.sh BASE_IMAGE SUITE WORKDIR
#
# SUITE is a directory with the examples. Needs recordbake, podman and runc.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
base=${1:?usage: recipe.sh BASE_IMAGE SUITE WORKDIR} suite=${2:?SUITE} work=${3:?WORKDIR}

mkdir -p "$work/bin"
rm -f "$work/base.tar"
podman save --quiet --format oci-archive --output "$work/base.tar" "$base"
cat >"$work/bin/docker" <<'DOCKER'
#!/bin/sh
[ "$1" = run ] || exec podman "$@"
shift
exec podman run --runtime runc --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 "$@"
DOCKER
chmod +x "$work/bin/docker"
cd "$suite"
PATH="$work/bin:$PATH" BASE_ARCHIVE="$work/base.tar" \
    python examples/with_server.py -- sh "$here/../../docs/how-to/ci/docker.sh"
