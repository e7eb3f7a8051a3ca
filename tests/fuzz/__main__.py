"""Fuzz, guided by coverage: ``python -m tests.fuzz [--seconds 60] [TARGET...]``, with atheris.

What is found wrong is printed, and kept as ``crash-...`` in the corpus, which the ordinary tests
run; so is what reaches code that nothing else in the corpus reached.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.seeds import seeds
from tests.support.cli import ROOT

CORPUS = ROOT / "tests" / "fuzz" / "corpus"
#: Bytes of an input of the corpus at most, and inputs of a target: it is to stay small.
_LARGEST, _MOST = 2048, 40
_ONE = """
import sys
import atheris
with atheris.instrument_imports(include=["recordbake"]):
    from tests.fuzz.targets import TARGETS
target = TARGETS[sys.argv.pop(1)]
atheris.Setup(sys.argv, target)
atheris.Fuzz()
"""


def fuzz(name: str, seconds: int) -> tuple[int, list[bytes], str]:
    """Fuzz one target.

    Returns:
        How many inputs were tried, those that were found wrong, and what was said of them.
    """
    kept = CORPUS / name
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        found, grown, begun = (Path(work) / part for part in ("crash", "grown", "begun"))
        for directory in (found, grown, begun):
            directory.mkdir()
        for number, data in enumerate(seeds()[name]):
            (begun / str(number)).write_bytes(data)
        options = [f"-max_total_time={seconds}", "-max_len=8192", "-timeout=20", "-verbosity=1",
                   "-rss_limit_mb=2048", f"-artifact_prefix={found}/"]  # fmt: skip
        words = [sys.executable, "-c", _ONE, name, *options, str(grown), str(kept), str(begun)]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        wrong = [path.read_bytes() for path in sorted(found.iterdir())]
        _keep(kept, sorted(grown.iterdir(), key=lambda path: path.stat().st_size), wrong)
        tried = [x for x in done.stderr.splitlines() if x.startswith("Done ")]
        count = int(tried[0].split()[1]) if tried else 0
        if done.returncode and not wrong:
            raise RuntimeError(done.stderr[-3000:])
        return count, wrong, done.stdout[-2000:] + done.stderr[-2000:] if wrong else ""


def _keep(kept: Path, grown: list[Path], wrong: list[bytes]) -> None:
    for data in wrong:
        (kept / f"crash-{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)
    free = _MOST - len(list(kept.iterdir()))
    step = max(1, len(grown) // free) if free > 0 else 0
    for path in grown[:: step or 1][: max(0, free)]:
        data = path.read_bytes()
        if len(data) <= _LARGEST:
            (kept / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)


def main(arguments: list[str]) -> int:
    """The command line; returns 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    options = parser.parse_args(arguments)
    failed = 0
    for name in options.targets or seeds():
        tried, wrong, said = fuzz(name, options.seconds)
        failed += len(wrong)
        print(
            f"{name}: {tried:,} inputs in {options.seconds} s, {len(wrong)} wrong\n{said}".strip()
        )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
