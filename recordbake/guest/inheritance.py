"""What a test starts belongs to it: threads, work given to pools, coroutines given to a runner.

asyncio tasks need nothing: they copy the context of what creates them.
"""

from __future__ import annotations

import functools
import sys

from . import attribution

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_done: set[str] = set()
_MARK = "_recordbake_cause"


def follow() -> None:
    """Patch what is imported by now; to be called before a test, again and again."""
    if "threading" not in _done:
        import threading

        _done.add("threading")
        _follow_threads(threading.Thread)
    for name, class_name, patch in _LATER:
        module = sys.modules.get(name)
        if module is not None and name not in _done and hasattr(module, class_name):
            _done.add(name)
            patch(getattr(module, class_name))


def _follow_threads(cls: Any) -> None:
    """A thread begins with an empty context: it takes the cause along from ``start``.

    ``_bootstrap_inner`` is where a thread's own code begins; it is not documented, but unchanged
    since Python 3.0, and the only place that subclasses with a ``run`` of their own leave alone.
    """
    start, begin = cls.start, cls._bootstrap_inner

    @functools.wraps(start)
    def marked_start(self: Any) -> None:
        setattr(self, _MARK, attribution.cause())
        follow()  # a pool that starts its first thread was imported by now
        start(self)

    @functools.wraps(begin)
    def begin_inside(self: Any) -> None:
        attribution.adopt(self.__dict__.pop(_MARK, None))
        begin(self)

    cls.start, cls._bootstrap_inner = marked_start, begin_inside


def _follow_pools(cls: Any) -> None:
    """Work belongs to who submits it, whoever started the pool's threads."""
    make, run = cls.__init__, cls.run

    @functools.wraps(make)
    def marked_init(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        setattr(self, _MARK, attribution.cause())

    @functools.wraps(run)
    def run_inside(self: Any, *args: Any, **kwargs: Any) -> None:
        before = attribution.adopt(getattr(self, _MARK, None))
        try:
            run(self, *args, **kwargs)
        finally:
            attribution.adopt(before)

    cls.__init__, cls.run = marked_init, run_inside


def _follow_thread_pools(cls: Any) -> None:
    """The same for multiprocessing's pools of threads.

    All work goes through these two, in the thread that submits it; a release without the second,
    which is not documented, leaves that work with the test that made the pool.
    """
    apply, tasks = cls.apply_async, getattr(cls, "_guarded_task_generation", None)

    def inside(func: Any) -> Any:
        cause = attribution.cause()

        def run_inside(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            before = attribution.adopt(cause)
            try:
                return func(*args, **kwargs)
            finally:
                attribution.adopt(before)

        return run_inside

    @functools.wraps(apply)
    def apply_async(self: Any, func: Any, *args: Any, **kwargs: Any) -> Any:
        return apply(self, inside(func), *args, **kwargs)

    cls.apply_async = apply_async
    if tasks is None:
        return

    @functools.wraps(tasks)
    def _guarded_task_generation(self: Any, job: Any, func: Any, *args: Any) -> Any:
        return tasks(self, job, inside(func), *args)

    cls._guarded_task_generation = _guarded_task_generation


def _follow_runners(cls: Any) -> None:
    """A runner that many tests share runs each coroutine in a context as old as itself."""
    run = cls.run

    @functools.wraps(run)
    def run_inside(self: Any, coro: Any, *, context: Any = None) -> Any:
        cause = attribution.cause()
        if context is None and hasattr(self, "_context"):
            self.get_loop()
            context = self._context
        if context is not None and cause is not None:
            context.run(attribution.adopt, cause)
        return run(self, coro, context=context)

    cls.run = run_inside


def _follow_anyio(cls: Any) -> None:
    """The pytest plugin of anyio runs the tests of a backend in one task, as old as the backend.

    ``_call_in_runner_task`` is the one place that they go through; a release without it leaves
    them with the test that made the backend.
    """
    call = getattr(cls, "_call_in_runner_task", None)
    if call is None:
        return

    @functools.wraps(call)
    def call_inside(self: Any, func: Any, /, *args: Any, **kwargs: Any) -> Any:
        cause = attribution.cause()

        async def inside(*args: Any, **kwargs: Any) -> Any:
            attribution.adopt(cause)
            return await func(*args, **kwargs)

        return call(self, inside, *args, **kwargs)

    cls._call_in_runner_task = call_inside


_LATER = (
    ("concurrent.futures.thread", "_WorkItem", _follow_pools),
    ("multiprocessing.pool", "ThreadPool", _follow_thread_pools),
    ("asyncio.runners", "Runner", _follow_runners),  # from Python 3.11 on
    ("backports.asyncio.runner.runner", "Runner", _follow_runners),  # pytest-asyncio's before it
    ("anyio._backends._asyncio", "TestRunner", _follow_anyio),
    ("anyio._backends._trio", "TestRunner", _follow_anyio),
)
