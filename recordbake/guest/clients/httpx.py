"""httpx and httpx2, sync and async, and what stands on them, such as huggingface_hub.

The seam is the transport's ``handle_request`` and ``handle_async_request``: the response is still
raw there; redirects, cookies, decoding and streaming are done by the client, above.
"""

from __future__ import annotations

import functools
import sys
from contextlib import suppress
from weakref import WeakKeyDictionary

from .. import clock, decision, keys
from ..config import STRICT
from ..exchange import CANCELLED, Head, Request
from ..framing import is_chunked
from . import httpx_fields, httpx_network, httpx_release, httpx_repeats, httpx_trace
from .exceptions import is_unwrapped
from .httpx_bodies import Bodies
from .httpx_failures import classify, is_of_sending, raise_failure, unwrapped
from .httpx_streams import join_large, make_streams, wait_to_be_cancelled
from .patching import is_patched, mark
from .retry import RetryBudget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType
    from typing import Any

    from ..capture import Capture
    from ..engine import Engine
    from ..plan import Plan


def _text(pairs: Any) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]


class HttpxSeam:
    """Plans requests and builds responses with one httpx's own classes.

    Args:
        module: ``httpx`` or ``httpx2``.
        engine: decides and captures.
    """

    def __init__(self, module: ModuleType, engine: Engine) -> None:
        self.module = module
        self.name = module.__name__
        self.engine = engine
        self.streams, self.bodies = make_streams(module), Bodies(module)
        self.sent, self.fields = httpx_fields.reader(module), httpx_fields.maker(module)
        self.note_large = join_large(module)

    def plan(
        self, request: Any, body: bytes, transport: Any, broken: Exception | None = None
    ) -> Plan:
        """Decide; the request's body has been read before.

        Args:
            request: httpx's.
            body: as far as it could be read.
            transport: what is to send it.
            broken: why its body cannot be sent as a whole.

        Raises:
            Exception: ``broken``, where a strict replay knows of nothing that came before it.
            httpx.ProxyError: a strict replay does not let the request out. Not a NetworkError:
                huggingface_hub would try again for 23 s, then fall back to its cache in silence.
        """
        __tracebackhide__ = True  # pytest then shows the suite's own lines
        url = request.url
        asked = Request(
            request.method,
            f"{url.scheme}://{url.netloc.decode('ascii')}{url.raw_path.decode('ascii')}",
            self.sent(request.headers), body, self.name,
        )  # fmt: skip
        if broken is not None and self._is_lost(asked):
            raise broken
        plan = self.engine.plan(asked)
        if plan.action == decision.ANSWER:
            return plan
        if plan.action == decision.BYPASS and self.engine.is_beyond(_proxy_host(transport)):
            plan = self.engine.plan(asked, beyond=True)
        if plan.action == decision.BLOCK:
            raise self.module.ProxyError(plan.message, request=request)
        return plan

    def _is_lost(self, asked: Request) -> bool:
        """Whether a request that cannot be sent would be blocked: it could not have gone out."""
        engine = self.engine
        return (
            engine.config.mode == STRICT and not engine.knows(asked)
            and not engine.bypasses(keys.host_of(asked.url), keys.port_of(asked.url))
        )  # fmt: skip

    def answer(self, plan: Plan, request: Any, *, is_async: bool) -> Any:
        """The response of a recorded take.

        Raises:
            httpx.TransportError: the take is a failure.
        """
        take = plan.take
        assert take is not None
        head = take.head
        if head is None:
            assert take.failure is not None
            raise_failure(self.module, take.failure, request)
        stream = self.streams.answer(take, request, is_async=is_async)
        extensions = {
            "http_version": f"HTTP/{head.version}".encode("ascii"),
            "network_stream": httpx_network.make(self.name, is_async=is_async),
        }
        if head.version == "2":
            extensions["stream_id"] = 1  # the first of a connection (RFC 9113 section 5.1.1)
        else:
            extensions["reason_phrase"] = head.reason.encode("latin-1", "replace")
        response = self.module.Response(
            status_code=head.status,
            headers=self.fields(head.headers),
            stream=stream,
            extensions=extensions,
        )
        if take.body is None:
            self.note_large(response, stream)
        return response

    def steps(self, plan: Plan, request: Any) -> Iterable[tuple[str, dict[str, Any]]]:
        """What the request's ``trace`` extension is told, if it has one."""
        if request.extensions.get("trace") is None:
            return ()
        assert plan.take is not None
        assert plan.take.head is not None
        return httpx_trace.steps(self.module, request, plan.take.head)

    def accept(self, capture: Capture, response: Any, *, is_async: bool) -> Any:
        """A live response, kept while the caller reads it."""
        capture.head = head_of(response)
        chunks = capture.head.version == "2" or is_chunked(capture.head.headers)
        response.stream = self.streams.live(
            response.stream, capture, is_async=is_async, chunks=chunks
        )
        return response

    def failed(self, capture: Capture, error: BaseException) -> None:
        """Keep a transport error or a cancellation as an outcome; what is neither is not kept."""
        if isinstance(error, self.module.TransportError):
            capture.fail(classify(self.module, error))
        elif is_unwrapped(error):
            capture.fail(unwrapped(error))
        elif isinstance(error, (Exception, KeyboardInterrupt, SystemExit)):
            capture.abandon()
        else:
            capture.cancel()


def _proxy_host(transport: Any) -> str | None:
    """The host of the proxy that httpcore's pool of a transport asks, if it asks one."""
    url = getattr(getattr(transport, "_pool", None), "_proxy_url", None)
    return None if url is None else url.host.decode("ascii").strip("[]")


def head_of(response: Any) -> Head:
    """Status line and header fields of a raw response."""
    version = response.extensions.get("http_version", b"HTTP/1.1").decode("ascii")
    reason = response.extensions.get("reason_phrase", b"").decode("latin-1")
    return Head(
        response.status_code, reason, version.partition("/")[2], _text(response.headers.raw)
    )


#: Class of a pool -> its method, and whether somebody has put it there; there are few classes.
_judged: WeakKeyDictionary[Any, tuple[Any, bool]] = WeakKeyDictionary()


def is_not_ours(transport: Any, request: Any) -> bool:
    """Whether a transport is mocked, speaks over a Unix socket (which stays here), or no HTTP."""
    pool = getattr(transport, "_pool", None)
    return (
        getattr(pool, "_uds", None) is not None
        or request.url.scheme not in ("http", "https")
        or _is_mocked(type(pool))
    )


def _is_mocked(pool: Any) -> bool:
    """Whether someone has replaced the methods of httpcore's pool, as respx does: it answers."""
    method = getattr(pool, "handle_request", None) or getattr(pool, "handle_async_request", None)
    found = _judged.get(pool)
    if found is None or found[0] is not method:
        library = str(pool.__module__).partition(".")[0]
        own = str(getattr(method, "__module__", "")).partition(".")[0]
        found = _judged[pool] = method, library.startswith("httpcore") and own != library
    return found[1]


def _patch_sync(cls: Any, seam: HttpxSeam) -> None:
    original = cls.handle_request

    @functools.wraps(original)
    def handle_request(self: Any, request: Any) -> Any:
        __tracebackhide__ = True
        if is_not_ours(self, request):
            return original(self, request)
        body, stream, broken = getattr(request, "_content", None), None, None
        if body is None:
            stream = request.stream
            body, request.stream, broken = seam.bodies.collect(stream)
        try:
            return _send(seam, original, self, request, body, broken)
        finally:
            if stream is not None:
                request.stream = stream  # what cannot be sent twice is to say so

    mark(handle_request)
    cls.handle_request = handle_request


def _send(  # noqa: PLR0913, PLR0917
    seam: HttpxSeam, original: Any, transport: Any, request: Any, body: bytes,
    broken: Exception | None,
) -> Any:  # fmt: skip
    __tracebackhide__ = True
    plan = seam.plan(request, body, transport, broken)
    if plan.action == decision.ANSWER:
        response = seam.answer(plan, request, is_async=False)
        for name, info in seam.steps(plan, request):
            request.extensions["trace"](name, info)
        return response
    capture = seam.engine.watch(plan)
    budget = RetryBudget(seam.engine.config, plan)
    while True:
        try:
            response = original(transport, request)
        except BaseException as error:
            seam.failed(capture, error)
            raise
        wait = budget.wait_for(head_of(response))
        if wait is None:
            return seam.accept(capture, response, is_async=False)
        capture.retries += 1
        response.stream.close()
        clock.sleep(wait)


def _patch_async(cls: Any, seam: HttpxSeam) -> None:
    original = cls.handle_async_request

    @functools.wraps(original)
    async def handle_async_request(self: Any, request: Any) -> Any:
        __tracebackhide__ = True
        if is_not_ours(self, request):
            return await original(self, request)
        body, stream, broken = getattr(request, "_content", None), None, None
        if body is None:
            stream = request.stream
            body, request.stream, broken = await seam.bodies.acollect(stream)
        try:
            return await _send_async(seam, original, self, request, body, broken)
        finally:
            if stream is not None:
                request.stream = stream  # what cannot be sent twice is to say so

    cls.handle_async_request = handle_async_request


async def _send_async(  # noqa: PLR0913, PLR0917
    seam: HttpxSeam, original: Any, transport: Any, request: Any, body: bytes,
    broken: Exception | None,
) -> Any:  # fmt: skip
    __tracebackhide__ = True
    plan = seam.plan(request, body, transport, broken)
    if plan.action == decision.ANSWER:
        return await _answer_async(seam, plan, request)
    capture = seam.engine.watch(plan)
    capture.proxy = _proxy_host(transport)
    budget = RetryBudget(seam.engine.config, plan)
    while True:
        try:
            response = await original(transport, request)
        except BaseException as error:
            seam.failed(capture, error)
            raise
        wait = budget.wait_for(head_of(response))
        if wait is None:
            return seam.accept(capture, response, is_async=True)
        capture.retries += 1
        await response.stream.aclose()
        await _sleep(wait)


async def _answer_async(seam: HttpxSeam, plan: Plan, request: Any) -> Any:
    """The response of a hit; a request that failed does before it what it did live."""
    assert plan.take is not None
    failure = None if plan.take.head else plan.take.failure
    if failure is not None and failure.kind == CANCELLED:
        await wait_to_be_cancelled(request)
    if failure is not None and is_of_sending(failure):
        async for _ in request.stream:  # it had begun to, and leaves the rest as live
            seam.answer(plan, request, is_async=True)
    response = seam.answer(plan, request, is_async=True)
    for name, info in seam.steps(plan, request):
        await request.extensions["trace"](name, info)
    return response


async def _sleep(seconds: float) -> None:
    """Wait without blocking the loop; httpx always has anyio beside it."""
    await sys.modules["anyio"].sleep(seconds)


def install(module: ModuleType, engine: Engine) -> str:
    """Patch the transports of ``httpx`` or ``httpx2``; returns its version."""
    if not is_patched(module.HTTPTransport.handle_request):
        seam = HttpxSeam(module, engine)
        _patch_sync(module.HTTPTransport, seam)
        _patch_async(module.AsyncHTTPTransport, seam)
        with suppress(AttributeError, KeyError):  # a release that is built otherwise repeats it all
            httpx_repeats.install(module)
        with suppress(AttributeError, KeyError):
            httpx_release.install(module)
    return str(getattr(module, "__version__", "unknown"))
