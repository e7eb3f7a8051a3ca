"""``recordbake push``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.console import say
from recordbake.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse

HELP = "verify a bake and upload it"
OPTIONS = ()
EXITS = ("0", "2", "12")
DETAILS = """\
What is there already is not sent again, so that a push that was cut off goes on; until it is
complete, who pulls gets the bake before.

- `hf://datasets/OWNER/NAME[@REVISION][/PATH]`: a dataset of the Hub (or `hf://OWNER/NAME`, a
  model), in one commit; make it before, and private if the suite is. Needs `hf auth login`.
- `hf://buckets/OWNER/NAME[/PATH]`: a bucket of the Hub, by huggingface_hub 1.x or later and hf_xet.
- `oci://REGISTRY/REPOSITORY:TAG`: an OCI registry; `oras pull` gets the same files from it. Needs
  `recordbake[oci]` and `docker login`.
- `s3://BUCKET/DIR`, `gs://`, `az://`, `file:///`...: whatever fsspec can write to. Needs its
  package, such as s3fs.

Tested against: a stand-in of the Hub's API (datasets without hf_xet; buckets with it, on storage
of its own), Debian's docker-registry, moto's S3, files, memory.
"""
EXAMPLES = """\
recordbake push .recordbake/bake hf://datasets/OWNER/NAME
recordbake push .recordbake/bake s3://bucket/bake
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("bake", type=Path, metavar="BAKE", help="directory of the bake")
    parser.add_argument(
        "url",
        metavar="URL",
        help="where to: hf://datasets/OWNER/NAME, oci://REGISTRY/REPOSITORY:TAG, a URL of fsspec",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.bake.describing import describe
    from recordbake.bake.moving import push

    say(describe(push(arguments.bake, arguments.url), arguments.url))
    return EXIT_OK
