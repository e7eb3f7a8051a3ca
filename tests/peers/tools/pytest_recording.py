"""pytest-recording: vcrpy with a cassette for each test, a test being a feature."""

from __future__ import annotations

from typing import ClassVar

from tests.clients.clients import CLIENTS
from tests.peers.peer import RECORD, Peer, Scenario
from tests.peers.tools import vcrpy

_CLIENTS = ("requests", "httpx", "aiohttp")  # one for each of vcrpy's ways to capture
_SUITE = """
import pytest

@pytest.mark.vcr
def test_feature(features, scenario):
    for feature in features:
        scenario.ask(feature)
"""


class _Plugin:
    """Gives the suite its scenario."""

    scenario: ClassVar[Scenario]

    @staticmethod
    def pytest_generate_tests(metafunc):
        tests = _Plugin.scenario.tests()
        metafunc.parametrize("features", tests.values(), ids=tests.keys())
        metafunc.parametrize("scenario", [_Plugin.scenario], ids=["contract"])


def drive(mode, where, scenario):
    import pytest

    _Plugin.scenario = scenario
    suite = where / "test_contract.py"
    suite.write_text(_SUITE)
    record_mode = "once" if mode == RECORD else "none"
    options = ["-q", "-s", "-p", "no:cacheprovider", f"--record-mode={record_mode}"]
    pytest.main([*options, str(suite)], plugins=[_Plugin()])


PEER = Peer(
    name="pytest-recording",
    setup="It is vcrpy underneath: `@pytest.mark.vcr`, a test and a cassette for each feature, "
    "`--record-mode=once`, then `none`.",
    clients=_CLIENTS,
    why_not={client: "it is vcrpy underneath" for client in CLIENTS if client not in _CLIENTS},
    not_claimed=vcrpy.NOT_CLAIMED,
    requirements=("pytest-recording", "pytest"),
    drive=drive,
)
