#!/bin/sh
# Docker's engine, where it starts: load an image that was written without it, build the Dockerfile
# with both of its builders, and run the images the strictest way.
#
#   tests/image/docker.sh BASE_IMAGE IMAGE.tar CONTEXT WORKDIR COMMAND...
#
# BASE_IMAGE  in podman's storage
# IMAGE.tar   from recordbake bake --oci
# CONTEXT     as for build.sh
#
# A daemon of its own is started in WORKDIR and ended again. RUN_OPTIONS are given to docker run.
# Needs docker.io and skopeo, as root. Digests are not compared: neither the plain driver nor the
# BuildKit of these releases can set times (rewrite-timestamp: BuildKit 0.13 and later).
set -eu
. "$(dirname "$0")/lib.sh"

base=${1:?usage: docker.sh BASE_IMAGE IMAGE.tar CONTEXT WORKDIR COMMAND...}
tar=${2:?IMAGE.tar} context=${3:?CONTEXT} work=${4:?WORKDIR}
shift 4

mkdir -p "$work"
export PATH="/usr/bin:$PATH" # Debian's client has BuildKit's in it, others need a plugin
export DOCKER_HOST="unix://$work/docker.sock"
dockerd --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/pid" \
    --host "$DOCKER_HOST" --bridge none --iptables=false --ip6tables=false \
    >"$work/log" 2>&1 &
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

loaded=$(docker load --quiet --input "$tar" | sed -n 's/^Loaded image.*: *//p')
strictly docker ${RUN_OPTIONS:-} "$loaded" "$@"

rm -f "$work/base.tar"
skopeo copy --quiet "containers-storage:$base" "docker-archive:$work/base.tar:trial-base:latest"
docker load --quiet --input "$work/base.tar" >/dev/null
kits="0 1"
client=$(docker version --format '{{.Client.Version}}')
if [ "${client%%.*}" -ge 23 ] && ! docker buildx version >/dev/null 2>&1; then
    kits=0
    echo "docker: BuildKit is left out: from 23 the client has it in buildx, which is not here"
fi
for kit in $kits; do
    arguments "$context" trial-base:latest | tr '\n' '\0' | DOCKER_BUILDKIT=$kit \
        xargs -0 docker build --quiet --network host --tag "trial:$kit" "$context" >/dev/null
    echo "docker build, DOCKER_BUILDKIT=$kit:"
    strictly docker ${RUN_OPTIONS:-} "trial:$kit" "$@"
done
