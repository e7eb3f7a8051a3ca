# What the scripts beside it share; to be read with `.`.

# Run a command in an image the strictest way: nobody, no network, nothing writable but /dev/shm.
#   strictly ENGINE [ENGINE'S OPTIONS...] IMAGE COMMAND...
strictly() {
    engine=$1
    shift
    # Docker makes no tmpfs of its own accord, and has no option to say so.
    [ "$engine" = podman ] && set -- --read-only-tmpfs=false "$@"
    "$engine" run --rm --runtime runc --network=none --read-only --cap-drop=all \
        --security-opt no-new-privileges --user 65534:65534 \
        --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 "$@"
}

# What is run where nothing else is asked for: the bake is there, is read, and cannot be written.
looks_well='
    cat "$HTTP_CACHE_DIR/requests_cache.sqlite" >/dev/null
    test "$(id -u)" = 65534
    if touch "$HTTP_CACHE_DIR/x" 2>/dev/null; then echo "the bake can be written"; exit 1; fi
    recordbake --version'

# Two digests must be one.
#   same WHAT FIRST SECOND
same() {
    if [ -z "$2" ] || [ "$2" != "$3" ]; then
        echo "two $1, two digests: $2 $3" >&2
        exit 1
    fi
    echo "two $1, one digest: $2"
}

# A field of a bake's manifest that is a number.
#   number MANIFEST NAME
number() {
    sed -n "s/^ \"$2\": \([0-9]*\),\$/\1/p" "$1"
}

# The build arguments that depend on the bake, for any builder.
#   arguments CONTEXT BASE_IMAGE
arguments() {
    manifest=$1/.recordbake/bake/manifest.json
    printf -- '--build-arg\nBASE_IMAGE=%s\n' "$2"
    printf -- '--build-arg\nMANIFEST_DIGEST=sha256:%s\n' "$(sha256sum "$manifest" | cut -d' ' -f1)"
    created=$(date -u -d "@$(number "$manifest" created_at)" +%Y-%m-%dT%H:%M:%SZ)
    printf -- '--build-arg\nCREATED=%s\n' "$created"
}
