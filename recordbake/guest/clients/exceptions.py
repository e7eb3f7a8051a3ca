"""Exceptions to data and back: their classes by name, their arguments where JSON can hold them."""

from __future__ import annotations

import re
import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..exchange import Chain

_MOST = 6
_REASON = re.compile(r"\[([^:\]]+): ([^\]]+)\]")
#: What ``ssl.SSLCertVerificationError`` has beside its arguments.
_FIELDS = ("verify_code", "verify_message")
_PLAIN = (str, int, float, bool, type(None))
#: What a client raises of values that it cannot use, such as a timeout that is no number.
_MISTAKES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
#: What clients stand on and may not have loaded when nothing went over a wire.
_LIBRARIES = frozenset({"anyio", "h11", "h2", "httpcore", "httpcore2", "socksio", "trio"})
#: Where they have their exceptions; importing others of their modules might start something.
_MODULES = frozenset({"", "exceptions", "_exceptions", "_core", "_util"})


def describe(error: BaseException) -> Chain:
    """An exception and what it was raised from, outermost first."""
    chain: Chain = []
    at: BaseException | None = error
    while at is not None and len(chain) < _MOST:
        chain.append(_link(at))
        at = at.__cause__
    return chain


def _link(error: BaseException) -> tuple[str, str, list[object]]:
    arguments = [_encode(a) for a in _arguments_of(error)]
    fields = {name: getattr(error, name) for name in _FIELDS if hasattr(error, name)}
    if fields:
        arguments.append({"fields": fields})
    return type(error).__module__, type(error).__qualname__, arguments


def _arguments_of(error: BaseException) -> tuple[object, ...]:
    """What an exception was made of; those of PySocks do not tell by ``args``."""
    inner = getattr(error, "socket_err", None)
    if error.args or not hasattr(error, "socket_err"):
        return error.args
    text = str(error)
    return (text,) if inner is None else (text.removesuffix(f": {inner}"), inner)


def _encode(value: object) -> object:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, BaseException):
        return {"chain": describe(value)}
    if isinstance(value, (list, tuple)):
        return {"list": [_encode(item) for item in value]}
    return str(value)


def _decode(value: Any) -> object:
    if not isinstance(value, dict):
        return value
    if "list" in value:
        return [_decode(item) for item in value["list"]]
    return rebuild(value["chain"])


def make(module: str, name: str, arguments: list[Any]) -> BaseException | None:
    """An exception again; None where there is no such class.

    What is kept is data: only classes of exceptions are called, and nothing is imported but the
    libraries that clients stand on.

    Args:
        module: of the class.
        name: of the class.
        arguments: its ``args``.
    """
    try:
        library, _, within = module.partition(".")
        if library in _LIBRARIES:
            import_module(module if within.rpartition(".")[2] in _MODULES else library)
        cls: Any = sys.modules.get(module)
        for part in name.split("."):
            cls = getattr(cls, part, None)
        if not (isinstance(cls, type) and issubclass(cls, Exception)):
            return None
        fields: dict[str, Any] = {}
        if arguments and isinstance(arguments[-1], dict) and "fields" in arguments[-1]:
            *arguments, last = arguments
            fields = last["fields"]
        made = cls(*(decoded := tuple(map(_decode, arguments))))
        for field in fields.keys() & _FIELDS:
            setattr(made, field, fields[field])
        if made.args and made.args != decoded:  # it makes a text of what it is given
            made.args = decoded
    except Exception:  # of another release, which is built differently
        return None
    assert isinstance(made, BaseException)
    if module == "ssl" and isinstance(made, OSError):
        _name_reason(made)
    return made


def _name_reason(error: Any) -> None:
    """Set what OpenSSL's errors have beside their arguments (Python documentation, ssl.SSLError).

    Their text begins with it: ``[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert ...``.
    """
    found = _REASON.match(error.strerror or "")
    error.library, error.reason = found.groups() if found else (None, None)


def rebuild(chain: Chain) -> BaseException | None:
    """The exceptions of a chain, each raised from the next; None where a class is not there."""
    cause = None
    for module, name, arguments in reversed(chain):
        made = make(module, name, arguments)
        if made is None:
            return None
        if cause is not None:  # as ``raise made from cause`` does while ``cause`` is handled
            made.__cause__ = made.__context__ = cause
        elif module.startswith("httpcore") and isinstance(at := (*made.args, None)[0], Exception):
            made.__context__ = at  # it raises what it makes of another one, then that from None
            made.__suppress_context__ = True
        cause = made
    return cause


def is_mistake(error: object) -> bool:
    """Whether an exception is the client's about what it was given, not about the network."""
    group = getattr(error, "exceptions", None)  # what a task group raises
    if type(group) is tuple and group:
        return all(map(is_mistake, group))
    return isinstance(error, _MISTAKES) and not isinstance(error, OSError)


def is_unwrapped(error: object) -> bool:
    """Whether an exception is one that httpx lets through from what it stands on, or a mistake."""
    library = type(error).__module__.partition(".")[0]
    return isinstance(error, Exception) and (library in _LIBRARIES or is_mistake(error))


def _flat(links: Any) -> Iterator[Any]:
    """All links of a chain and of their arguments, outer ones first."""
    for link in links:
        yield link
        for argument in link[2]:
            if isinstance(argument, dict):
                yield from _flat(argument.get("chain", ()))


def system_error(chain: Chain) -> OSError | None:
    """The operating system's error at the bottom of a chain, of whichever client."""
    for module, name, arguments in reversed(list(_flat(chain))):
        made = make(module, name, arguments)
        if isinstance(made, OSError):
            return made
    return None
