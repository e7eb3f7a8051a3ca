#!/bin/sh
# docker.sh with Debian 13's engine, whose BuildKit can set times: in a root of its own, made by
# debootstrap, and in namespaces of its own, in which there is no network.
#
#   tests/image/trixie.sh BASE.tar IMAGE.tar CONTEXT WORKDIR COMMAND...
#
# As for docker.sh. Everything named, also in RUN_OPTIONS, lies beside WORKDIR: its parent and these
# scripts are seen inside at the places they have outside. A root that is there is used again. Needs
# debootstrap, as root.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=${4:?usage: trixie.sh BASE.tar IMAGE.tar CONTEXT WORKDIR COMMAND...}
root=$work/root

mkdir -p "$work"
if [ ! -e "$root/usr/sbin/dockerd" ]; then
    rm -rf "$root"
    debootstrap --variant=minbase trixie "$root" >"$work/debootstrap.log"
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # no package starts anything
    chmod 755 "$root/usr/sbin/policy-rc.d"
    DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install --quiet --yes \
        --no-install-recommends docker.io docker-cli docker-buildx >"$work/install.log" 2>&1
fi

# The root is mounted on itself since runc pivots only from a root that is a mount. With its process
# namespace everything in it ends; with its mount namespace every mount does.
export here root
exec unshare --mount --net --pid --fork --kill-child sh -eu -c '
    mount --bind "$root" "$root"
    cd "$root"
    mount -t proc proc proc
    mount --rbind /sys sys
    mount --rbind /dev dev
    for seen in "$(dirname "$4")" "$here"; do
        mkdir -p ".$seen"
        mount --bind "$seen" ".$seen"
    done
    exec chroot . env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$here/docker.sh" "$@"
' sh "$@"
