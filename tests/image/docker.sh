#!/bin/sh
# Docker's engine, where it starts: load an image that was written without it, build the Dockerfile
# with each of its builders, and run the images the strictest way.
#
#   tests/image/docker.sh BASE.tar IMAGE.tar CONTEXT WORKDIR COMMAND...
#
# BASE.tar   from docker save, with the name trial-base:latest
# IMAGE.tar  from recordbake bake --oci
# CONTEXT    as for build.sh
#
# A daemon of its own is started in WORKDIR and ended again. RUN_OPTIONS are given to docker run.
# Needs docker.io, as root, and no network. Where BuildKit can set times (rewrite-timestamp: 0.13,
# which is in Docker 26, with buildx) it builds twice, the digests are compared, and the image stays
# as WORKDIR/buildkit.tar. The builders before it cannot, and their images are run only.
set -eu
. "$(dirname "$0")/lib.sh"

base=${1:?usage: docker.sh BASE.tar IMAGE.tar CONTEXT WORKDIR COMMAND...}
tar=${2:?IMAGE.tar} context=${3:?CONTEXT} work=${4:?WORKDIR}
shift 4

mkdir -p "$work"
rm -f "$work/pid" "$work/buildkit.tar"
export PATH="/usr/bin:$PATH" # Debian's client has BuildKit's in it, others need a plugin
export DOCKER_HOST="unix://$work/docker.sock"
# containerd's store is the one from which BuildKit writes OCI archives; releases without it read on.
echo '{"features": {"containerd-snapshotter": true}}' >"$work/daemon.json"
dockerd --config-file "$work/daemon.json" --data-root "$work/data" --exec-root "$work/exec" \
    --pidfile "$work/pid" --host "$DOCKER_HOST" \
    --bridge none --iptables=false --ip6tables=false >"$work/log" 2>&1 &
daemon=$!
trap 'kill $daemon; wait $daemon || true' EXIT
for _ in $(seq 60); do
    docker version >/dev/null 2>&1 && break
    kill -0 $daemon 2>/dev/null || break
    sleep 1
done
if ! docker version >/dev/null 2>&1; then
    echo "docker: the daemon does not start here: $(tail -n 1 "$work/log")"
    trap - EXIT
    exit 0
fi
docker version --format 'docker: {{.Server.Version}}'

load() {
    docker load --quiet --input "$1" | sed -n 's/^Loaded image.*: *//p'
}

# The wheel is in CONTEXT, so that nothing has to be fetched. --no-cache makes every build real.
build() {
    arguments "$context" trial-base:latest | tr '\n' '\0' |
        xargs -0 docker "$@" --quiet --no-cache --network none "$context" >/dev/null
}

# Without attestations, which name the builder's own run.
buildkit() {
    build buildx build --provenance=false \
        --output "type=oci,dest=$work/buildkit.tar,rewrite-timestamp=true"
    tar -xOf "$work/buildkit.tar" index.json | grep -o 'sha256:[0-9a-f]*'
}

strictly docker ${RUN_OPTIONS:-} "$(load "$tar")" "$@"

load "$base" >/dev/null
kits="0 1"
server=$(docker version --format '{{.Server.Version}}')
if docker buildx version >/dev/null 2>&1 && [ "${server%%.*}" -ge 26 ]; then
    kits=0
    SOURCE_DATE_EPOCH=$(number "$context/.recordbake/bake/manifest.json" created_at)
    export SOURCE_DATE_EPOCH
    first=$(buildkit)
    sleep 1 # so that a time that slipped in shows
    touch "$context"/dist/*.whl "$context"/.recordbake/bake/*
    same "builds by BuildKit" "$first" "$(buildkit)"
    strictly docker ${RUN_OPTIONS:-} "$(load "$work/buildkit.tar")" "$@"
elif [ "${server%%.*}" -ge 23 ] && ! docker buildx version >/dev/null 2>&1; then
    kits=0
    echo "docker: BuildKit is left out: from 23 the client has it in buildx, which is not here"
fi
for kit in $kits; do
    export DOCKER_BUILDKIT=$kit
    build build --tag "trial:$kit"
    echo "docker build, DOCKER_BUILDKIT=$kit:"
    strictly docker ${RUN_OPTIONS:-} "trial:$kit" "$@"
done
