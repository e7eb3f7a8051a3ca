"""Where bakes are kept: a dataset or bucket of the Hub, an OCI registry, any file system of fsspec.

Each has a file of its own behind the interface :class:`recordbake.bake.places.place.Place`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recordbake.bake.places.place import Place


def place_at(url: str) -> Place:
    """The place that a URL names.

    Raises:
        UsageError: the URL is of no known kind.
        ImportError: this kind needs a package that is not installed.
    """
    if url.startswith("oci://"):
        from recordbake.bake.places.registry import Registry

        return Registry(url)
    if url.startswith("hf://buckets/"):
        from recordbake.bake.places.hub import HubBucket

        return HubBucket(url)
    if url.startswith("hf://"):
        from recordbake.bake.places.hub import HubRepository

        return HubRepository(url)
    from recordbake.bake.places.files import Files

    return Files(url)
