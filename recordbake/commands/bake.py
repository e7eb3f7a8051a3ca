"""``recordbake bake``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.commands import options
from recordbake.console import say
from recordbake.errors import EXIT_OK, UsageError
from recordbake.recording import Recording

if TYPE_CHECKING:
    import argparse

HELP = "turn the recording into reproducible archives"
OPTIONS = ("recording",)
EXITS = ("0", "2", "12", "15")
EXAMPLES = """\
recordbake bake
recordbake bake --prune unused --since 3
recordbake bake --image suite-offline:nightly
recordbake bake --oci image.tar
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to (default: bake/ in it)")
    parser.add_argument(
        "--compression", choices=("gzip", "zstd"), default="gzip",
        help="gzip (default), which Docker's ADD unpacks, or zstd for artifact stores (needs"
        " recordbake[zstd]; older Docker copies such an archive without unpacking it)",
    )  # fmt: skip
    parser.add_argument(
        "--prune",
        choices=("unused",),
        help="leave out what replays do not ask for, and say how much that was",
    )
    parser.add_argument(
        "--since", type=_runs, metavar="RUNS", default=1,
        help="how many of the latest replays say what is unused (default: 1)",
    )  # fmt: skip
    parser.add_argument(
        "--image", metavar="TAG",
        help="build the Dockerfile here with the bake, too, by docker, podman or buildah,"
        " whichever is there",
    )  # fmt: skip
    parser.add_argument(
        "--base-image", metavar="IMAGE",
        help="the image to build on; pin it by digest (with --image)",
    )  # fmt: skip
    parser.add_argument(
        "--oci",
        type=Path,
        metavar="IMAGE.tar",
        help="write an OCI image with the bake and recordbake as layers, too, for docker load,"
        " podman load or skopeo",
    )
    parser.add_argument(
        "--base",
        type=Path,
        metavar="BASE.tar",
        help="the image to append to, as docker save or skopeo copy docker://..."
        " oci-archive:BASE.tar writes it (with --oci)",
    )
    parser.add_argument(
        "--allow-secret", action="append", default=[], metavar="DIGEST",
        help="ship a secret that was found, by the digest it was reported with; may be repeated",
    )  # fmt: skip


def _runs(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError(text)
    return count


def _tell(sentence: str) -> None:
    sys.stderr.write(f"recordbake: {sentence}\n")


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.bake import Options, bake, describing
    from recordbake.bake.memory import keep_freed
    from recordbake.locks import recording_lock
    from recordbake.runs import recover

    recording = Recording(options.load(arguments, OPTIONS).recording_path)
    if arguments.base and not arguments.oci:
        raise UsageError(
            "--base needs --oci",
            where="--base",
            next_step="name the image to write: --oci IMAGE.tar",
        )
    if arguments.base_image and not arguments.image:
        raise UsageError(
            "--base-image needs --image",
            where="--base-image",
            next_step="name the image: --image TAG",
        )
    recover(recording)
    keep_freed()
    out = arguments.out or recording.bake_dir
    with recording_lock(recording.path, shared=True):
        manifest = bake(
            recording,
            out,
            Options(
                compression=arguments.compression,
                since=arguments.since if arguments.prune else None,
                allowed_secrets=tuple(arguments.allow_secret),
                image=arguments.oci,
                base=arguments.base,
                tell=_tell,
            ),
        )
    say(describing.describe(manifest, out))
    if left_out := describing.describe_left_out(manifest):
        say(left_out)
    if arguments.prune:
        say(describing.describe_pruned(manifest))
    if arguments.image:
        from recordbake.bake.building import build

        builder = build(arguments.image, out, manifest, arguments.base_image)
        say(f"  {arguments.image}, built by {builder}")
    return EXIT_OK
