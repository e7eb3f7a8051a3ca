"""A bake asks the system once for the memory of its blocks."""

from __future__ import annotations

import os
import platform
import random
import resource
import subprocess
import sys

import pytest

from tests.support.cli import clean_environ
from tests.support.sample import captured, make_recording

SIZE = 8 << 20
BODIES = 8


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the switch is glibc's")
def test_blocks_take_the_memory_of_those_before_them(tmp_path):
    shards = tmp_path / "shards"
    bodies = (random.Random(n).randbytes(SIZE) for n in range(BODIES))
    entries = [captured(f"https://x.example/{n}", b, shards=shards) for n, b in enumerate(bodies)]
    make_recording(tmp_path / ".recordbake", entries, shards)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
    command = [sys.executable, "-m", "recordbake", "bake"]
    subprocess.run(command, cwd=tmp_path, env=clean_environ(), capture_output=True, check=True)
    faults = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt - before
    pages = BODIES * SIZE // os.sysconf("SC_PAGE_SIZE")
    assert faults < pages * 3 // 4  # more than all pages where each block asks anew
