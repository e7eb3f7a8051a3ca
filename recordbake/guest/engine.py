"""What every client's adapter talks to: plan a request, answer it or watch it go live."""

from __future__ import annotations

import os
from functools import lru_cache
from operator import attrgetter

from . import attribution, clock, decision, keys, live, redaction
from .capture import Capture, set_length
from .codec import encode_record
from .config import GuestConfig
from .events import ShardFile, circumstances, load_json, told, unique_name
from .exchange import (
    Captured,
    DamagedStoreError,
    Head,
    Request,
    Take,
    header,
    is_suspect,
    is_upgrade,
)
from .known_secrets import Secrets, named_secrets
from .plan import Known, Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .events import Journal
    from .exchange import Headers
    from .reader import StoreReader
    from .takes import TakeOrder

    #: What the key of a request without a body is made of, and its client.
    Same = tuple[str, str, str, keys.Traits]

#: Fields that every ``request`` event has.
_DEFAULTS = {"status": None, "take": None, "bytes": 0, "suspect": False}

#: Origins of which it is remembered whether they are captured; requests that are remembered.
_MOST_ORIGINS = 1000
_MOST_KNOWN = 2000

#: What is kept of a request that is answered.
_NOTHING = Request("", "", [])
_failure = attrgetter("failure")

LOOPBACK_NAMES = frozenset({"localhost", "::1", "0.0.0.0"})  # noqa: S104  # names in URLs


def is_loopback(host: str) -> bool:
    """Whether a URL's host names this machine, by name alone (RFC 6761 section 6.3)."""
    host = host.removesuffix(".")  # the root, which ends a full name (RFC 1034 section 3.1)
    return host in LOOPBACK_NAMES or host.startswith("127.") or host.endswith(".localhost")


def _is_bypassed(known: Known, allowed: frozenset[str]) -> bool:
    """Whether a request is none of our business, or may go live: its test says so."""
    return known.bypassed or (
        bool(allowed) and (attribution.ANY in allowed or known.host in allowed)
    )


class Engine:
    """Decides, looks up, captures and journals; shared by all adapters of a process.

    Args:
        config: the run's settings.
        journal: where events go.
    """

    def __init__(self, config: GuestConfig, journal: Journal) -> None:
        load_json()
        self.config = config
        self.journal = journal
        self._entries = ShardFile(config.shards, ".entries")
        self._volatile = redaction.parameter_pattern(list(config.volatile_parameters))
        self._secrets = Secrets(named_secrets(os.environ).values())
        self._kept_headers = lru_cache(maxsize=64)(self._redacted)  # most requests have the same
        # Not weak: a response that is thrown away unread is reported at the end of the process.
        self._open: set[Capture] = set()
        #: Whether requests are answered from the store at all.
        self.answers = decision.needs_lookup(config.mode, missing=config.missing)
        self._reader: StoreReader
        self._order: TakeOrder
        self._asked: set[str] = set()
        self._refetched: frozenset[str] = frozenset()
        if self.answers:
            self._open_store()
        self._bypassed: dict[str, bool] = {}
        self._knows_secrets = bool(self._secrets)
        self._known: dict[Same, Known] = {}
        self._ignored = frozenset(host.lower() for host in config.ignore_hosts)

    @classmethod
    def from_settings(cls, settings: dict[str, Any], journal: Journal) -> Engine:
        """Build from the handover's dictionary."""
        return cls(GuestConfig.from_settings(settings), journal)

    def _open_store(self) -> None:
        """Load what reads the store: most processes that are recorded need no SQLite."""
        from .reader import StoreReader
        from .takes import TakeOrder

        self._reader = StoreReader(self.config.store)
        self._order = TakeOrder(self._reader, self.config.shards)
        self._asked = self._reader.asked
        if self.config.refetch:
            from . import refetch

            self._refetched = refetch.keys(self.config.refetch)

    def bypasses(self, host: str, port: int | None) -> bool:
        """Whether requests to a host and port are none of our business."""
        host = host.lower()
        if host in self._ignored:
            return True
        config = self.config
        return is_loopback(host) and not (config.capture_loopback or port in config.capture_ports)

    def is_beyond(self, proxy: str | None) -> bool:
        """Whether a proxy leads out of this machine, so that no request to it stays here.

        Args:
            proxy: its host; None or empty for none.
        """
        return bool(proxy) and not self.bypasses(str(proxy), None)

    def _is_bypassed_as_loopback(self, known: Known) -> bool:
        """Whether a request is bypassed for what its URL names, and nobody said so."""
        allowed, host = circumstances()[3], known.host
        return host not in self._ignored and not allowed & {attribution.ANY, host}

    def _bypasses(self, url: str, host: str) -> bool:
        """As :meth:`bypasses`, for a normal URL."""
        origin = url[: url.find("/", len("https://"))]
        found = self._bypassed.get(origin)
        if found is None:
            if len(self._bypassed) >= _MOST_ORIGINS:
                self._bypassed.clear()
            found = self._bypassed[origin] = self.bypasses(host, keys.port_of(url))
        return found

    def knows(self, request: Request) -> bool:
        """Whether the store has an answer, without taking it; a damaged one counts."""
        key = keys.request_key(self._without_secrets(request), self._volatile)
        try:
            return key not in self._refetched and bool(self._reader.takes(key, request.headers))
        except (DamagedStoreError, OSError):
            return True

    def waits_for_request(self, request: Request) -> bool:
        """Whether a connection that nobody recorded by itself leads to an origin that is known.

        Args:
            request: the ``CONNECT`` that stands for it.
        """
        if not self.answers or self.config.missing or self.knows(request):
            return False
        url, host = keys.known_as(request.url, self._volatile)
        if self._bypasses(url, host):
            return True  # a proxy: requests name other hosts
        try:
            return any(near[1].startswith(url) for near in self._reader.neighbours(host, url))
        except DamagedStoreError:
            return True

    def plan(self, request: Request, *, beyond: bool = False) -> Plan:
        """Decide what happens to a request that is complete.

        A hit and a block are journalled here; what goes live is journalled when it ends.

        Args:
            request: the request.
            beyond: it leaves this machine though its URL may name it; see :meth:`is_beyond`.
        """
        config = self.config
        known = self._know(request)
        test, phase, attempt, allowed = circumstances()
        plan = Plan(decision.BYPASS, _NOTHING, known.host, known.key, test, phase, attempt, request)
        if _is_bypassed(known, allowed) and not (beyond and self._is_bypassed_as_loopback(known)):
            plan.reason = "bypass"
            plan.request = Request(request.method, known.url, [], b"", request.client)
            return plan
        if self.answers:
            self._look_up(plan, request)
        plan.action = decision.decide(
            config.mode, found=plan.take is not None, missing=config.missing
        )
        if plan.action == decision.ANSWER:
            assert plan.take is not None
            self.journal.hit(plan.take, known.told, test, phase, plan.started)
            return plan
        if plan.take is None and is_upgrade(request.headers):
            plan.action, plan.reason = decision.without_http(config.mode), "upgrade"
        headers = list(self._kept_headers(tuple(request.headers)))
        plan.request = Request(request.method, known.url, headers, b"", request.client)
        if plan.action in (decision.BLOCK, decision.FORWARD):
            plan.message = self._explain(plan)
        if plan.action == decision.BLOCK:
            self._journal(plan, "blocked", elapsed_ms=plan.elapsed_ms(), message=plan.message)
        return plan

    def _redacted(self, headers: tuple[tuple[str, str], ...]) -> Headers:
        return self._secrets.headers(redaction.redact_request_headers(list(headers)))

    def _know(self, request: Request) -> Known:
        """What never changes of a request, put together once if it is asked for again."""
        traits = keys.traits_of(request.headers)
        same = request.method, request.url, request.client, traits
        known = None if request.body else self._known.get(same)
        if known is None:
            asked = request
            if self._knows_secrets or request.body or redaction.PLACEHOLDER in request.url:
                request = self._without_secrets(request)
            known = self._get_to_know(request, traits)
            if known.key in self._asked and request is asked:
                self._remember(same, known, request)
        return known

    def _remember(self, same: Same, known: Known, request: Request) -> None:
        """Know a request the next time, if it is selected by nothing else than that."""
        if not request.body and not same[3].conditions:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[same] = known

    def _get_to_know(self, request: Request, traits: keys.Traits) -> Known:
        """What never changes of a request that has no secrets."""
        url, host = keys.known_as(request.url, self._volatile)
        key = keys.key_of(request, url, traits)
        line = told(request.method, url, host, request.client, key) if self.answers else ""
        return Known(url, host, key, line, bypassed=self._bypasses(url, host))

    def _without_secrets(self, request: Request) -> Request:
        """The request as it is known by: what a replay without the secrets asks for, too."""
        url, body = self._secrets.text(request.url), request.body
        if body:
            body = self._secrets.content(body, header(request.headers, "content-type") or "")
        if url == request.url and body == request.body:
            return request
        return Request(request.method, url, request.headers, body, request.client)

    def answer(self, request: Request) -> Take | None:
        """The answer of a hit that is a whole response, journalled; else nothing has happened.

        For seams above another one, which plans what is not answered here.
        """
        if not self.answers:
            return None
        asked = clock.ticks()
        known = self._know(request)
        test, phase, attempt, allowed = circumstances()
        if _is_bypassed(known, allowed):
            return None
        try:
            takes = self._takes(known.key, request)
            if not takes or any(map(_failure, takes)):
                return None
            take = self._chosen(takes, known.key, test, attempt)
        except (DamagedStoreError, OSError):
            return None
        self.journal.hit(take, known.told, test, phase, asked)
        return take

    def _chosen(self, takes: list[Take], key: str, test: str | None, attempt: int) -> Take:
        """The answer among takes, whole."""
        take = takes[0] if len(takes) == 1 else self._order.choose(takes, key, test, attempt)
        return self._reader.own(take)

    def _takes(self, key: str, request: Request) -> list[Take]:
        if self._refetched and key in self._refetched:
            return []
        takes = self._reader.takes(key, request.headers)
        if self.config.missing:  # an answer that is no good is as missing as none
            takes = [t for t in takes if t.failure is None and not is_suspect(t.head, None)]
        return takes

    def _look_up(self, plan: Plan, request: Request) -> None:
        try:
            takes = self._takes(plan.key, request)
            if takes:
                plan.take = self._chosen(takes, plan.key, plan.test, plan.attempt)
            else:
                plan.reason = "stale" if plan.key in self._refetched else "uri-miss"
        except (DamagedStoreError, OSError) as error:
            plan.reason = "damaged"
            plan.message = str(error)
            self.journal.write("damage", test=plan.test, key=plan.key, message=str(error))

    def watch(self, plan: Plan) -> Capture:
        """A capture for a request that goes live now."""
        capture = Capture(
            plan,
            keep=plan.action == decision.KEEP,
            body_path=lambda: f"{self.config.shards}/{unique_name()}.body",
            report=self._report,
            secrets=self._secrets,
        )
        self._open.add(capture)
        live.begin(capture)
        return capture

    def finish(self) -> None:
        """Report the exchanges that are still open when the process ends."""
        for capture in list(self._open):
            capture.abandon()
        if self.answers:
            self._reader.close()

    def _report(self, plan: Plan, captured: Captured, capture: Capture) -> None:
        self._open.discard(capture)
        live.end(capture)
        head = captured.head
        failure = captured.failure
        if failure is not None:
            failure.message = self._secrets.text(failure.message)
            failure.raw = self._secrets.text(failure.raw)
            failure.chain = self._secrets.data(failure.chain)
        if capture.keep:
            if head is not None and plan.vary_request is not None:
                captured.vary = keys.vary_of(head, plan.vary_request)
            if head is not None:
                captured.request.shape = self._shape(plan)
                headers = redaction.redact_response_headers(head.headers, self._volatile)
                headers = self._secrets.headers(headers)
                captured.head = Head(
                    head.status, head.reason, head.version, headers, head.interim,
                    self._secrets.headers(head.trailers),
                )  # fmt: skip
                set_length(headers, captured.body_size, capture.sent)
            try:
                self._entries.write(encode_record(captured))
            except OSError as error:
                capture.lost = error
        if capture.lost is not None:
            self._journal_loss(plan, captured, capture.lost)
            return
        if capture.keep and failure is None and head is not None and not plan.message:
            self.journal.stored(plan, captured, capture.retries)
            return
        outcome = decision.OUTCOME[plan.action]
        unanswered = failure is not None and head is None
        if plan.action == decision.KEEP and (unanswered or capture.torn):
            outcome = "failed"  # in a replay it is a live miss all the same
        self._journal(
            plan,
            outcome,
            status=None if head is None else head.status,
            bytes=captured.body_size,
            elapsed_ms=round(captured.live_ms, 3),
            suspect=captured.suspect,
            retries=capture.retries,
            **({"message": plan.message} if plan.message else {}),
            **({} if failure is None else {"error": failure.as_dict()}),
        )

    def _journal_loss(self, plan: Plan, captured: Captured, error: OSError) -> None:
        """What went live and was to be kept could not be written."""
        self.journal.lose(error)
        plan.reason = "lost"
        self._journal(plan, "forwarded", bytes=captured.body_size)

    def _shape(self, plan: Plan) -> dict[str, Any] | None:
        request = plan.vary_request
        if request is None or not request.body:
            return None
        from .shape import body_shape

        return body_shape(request.body, header(request.headers, "content-type") or "")

    def _explain(self, plan: Plan) -> str:
        from .misses import explain

        if not self.answers:  # of what becomes another protocol while it is recorded
            self._open_store()
        return explain(self._reader, self.config, plan)

    def _journal(self, plan: Plan, outcome: str, **fields: Any) -> None:
        """One ``request`` event; ``elapsed_ms`` where nothing was waited for is our own."""
        self.journal.write(
            "request",
            test=plan.test,
            phase=plan.phase,
            outcome=outcome,
            reason=plan.reason,
            method=plan.request.method,
            url=plan.request.url,
            host=plan.host,
            from_cache=outcome == "hit",
            client=plan.request.client,
            key=plan.key,
            **(_DEFAULTS | fields),
        )
