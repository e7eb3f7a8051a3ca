"""httpx's header fields: of a request as text, of a recorded answer as httpx holds them.

httpx holds each field as three byte strings: its name as it is, the name in lower case, the value.
Where that is found to be so, fields are handed over in this form, which httpx would make of each of
them anew.
"""

from __future__ import annotations

import functools
from operator import attrgetter

from ..framing import bare_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from ..exchange import Headers

    #: A field as httpx holds it: name, name in lower case, value.
    Held = tuple[bytes, bytes, bytes]


@functools.lru_cache(maxsize=64)
def _texts(fields: tuple[tuple[bytes, ...], ...]) -> Headers:
    """Fields of a request: most requests of a client have the same."""
    return [(field[0].decode("latin-1"), field[-1].decode("latin-1")) for field in fields]


@functools.lru_cache(maxsize=512)
def _field(pair: tuple[str, str]) -> tuple[bytes, bytes]:
    """A field of an answer: many answers share most of theirs."""
    return pair[0].encode("latin-1"), bare_value(pair[1]).encode("latin-1")


@functools.lru_cache(maxsize=512)
def _held(pair: tuple[str, str]) -> Held:
    name, value = _field(pair)
    return name, name.lower(), value


def _holds_so(cls: Any) -> bool:
    """Whether this release's ``Headers`` are nothing but a list of such fields and an encoding."""
    made: object = cls([(b"A-b", b"C")])
    return vars(made) == {"_list": [(b"A-b", b"a-b", b"C")], "_encoding": None}


def reader(module: ModuleType) -> Callable[[Any], Headers]:
    """What reads the fields of a request of ``httpx`` or ``httpx2``, a list for each who asks."""
    cls: Any = module.Headers
    holds_so = _holds_so(cls)

    def read(headers: Any) -> Headers:
        held = headers._list if holds_so and type(headers) is cls else headers.raw
        return _texts(tuple(held)).copy()

    return read


def maker(module: ModuleType) -> Callable[[Headers], Any]:
    """What makes a recorded head's fields what a response of ``httpx`` or ``httpx2`` is made of."""
    cls: Any = module.Headers
    holds_so, step = _holds_so(cls), attrgetter("__init__")
    own = step(cls)

    def make(fields: Headers) -> Any:
        if not holds_so or step(cls) is not own:
            return list(map(_field, fields))
        made = cls.__new__(cls)
        made._list, made._encoding = list(map(_held, fields)), None
        return made

    return make
