"""Looks up what a missed request is compared with; loaded at the first miss."""

from __future__ import annotations

from . import attribution, decision
from .exchange import DamagedStoreError
from .explain import Advice, miss_message, name_test, one_line
from .likeness import Recorded, closest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .config import GuestConfig
    from .plan import Plan
    from .reader import StoreReader

#: Entries of one URL whose headers and bodies are compared.
_MOST = 100


def explain(reader: StoreReader, config: GuestConfig, plan: Plan) -> str:
    """Why a request is not in the recording, and what to do.

    Args:
        reader: the store.
        config: what to run to record it.
        plan: the request, its test and what was decided.
    """
    kept, asked = plan.request, plan.vary_request or plan.request
    blocked = plan.action == decision.BLOCK
    if plan.reason == "upgrade":
        what = "recordbake blocked" if blocked else "not captured:"
        return (
            f"{what} {kept.method} {kept.url}: it asks for another protocol than HTTP\n"
            f"  test:    {plan.test or 'none known'} (client: {kept.client})\n"
            f"  next:    WebSockets are not captured; name {plan.host} in ignore_hosts of"
            " [tool.recordbake] if it may go out"
        )
    if plan.reason == "damaged":
        what = "recordbake blocked" if blocked else "live miss:"
        return (
            f"{one_line(f'{what} {kept.method} {kept.url}: {plan.message}')}\n"
            f"  test:    {name_test(plan.test, plan.phase)} (client: {kept.client})\n"
            f"  next:    {config.record_command}"
        )
    try:
        near = reader.neighbours(plan.host, kept.url)
        chosen = closest(kept.method, kept.url, near, _MOST)
        candidates = [Recorded(n, *reader.request_of(n[3])) for n in chosen]
    except DamagedStoreError:
        candidates = []
    advice = Advice(
        config.record_command, config.record_test_command, attribution.selector(plan.test)
    )
    return miss_message(
        asked, kept.url, plan.test, candidates, advice, phase=plan.phase, blocked=blocked
    )
