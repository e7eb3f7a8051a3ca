"""vcrpy: a cassette for each test, as its documentation has it.

``allow_playback_repeats`` stays off: with it a cassette gives its first answer for ever, and while
recording too; a test asks in the replay as often as it did while recording, and in the same order,
which is what a cassette without it is for.
"""

from __future__ import annotations

from tests.clients.clients import CLIENTS
from tests.peers.peer import RECORD, Peer

#: Of vcrpy and whatever stands on it.
NOT_CLAIMED = {
    "Failures": "responses are kept, not that a request failed",
    "tls-truncated": "a failure, too",
    "tls-wrong-name": "a failure, too",
    "tls-unknown-authority": "a failure, too",
    "tls-refused-by-http": "a failure, too",
    "h2-unknown-authority": "a failure, too",
    "bad-length": "a failure, too",
    "both-lengths": "a failure, too",
    "as-sent-chunked": "the pieces in which a body came",
    "as-sent-many": "the pieces in which a body came",
    "gzip-chunked-as-sent": "the pieces in which a body came",
    "events-as-sent": "the pieces in which a body came",
    "h2-as-sent": "the pieces in which a body came",
}
_WHY_NOT = dict.fromkeys(
    ("tornado", "tornado-curl"),
    "it says that it does not support the `header_callback` of the contract's client",
)


def with_cassettes(mode, where, scenario, use):
    """A cassette for each test, opened by ``use(path, record_mode=...)``."""
    record_mode = "once" if mode == RECORD else "none"
    for name, features in scenario.tests().items():
        try:
            with use(str(where / f"{name}.yaml"), record_mode=record_mode):
                for feature in features:
                    scenario.ask(feature)
        except Exception as error:  # noqa: BLE001  # as a test's teardown would fail
            print(name, repr(error))


def drive(mode, where, scenario):
    import vcr

    with_cassettes(mode, where, scenario, vcr.use_cassette)


PEER = Peer(
    name="vcrpy",
    setup='`vcr.use_cassette(..., record_mode="once")`, then `"none"`; a cassette for each '
    "feature.",
    clients=tuple(client for client in CLIENTS if client not in _WHY_NOT),
    why_not=_WHY_NOT,
    not_claimed=NOT_CLAIMED,
    requirements=("vcrpy",),
    drive=drive,
)
