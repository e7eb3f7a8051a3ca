"""The corpus that fuzzing left, and whatever hypothesis thinks of, through each target."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS
from tests.support.cli import ROOT

CORPUS = ROOT / "tests" / "fuzz" / "corpus"
SEEDS = seeds()


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus(name):
    found = sorted((CORPUS / name).iterdir())
    assert found
    for data in [*SEEDS[name], *(path.read_bytes() for path in found)]:
        TARGETS[name](data)


def changed(name):
    """A good example with some bytes replaced, taken out or put in."""
    edits = st.lists(
        st.tuples(st.integers(0, 4096), st.integers(0, 8), st.binary(max_size=12)), max_size=4
    )

    def apply(seed, edits):
        for where, removed, added in edits:
            at = where % (len(seed) + 1)
            seed = seed[:at] + added + seed[at + removed :]
        return seed

    return st.builds(apply, st.sampled_from(SEEDS[name]), edits)


@pytest.mark.parametrize("name", TARGETS)
def test_changed_examples(name):
    @settings(max_examples=60, database=None)
    @given(changed(name) | st.binary(max_size=200))
    def run(data):
        TARGETS[name](data)

    run()
