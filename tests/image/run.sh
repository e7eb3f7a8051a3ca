#!/bin/sh
# Everything, from nothing but Debian packages: make a base image, record and bake the examples, put
# the bake into images both ways, twice each, and replay the examples in them the strictest way.
#
#   apt-get install debootstrap buildah podman skopeo runc python3-venv docker.io
#   tests/image/run.sh WORKDIR
#
# As root. Docker's engine is left out, with a word, where there is none or it does not start.
# A WORKDIR that was used before keeps its base.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
work=${1:?usage: run.sh WORKDIR}
mkdir -p "$work"
work=$(cd "$work" && pwd)
base=recordbake-trial:base

rm -rf "$work/suite" "$work/recording" "$work/context" "$work/oci" "$work/dist"
python3 -m venv "$work/venv"
export PATH="$work/venv/bin:$PATH"
pip wheel --quiet --no-deps --wheel-dir "$work/dist" "$top"
pip install --quiet --force-reinstall --no-deps "$work"/dist/*.whl
pip install --quiet "$work"/dist/*.whl -r "$top/examples/requirements.txt"
"$here/base.sh" "$base" "$work/base" "$top/examples/requirements.txt"

mkdir -p "$work/suite"
cp -r "$top/examples" "$work/suite/"
cd "$work/suite"
recording=$work/recording
python examples/with_server.py -- recordbake record --recording "$recording" -- \
    python -m pytest -q -p no:cacheprovider examples
recordbake bake --recording "$recording"

context=$work/context
mkdir -p "$context/.recordbake"
cp -r "$top/Dockerfile" "$top/.dockerignore" "$top/LICENSE" "$work/dist" "$context/"
cp -r "$recording/bake" "$context/.recordbake/"

# By the command that picks a builder, too; then with more of each builder's own options.
(cd "$context" && BUILDAH_ISOLATION=chroot recordbake bake --recording "$recording" \
    --out .recordbake/bake --image recordbake-trial:command --base-image "localhost/$base" \
    2>"$work/command.log" | tail -n 1)

export RUN_OPTIONS="--volume $work/suite:/suite:ro --workdir /suite"
set -- recordbake replay -- python3 -m pytest -q -p no:cacheprovider examples
"$here/build.sh" "$base" "$context" "$@"
"$here/oci.sh" "$base" "$recording" "$work/oci" "$@"
"$here/recipe.sh" "localhost/$base" "$work/suite" "$work/recipe"

rm -f "$work/buildah.tar" "$work/base.tar"
skopeo copy --quiet containers-storage:localhost/recordbake-trial:buildah \
    "oci-archive:$work/buildah.tar"
python "$here/contents.py" "$work/buildah.tar" "$work/oci/first.tar"

# Docker as it is here, and as Debian 13 has it; both without any network.
skopeo copy --quiet "containers-storage:localhost/$base" \
    "docker-archive:$work/base.tar:trial-base:latest"
if command -v dockerd >/dev/null; then
    unshare --net "$here/docker.sh" "$work/base.tar" "$work/oci/first.tar" "$context" \
        "$work/docker" "$@"
else
    echo "docker: there is no dockerd here (apt-get install docker.io)"
fi
"$here/trixie.sh" "$work/base.tar" "$work/oci/first.tar" "$context" "$work/trixie" "$@"
if [ -e "$work/trixie/buildkit.tar" ]; then
    python "$here/contents.py" "$work/trixie/buildkit.tar" "$work/oci/first.tar"
fi
