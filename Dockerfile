# The runtime image: a base with Python, recordbake, and the bake as layers.
#
#   recordbake bake
#   docker build -t suite-offline .          # or: recordbake bake --image suite-offline
#   docker run --network=none suite-offline recordbake replay -- pytest -q
#
# Everything is a build argument; pin the base by digest where builds must be reproducible. No
# syntax line: the frontend would have to be fetched. What is sent to the builder: .dockerignore.
ARG BASE_IMAGE=python:3.12-slim

# --- install: recordbake as files, so that pip's caches and logs stay out of the final image.
FROM ${BASE_IMAGE} AS install
# A wheel of dist/ is taken if there is one. The pattern means dist and LICENSE: the latter is always
# there, and a pattern that matches nothing would fail the build.
COPY ?[Ii]* /wheels/
# What to install where there is no wheel: any requirement that pip knows.
ARG RECORDBAKE=recordbake
# A strict replay needs the standard library only, and the image stays small.
ARG PIP_OPTIONS=--no-deps
# --root keeps the base's own prefix, whichever it is; without .pyc files, which hold times, two
# builds are equal. Distributions mark their Python as externally managed: this is not their root.
RUN set -eu; \
    wheel=$(ls /wheels/*.whl 2>/dev/null || true); \
    PIP_BREAK_SYSTEM_PACKAGES=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    python3 -m pip install --quiet --no-compile --no-warn-script-location --root /staging \
        ${PIP_OPTIONS} ${wheel:-${RECORDBAKE}}

# --- check: a damaged bake fails the build here, not the tests later.
FROM ${BASE_IMAGE} AS check
COPY --from=install /staging/ /
ARG BAKE_DIR=.recordbake/bake
COPY ${BAKE_DIR}/http_cache.tgz ${BAKE_DIR}/hf_cache.tgz ${BAKE_DIR}/manifest.json /bake/
RUN PYTHONDONTWRITEBYTECODE=1 recordbake verify /bake

# --- the image.
FROM ${BASE_IMAGE}
COPY --from=install /staging/ /
# Hooks Pythons that ignore PYTHONPATH, too; it does nothing unless recordbake is running.
RUN PYTHONDONTWRITEBYTECODE=1 recordbake hook install --python python3
ARG BAKE_DIR=.recordbake/bake
# ADD unpacks a local .tgz. Owners and modes are set in it: a chmod here would copy the whole layer.
# Two layers, the one that changes less often first.
ADD ${BAKE_DIR}/hf_cache.tgz /opt/recordbake/
ADD ${BAKE_DIR}/http_cache.tgz /opt/recordbake/
# From the check stage, so that builders which skip unused stages cannot skip the check.
COPY --from=check /bake/manifest.json /opt/recordbake/manifest.json

# HTTP_CACHE_DIR tells recordbake where the bake is, HF_* and TRANSFORMERS_CACHE tell the Hub's
# libraries. RECORDBAKE_MODE makes every `recordbake replay` a strict one. Without
# HF_HUB_DISABLE_XET downloads would leave Python, where they cannot be answered. HF_HUB_OFFLINE is
# not set: the recorded answers let the online code path work. HOME must be writable for any user.
ENV HTTP_CACHE_DIR=/opt/recordbake/http_cache \
    HF_HOME=/opt/recordbake/hf_cache \
    HF_HUB_CACHE=/opt/recordbake/hf_cache/hub \
    TRANSFORMERS_CACHE=/opt/recordbake/hf_cache/hub \
    HF_DATASETS_CACHE=/opt/recordbake/hf_cache/datasets \
    HF_HUB_DISABLE_XET=1 \
    RECORDBAKE_MODE=replay_strict \
    HOME=/tmp

# Last, since they differ with every bake: sha256 of manifest.json, and its created_at (RFC 3339).
ARG MANIFEST_DIGEST=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="recordbake replay" \
      org.opencontainers.image.created="${CREATED}" \
      io.recordbake.manifest.digest="${MANIFEST_DIGEST}"

# nobody: the bake belongs to root and is only read. By number, so that Kubernetes' runAsNonRoot
# can see it.
USER 65534:65534
WORKDIR /tmp
CMD ["recordbake", "--help"]
