"""What the runner hands over to a hooked process, as plain data in one generated module."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RECORD, REPLAY, STRICT = "record", "replay", "replay_strict"


class GuestConfig:
    """Settings of one run, the same in all its processes.

    Args:
        mode: ``record``, ``replay`` or ``replay_strict``.
        run: the run's identifier.
        shards: directory that this run's processes write to.
        store: the store's file; empty when nothing is answered from it.
        missing: while recording, answer what the store has and fetch only the rest.
        refetch: file that names what is fetched all the same (:mod:`.refetch`); empty for none.
        capture_loopback: treat loopback hosts like any other.
        capture_ports: treat loopback hosts at these ports like any other.
        ignore_hosts: hosts that are never captured nor blocked.
        volatile_parameters: further query parameters that keys ignore.
        retry_statuses: statuses that are retried while recording.
        retry_max_wait: seconds spent waiting for one request's retries, in total.
        record_command: what to run to record what is missing, for messages.
        record_test_command: the same for one pytest test, whose identifier is to be appended;
            empty where the command is not pytest.
        barrier: name of what keeps a strict run from the network.
        shows_tests: somebody looks on, so processes say which test they run.
        allow_live_tests: a strict replay lets out the tests that are marked to go live.
        strict_tests: pytest fails a test that swallowed a blocked request.
        own_addresses: addresses that this machine's own name was found to have without asking a
            name server; None where nobody has looked.
    """

    def __init__(  # noqa: PLR0913
        self, mode: str, run: str, shards: str, *, store: str = "", missing: bool = False,
        capture_loopback: bool = False, ignore_hosts: tuple[str, ...] = (),
        volatile_parameters: tuple[str, ...] = (),
        retry_statuses: tuple[int, ...] = (429, 502, 503, 504), retry_max_wait: float = 120.0,
        record_command: str = "recordbake record --missing -- COMMAND", barrier: str = "process",
        strict_tests: bool = False, record_test_command: str = "",
        own_addresses: tuple[str, ...] | None = None, refetch: str = "",
        shows_tests: bool = False,
        allow_live_tests: bool = False,
        capture_ports: tuple[int, ...] = (),
    ) -> None:  # fmt: skip
        self.mode = mode
        self.run = run
        self.shards = shards
        self.store = store
        self.missing = missing
        self.refetch = refetch
        self.capture_loopback = capture_loopback
        self.capture_ports = capture_ports
        self.ignore_hosts = ignore_hosts
        self.volatile_parameters = volatile_parameters
        self.retry_statuses = retry_statuses
        self.retry_max_wait = retry_max_wait
        self.record_command = record_command
        self.record_test_command = record_test_command
        self.barrier = barrier
        self.strict_tests = strict_tests
        self.shows_tests = shows_tests
        self.allow_live_tests = allow_live_tests
        self.own_addresses = own_addresses

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> GuestConfig:
        """Build from the handover's dictionary; lists become tuples.

        Raises:
            TypeError: a setting is missing or unknown.
        """
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()
        }
        return cls(**values)

    def as_settings(self) -> dict[str, Any]:
        """The inverse of :meth:`from_settings`."""
        return dict(vars(self))
