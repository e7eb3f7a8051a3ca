#!/bin/sh
# Make a base image from nothing but Debian packages, and install a suite's requirements in it.
#
#   tests/image/base.sh IMAGE WORKDIR [REQUIREMENTS]
#
# Where pip finds packages and whom it trusts is this machine's affair: its CA bundle and pip.conf go
# into the base, and never into the Dockerfile. Needs debootstrap, buildah and podman, as root.
set -eu

image=${1:?usage: base.sh IMAGE WORKDIR [REQUIREMENTS]} work=${2:?WORKDIR} requirements=${3:-}
. /etc/os-release
root=$work/root

mkdir -p "$work"
if [ ! -e "$root/usr/bin/python3" ]; then
    rm -rf "$root"
    debootstrap --variant=minbase --include=python3,python3-pip,ca-certificates \
        "$VERSION_CODENAME" "$root" >"$work/debootstrap.log"
fi
tar -C "$root" --exclude=./var/cache/apt/archives/* -cf "$work/root.tar" .
podman import --quiet "$work/root.tar" "$image" >/dev/null
rm "$work/root.tar"

container=$(buildah from --isolation chroot "$image")
buildah copy --quiet "$container" /etc/ssl/certs/ca-certificates.crt \
    /etc/ssl/certs/ca-certificates.crt >/dev/null
[ ! -e /etc/pip.conf ] || buildah copy --quiet "$container" /etc/pip.conf /etc/pip.conf >/dev/null
if [ -n "$requirements" ]; then
    buildah copy --quiet "$container" "$requirements" /tmp/requirements.txt >/dev/null
    buildah run --isolation chroot --network host "$container" -- env PIP_BREAK_SYSTEM_PACKAGES=1 \
        PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
        python3 -m pip install --quiet --no-cache-dir --root-user-action=ignore \
        -r /tmp/requirements.txt
fi
buildah commit --quiet --rm "$container" "$image" >/dev/null
echo "base: $image"
