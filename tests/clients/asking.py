"""What a feature of the contract asks of a client, in words that every client understands."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from urllib.parse import urlencode

#: How a response is read. A client does each in its own way, or says why it cannot.
WHOLE = "whole"  # at once, decoded where the client decodes
BLOCKS = "blocks"  # in blocks of 700 bytes, decoded where the client decodes
AS_SENT = "as-sent"  # in the pieces that the server sent, where the client shows them
LINES = "lines"
RAW = "raw"  # undecoded
PART = "part"  # ten bytes undecoded, then closed
TWICE = "twice"  # read again after it was read
BLOCK = 700


class NotSupportedError(Exception):
    """A client truly cannot do what is asked; the text says why."""


@dataclass(frozen=True)
class Ask:
    """One request, and how its response is read.

    Args:
        path: on the origin; or an absolute URL; or one of the names below and a path.
        method: of the request.
        headers: sent besides the client's own.
        body: bytes to send.
        json: data to send as JSON, by the client's own encoder.
        form: pairs to send as a form.
        files: name -> (file name, bytes), sent as multipart with ``form``.
        pieces: the body by a generator of these, of unknown length.
        timeout: seconds.
        read: how the response is read.
        follow: whether redirects are followed, where the client can.
        http2: whether HTTP/2 is offered.
        user: credentials, and how they are sent: ``basic`` or ``digest``.
    """

    path: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    json: object = None
    form: tuple[tuple[str, str], ...] = ()
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    pieces: tuple[bytes, ...] = ()
    timeout: float = 20
    read: str = WHOLE
    follow: bool = True
    user: tuple[str, str, str] | None = None
    http2: bool = False

    def url(self, bases: dict[str, str]) -> str:
        """Where the request goes.

        Args:
            bases: URLs of the ``ORIGIN``; of its ``OTHER`` name; of the ports that are ``REFUSED``
                and ``DEAF``; of the origin over ``TLS``, over ``TLS-OTHER`` (a name that its
                certificate has not), ``TLS-UNKNOWN`` (its authority is not known) and
                ``TLS-PLAIN`` (it speaks no TLS); and of ``H2``, which speaks HTTP/2.
        """
        if self.path.startswith("http"):
            return self.path
        name, slash, rest = self.path.partition("/")
        return bases[name or "ORIGIN"] + slash + rest


def encoded(ask: Ask) -> tuple[object, dict[str, str]]:
    """Body and header fields, for clients that encode nothing themselves."""
    body, headers = ask.body, dict(ask.headers)
    if ask.pieces:
        return iter(ask.pieces), headers
    if ask.form:
        return urlencode(ask.form), headers | {"Content-Type": "application/x-www-form-urlencoded"}
    if ask.json is not None:
        return json.dumps(ask.json), headers | {"Content-Type": "application/json"}
    return body, headers
