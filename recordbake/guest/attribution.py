"""Which test causes what this process does.

A test that runs in this process is held in a context variable, so that asyncio tasks take it
along, and in one variable of the process, for contexts that were made before it. A process that
a test starts finds it in its environment.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from contextvars import ContextVar
    from typing import Any

SETUP, CALL, TEARDOWN = PHASES = ("setup", "call", "teardown")

#: pytest's own variable, ``NODEID (PHASE)``. Source: pytest documentation, "Environment variables".
PYTEST_TEST = "PYTEST_CURRENT_TEST"
#: pytest-xdist's. Source: pytest-xdist documentation, "Identifying the worker process".
WORKER = "PYTEST_XDIST_WORKER"
#: Names the test where no pytest does; set by the user, or here while a unittest runs.
TEST = "RECORDBAKE_TEST"
PHASE = "RECORDBAKE_PHASE"
#: Hosts that the running test may reach in any mode, separated by commas; set here, for what it
#: starts. The runner takes it out of the surroundings.
PASSES = "RECORDBAKE_PASSES"
#: Stands for all hosts.
ANY = "*"
NOTHING: "frozenset[str]" = frozenset()


class RunningTest:
    """A test that this process runs, until it is ``over``.

    Args:
        name: its identifier, as journals and the store use it.
        passes: hosts that it may reach in any mode.
    """

    __slots__ = ("name", "over", "passes", "phase")

    def __init__(self, name: str, passes: "frozenset[str]" = NOTHING) -> None:
        self.name = clean_name(name)
        self.passes = passes
        self.phase = SETUP
        self.over = False


#: What a thread or task was started by: the test, and the phase it was in.
Cause = tuple[RunningTest, str]

#: The context variable, by its name, once a test has begun: most processes run none, and what has
#: such variables is loaded from a file of its own.
_variables: "dict[str, ContextVar[Cause | None]]" = {}
_NAME = "recordbake_cause"
_process: "list[Cause | None]" = [None]
#: Called with a test's name, phase and hosts whenever another one begins.
_displays: "list[Callable[[str, str, frozenset[str]], None]]" = []


def show_with(display: "Callable[[str, str, frozenset[str]], None]") -> None:
    """Tell somebody which test and phase runs from now on, and what it may reach."""
    _displays.append(display)


def _of_context() -> "Cause | None":
    """What this context belongs to."""
    return _variables[_NAME].get() if _variables else None


def _set_context(cause: "Cause | None") -> None:
    if not _variables:
        if cause is None:
            return
        try:
            from _contextvars import ContextVar
        except ImportError:  # another implementation of Python
            from contextvars import ContextVar
        # Two threads may come here at once; both go on with the same one.
        _variables.setdefault(_NAME, ContextVar(_NAME, default=None))
    _variables[_NAME].set(cause)


class Phase:
    """While it is entered, what happens in this context belongs to a phase of a test.

    Args:
        test: the test.
        phase: one of :data:`PHASES`.
        environ: where its name stands for child processes; None if something else does that.
    """

    def __init__(
        self, test: "RunningTest", phase: str, environ: "MutableMapping[str, str] | None" = None
    ) -> None:
        self._cause = (test, phase)
        self._environ = environ
        self._before: tuple[Cause | None, Cause | None] = (None, None)
        self._variables: dict[str, str | None] = {}

    def __enter__(self) -> None:
        test, phase = self._cause
        test.phase = phase
        self._before = _of_context(), _process[0]
        _set_context(self._cause)
        _process[0] = self._cause
        for show in _displays:
            show(test.name, phase, test.passes)
        self._set_variables(test, phase)

    def __exit__(self, *_: object) -> None:
        _set_context(self._before[0])
        outer = _process[0] = self._before[1]
        for show in _displays:
            show(*((outer[0].name, outer[1], outer[0].passes) if outer else ("", "", NOTHING)))
        if self._environ is not None:
            for name, value in self._variables.items():
                if value is None:
                    self._environ.pop(name, None)
                else:
                    self._environ[name] = value

    def _set_variables(self, test: "RunningTest", phase: str) -> None:
        """What processes that are started from now on know."""
        values = {} if self._environ is None else {TEST: test.name, PHASE: phase}
        if test.passes:
            values[PASSES] = ",".join(sorted(test.passes))
        if values:
            environ = self._environ = os.environ if self._environ is None else self._environ
            self._variables = {name: environ.get(name) for name in values}
            environ.update(values)


def variable(name: str) -> "str | None":
    """A variable of the environment; asked for at each request, mostly for one that is not there.

    Without the KeyError that os.environ raises and catches for it.
    """
    values = getattr(os.environ, "_data", None)
    if type(values) is dict and name.encode("ascii") not in values:
        return None
    return os.environ.get(name)


def parse_passes(text: "str | None") -> "frozenset[str]":
    """Hosts from :data:`PASSES`."""
    return frozenset(filter(None, text.split(","))) if text else NOTHING


def allowed_hosts() -> "frozenset[str]":
    """What the test that causes what happens here may reach in any mode."""
    held = cause()
    return parse_passes(variable(PASSES)) if held is None else held[0].passes


def passes(host: str) -> bool:
    """Whether the test that causes what happens here may reach a host in any mode."""
    allowed = allowed_hosts()
    return bool(allowed) and (ANY in allowed or host in allowed)


def cause() -> "Cause | None":
    """What a thread or task that is started now takes along."""
    return (_variables[_NAME].get() if _variables else None) or _process[0]


def adopt(inherited: "Cause | None") -> "Cause | None":
    """Let this context, a thread's or a task's own, belong to what started it.

    Returns:
        What it belonged to.
    """
    before = _of_context()
    _set_context(inherited)
    return before


def held() -> "tuple[str | None, str | None]":
    """The test of this process that causes what happens here, and its phase; None for none.

    What a test has started belongs to it even after its end, with the phase it was started in.
    """
    found = cause()
    if found is None:
        return None, None
    test, phase = found
    return test.name, phase if test.over else test.phase


def current() -> "tuple[str | None, str | None]":
    """The test that causes what happens here, and its phase; None for what is not known."""
    own_test = held()
    if own_test[0] is not None:
        return own_test
    value = variable(PYTEST_TEST)
    if value:
        name, _, phase = value.rpartition(" (")
        phase = phase[:-1]
        return (clean_name(name), phase) if phase in PHASES else (clean_name(value), None)
    own = variable(TEST)
    return (clean_name(own) or None) if own else None, variable(PHASE)


def is_inside_a_test() -> bool:
    """Whether a test of this process or an ancestor is running, other than one the user named."""
    return cause() is not None or bool(os.environ.get(PYTEST_TEST) or os.environ.get(PHASE))


def current_test() -> "str | None":
    """The name of the test that causes what happens here, or None."""
    return current()[0]


#: Makes of a test's name what pytest's command line takes, relative to where pytest was started.
_selectors: "list[Callable[[str], str]]" = []


def select_with(selector: "Callable[[str], str]") -> None:
    """Tell how this process's tests are selected; None of it reaches child processes."""
    _selectors[:] = [selector]


def selector(test: "str | None") -> "str | None":
    """A test as its runner's command line takes it."""
    if test is None or not _selectors:
        return test
    return _selectors[0](test)


def worker() -> "str | None":
    """The worker of pytest-xdist that this process is, or was started by."""
    return variable(WORKER)


def clean_name(name: "Any") -> str:
    """A test's name as pytest's variable has it, in text that SQLite takes."""
    text = str(name).replace("\x00", "(null)")
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
