"""Journal lines: one JSON object, one ``write``, to a file that only this process writes.

Loaded at the start of every hooked process, so it imports next to nothing and formats the few
types that events hold itself (importing :mod:`json` costs more than the whole hook).
"""

import os
import sys

from . import attribution, clock
from .descriptors import open_file
from .version import PYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .exchange import Captured, Take
    from .plan import Plan

FORMAT = 1
_BEGINNING = f'{{"v":{FORMAT},"ts":'

#: File among the shards that a process removes when it could not keep something.
COMPLETE = "complete"

#: Set while a test is run again; processes that it starts inherit it.
ATTEMPT = "RECORDBAKE_ATTEMPT"


#: Events that each process has: they are put together without what :func:`load_json` loads.
_OF_EACH = frozenset({"process_start", "process_stop"})


def _quote_plain(text: str) -> str:
    """JSON text of a string, as most are that a process says of itself."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    load_json()
    return str(_quote(text))


_quote: "Callable[[str], str]" = _quote_plain
_encode: "Callable[[Any, int], Iterable[str]] | None" = None


def load_json() -> None:
    """Load the C halves of json; importing it whole costs more than the hook."""
    global _quote, _encode  # in the place of what does without
    try:
        from _json import encode_basestring_ascii, make_encoder
    except ImportError:  # another implementation of Python
        from json.encoder import py_encode_basestring_ascii

        _quote, _encode = py_encode_basestring_ascii, lambda value, _: _to_json(value)
        return
    # json.JSONEncoder(separators=(",", ":"), allow_nan=False) by what it is made of:
    # markers, default, string encoder, indent, separators, sort_keys, skipkeys, allow_nan.
    made_of = (None, str, encode_basestring_ascii, None, ":", ",", False, False, False)
    _quote, _encode = encode_basestring_ascii, make_encoder(*made_of)


def to_json(value: "Any") -> str:
    """JSON text of None, booleans, numbers, strings, and lists and dictionaries of these."""
    if _encode is None:
        load_json()
    assert _encode is not None
    try:
        return "".join(_encode(value, 0))
    except ValueError:  # a number that JSON does not have
        return _to_json(value)


def _to_json(value: "Any") -> str:
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return str(_quote(value))
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return float.__repr__(value) if abs(value) < float("inf") else "null"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quote(str(k))}:{_to_json(v)}" for k, v in value.items()) + "}"
    return "[" + ",".join(map(_to_json, value)) + "]"


def _text(value: "str | None") -> str:
    return "null" if value is None else _quote(value)


# A suite may replace the functions of os by mocks; these are the real ones.
_write, _fstat, _lseek, _getpid = os.write, os.fstat, os.lseek, os.getpid
_urandom = os.urandom


def _position(descriptor: int) -> int:
    """Where the next byte would be read; -1 for what has no place, or is not open."""
    try:
        return _lseek(descriptor, 0, os.SEEK_CUR)
    except OSError:
        return -1


def _identity(descriptor: int) -> "tuple[int, int]":
    """Which file a descriptor is for: a daemon may have closed ours and opened another."""
    try:
        status = _fstat(descriptor)
    except OSError:
        return 0, 0
    return status.st_dev, status.st_ino


class ShardFile:
    """An append-only file of this process, named at the first write and renewed after a fork.

    Args:
        directory: the run's shard directory.
        suffix: of the file name, with its dot.
    """

    def __init__(self, directory: str, suffix: str) -> None:
        self._directory = directory
        self._suffix = suffix
        # One tuple, replaced as a whole: threads see all of it or nothing.
        self._opened = (0, -1, (0, 0))  # process, descriptor, identity of the file
        self._end = -1  # where the last write ended

    def write(self, data: bytes) -> None:
        """Append with one system call, so that what a killed process reported is whole.

        Raises:
            OSError: the directory is gone or the disk is full.
        """
        process, descriptor, identity = self._opened
        at = _position(descriptor) if process == _getpid() else -1
        # Where it stands is told faster than what it is, and no other file stands there.
        if at < 0 or (at != self._end and _identity(descriptor) != identity):
            descriptor, at = self._open(), 0
        try:
            written = _write(descriptor, data)
            while written < len(data):  # a nearly full disk, or a signal
                written += _write(descriptor, data[written:])
        except OSError:
            self._opened = (0, -1, (0, 0))  # nothing may follow what is torn now
            raise
        self._end = at + written

    def _open(self) -> int:
        """Two threads may come here at once and open a file each: both are read, none is lost.

        A forked child leaves its parent's descriptor alone: closing it twice could hit another's.
        """
        path = f"{self._directory}/{unique_name()}{self._suffix}"
        descriptor = open_file(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._opened = (_getpid(), descriptor, _identity(descriptor))
        return descriptor


def unique_name() -> str:
    """A file name no other process of any machine uses: process, time and random bits."""
    return f"{_getpid()}-{int(clock.now() * 1e6):x}-{_urandom(3).hex()}"


def current_attempt() -> int:
    """How often this test has been run before in this process: by a plugin that reruns tests."""
    return int(attribution.variable(ATTEMPT) or 0)


_ATTEMPT, _WORKER = ATTEMPT.encode("ascii"), attribution.WORKER.encode("ascii")
#: What an environment may have to say of a request, where no test is held; mostly nothing.
_TELLING = frozenset(
    name.encode("ascii")
    for name in (
        attribution.PYTEST_TEST, attribution.TEST, attribution.PHASE, attribution.PASSES, ATTEMPT,
    )
)  # fmt: skip


def circumstances() -> "tuple[str | None, str | None, int, frozenset[str]]":
    """The test that causes what happens here, its phase, the attempt at it, and what it may reach.

    As :mod:`.attribution` tells one by one; asked for at each request, so the usual is told here.
    """
    try:  # not getattr(): this is asked at each request
        values = os.environ._data  # type: ignore[attr-defined]
    except AttributeError:  # a suite's own
        values = None
    cause = attribution.cause()
    if type(values) is dict:
        if cause is not None:
            test, phase = cause
            attempt = current_attempt() if _ATTEMPT in values else 0
            return test.name, phase if test.over else test.phase, attempt, test.passes
        if values.keys().isdisjoint(_TELLING):
            return None, None, 0, attribution.NOTHING
    return *attribution.current(), current_attempt(), attribution.allowed_hosts()


def told(method: str, url: str, host: str, client: str, key: str) -> str:
    """What a line of a request says of the request itself: members of its JSON object."""
    return (
        f'"method":{_quote(method)},"url":{_quote(url)},"host":{_quote(host)},'
        f'"client":"{client}","key":"{key}"'  # names of ours, and hexadecimal
    )


_SECRET_NAMES = ("TOKEN", "_KEY", "SECRET", "PASSWORD")
_SECRET_BYTES = tuple(name.encode("ascii") for name in _SECRET_NAMES)
_SECRET_LENGTH = 12


def _shown_arguments() -> "list[str]":
    """The command line without code given by ``-c``, which may hold anything."""
    shown = list(sys.orig_argv)[:50]
    if "-c" in shown:
        shown[shown.index("-c") + 1 :] = ["..."]
    for value in _secrets():  # as in known_secrets, which costs more to import
        shown = [word.replace(value, "REDACTED") for word in shown]
    return shown


def _secrets() -> "list[str]":
    """Values of variables that hold secrets, without decoding all the others."""
    values = getattr(os.environ, "_data", None)
    if type(values) is dict:
        names = [os.fsdecode(name) for name in values if name.endswith(_SECRET_BYTES)]
    else:
        names = [name for name in os.environ if name.endswith(_SECRET_NAMES)]
    found = [os.environ.get(name, "") for name in names]
    return [value for value in found if len(value) >= _SECRET_LENGTH]


class Journal:
    """Writes events.

    Args:
        settings: the handover's dictionary (``run``, ``mode``, ``shards``, ``barrier``).
    """

    def __init__(self, settings: "dict[str, Any]") -> None:
        self._run = _quote(settings["run"])
        self._mode = _quote(settings["mode"])
        self._hit = (
            f'"run":{self._run},"event":"request","mode":{self._mode},"outcome":"hit",'
            f'"from_cache":true,"suspect":false'
        )
        #: Test, phase and process of the last hit, and what a line says of them; none yet.
        self._where: tuple[str | None, str | None, int, str] = ("", "", 0, "")
        self._barrier = settings["barrier"]
        self._file = ShardFile(settings["shards"], ".ndjson")
        self._mark = f"{settings['shards']}/{COMPLETE}"
        self._lost: list[str] = []

    def write(self, event: str, /, **fields: "Any") -> None:
        """Append one line; ``fields`` may override ``test`` and ``phase``.

        A line that cannot be written is a loss: the suite goes on, the run does not pass.
        """
        try:
            self._write(event, fields)
        except OSError:
            pass  # it is noted as lost

    def hit(
        self, take: "Take", told: str, test: "str | None", phase: "str | None", asked: int
    ) -> None:
        """Append the ``request`` event of an answer from the store.

        Of all events the one that there are many of, and the only one that most calls wait for:
        it is put together here, and what is the same in each is not looked at again.

        Args:
            take: the answer.
            told: what :func:`told` says of the request.
            test: the test that causes it.
            phase: of that test.
            asked: when the request was complete, by :func:`.clock.ticks`.
        """
        try:
            values = os.environ._data  # type: ignore[attr-defined]
            mostly = type(values) is dict and _WORKER not in values
        except AttributeError:
            mostly = False
        worker = None if mostly else attribution.worker()
        end = "}\n" if worker is None else f',"worker":{_quote(worker)}}}\n'
        process, where = _getpid(), self._where
        if where[0] != test or where[1] != phase or where[2] != process:
            place = f'"pid":{process},"test":{_text(test)},"phase":{_text(phase)},"reason":""'
            where = self._where = test, phase, process, place
        now = clock.ticks()
        date, (ms, us) = str(clock.BEGAN_NS + now), divmod((now - asked) // 1000, 1000)
        line = (
            f"{_BEGINNING}{date[:-9]}.{date[-9:-3]},{self._hit},{where[3]},{told},"
            f'"status":{take.head.status if take.head else "null"},"take":{take.take},'
            f'"bytes":{take.body_size},"elapsed_ms":{ms}.{us:03}{end}'
        )
        try:
            self._append(line.encode("ascii"))
        except OSError:
            pass  # it is noted as lost

    def stored(self, plan: "Plan", captured: "Captured", retries: int) -> None:
        """Append the ``request`` event of a live answer that is kept; put together as a hit's."""
        request, worker = plan.request, attribution.worker()
        end = "}\n" if worker is None else f',"worker":{_quote(worker)}}}\n'
        line = (
            f'{self._start("request")},"test":{_text(plan.test)},"phase":{_text(plan.phase)},'
            f'"outcome":"stored","reason":{_quote(plan.reason)},"method":{_quote(request.method)},'
            f'"url":{_quote(request.url)},"host":{_quote(plan.host)},"from_cache":false,'
            f'"client":"{request.client}","key":"{plan.key}",'
            f'"status":{captured.head.status if captured.head else "null"},"take":null,'
            f'"bytes":{captured.body_size},"suspect":{"true" if captured.suspect else "false"},'
            f'"elapsed_ms":{round(captured.live_ms, 3)!r},"retries":{retries}{end}'
        )
        try:
            self._append(line.encode("ascii"))
        except OSError:
            pass  # it is noted as lost

    def _write(self, event: str, fields: "dict[str, Any]") -> None:
        self._append(self._line(event, fields))

    def _append(self, line: bytes) -> None:
        lost: list[str] = []
        if self._lost:
            lost, self._lost = self._lost, []
            line = self._line("loss", {"count": len(lost), "error": lost[0]}) + line
        try:
            self._file.write(line)
        except OSError as error:
            self._lost += lost
            self.lose(error)
            raise

    def lose(self, error: "OSError") -> None:
        """Something could not be kept: the disk is full, or the directory is gone.

        The run's mark of completeness goes, which takes no space; the journal says more as soon
        as it can be written again.
        """
        self._lost.append(str(error.strerror or error))
        try:
            os.unlink(self._mark)
        except OSError:
            pass  # it is gone already, or all of the run is

    def _line(self, event: str, fields: "dict[str, Any]") -> bytes:
        if "phase" not in fields:
            test, phase = attribution.current()
            fields = {"test": test, "phase": phase} | fields
        worker = attribution.worker()
        if worker is not None:
            fields["worker"] = worker
        text = _to_json(fields) if event in _OF_EACH else to_json(fields)
        return f"{self._start(event)},{text[1:]}\n".encode("ascii")

    def _start(self, event: str) -> str:
        """What every line begins with."""
        return (
            f'{_BEGINNING}{clock.now()!r},"run":{self._run},"event":"{event}",'
            f'"mode":{self._mode},"pid":{_getpid()}'
        )

    def process_start(self, *, forked: bool) -> None:
        """Say that a process is hooked; a process without this line is a gap.

        Raises:
            OSError: the line could not be written; another user's process has no other way to
                tell the run that something is lost.
        """
        fields = {
            "ppid": os.getppid(),
            "python": PYTHON,
            "executable": sys.executable,
            "argv": _shown_arguments(),
            "forked": forked,
            "barrier": self._barrier,
        }
        self._write("process_start", fields)
