"""Exceptions kept as data."""

from __future__ import annotations

import json
import socket
import ssl

import httpcore
import httpx
import pytest

from recordbake.guest.clients import exceptions
from recordbake.guest.clients.failures import classify, rebuild
from recordbake.guest.clients.httpx_failures import classify as classify_httpx
from recordbake.guest.clients.httpx_failures import raise_failure
from recordbake.guest.exchange import Failure


def through_json(failure, client=""):
    failure.client = client
    return Failure.from_dict(json.loads(json.dumps(failure.as_dict())))


def raised(error, cause=None):
    try:
        raise error from cause
    except type(error) as caught:
        return caught


RESET = ConnectionResetError(104, "Connection reset by peer")


def test_a_chain_comes_back_with_its_causes_and_arguments():
    inner = raised(httpcore.ReadError(RESET), RESET)
    chain = json.loads(json.dumps(exceptions.describe(raised(ValueError("x", 1), inner))))
    made = exceptions.rebuild(chain)
    assert (type(made), made.args) == (ValueError, ("x", 1))
    assert type(made.__cause__) is httpcore.ReadError
    assert made.__cause__.args[0].errno == 104
    assert type(made.__cause__.__cause__) is ConnectionResetError


def test_what_was_raised_from_something_was_raised_while_it_was_handled():
    try:
        try:
            raise RESET
        except OSError as error:
            raise ValueError("x") from error
    except ValueError as error:
        live = error
    made = exceptions.rebuild(exceptions.describe(live))
    assert type(live.__context__) is type(made.__context__) is ConnectionResetError


def test_errors_of_tls_name_library_and_reason():
    context = ssl.create_default_context()
    inner, outer = ssl.MemoryBIO(), ssl.MemoryBIO()
    inner.write(b"HTTP/1.1 400 Bad Request")
    with pytest.raises(ssl.SSLError) as caught:
        context.wrap_bio(inner, outer, server_hostname="x.example").do_handshake()
    live = caught.value
    made = exceptions.rebuild(json.loads(json.dumps(exceptions.describe(live))))
    assert isinstance(made, ssl.SSLError)
    assert (made.library, made.reason) == (live.library, live.reason)
    assert live.reason
    bare = exceptions.make("ssl", "SSLEOFError", [8, "EOF occurred"])
    assert (bare.library, bare.reason) == (None, None)


@pytest.mark.parametrize(
    ("module", "name"), [("builtins", "print"), ("os", "system"), ("no.such", "Error"),
                         ("builtins", "KeyboardInterrupt"), ("subprocess", "Popen")],
)  # fmt: skip
def test_only_exceptions_are_made(module, name):
    assert exceptions.make(module, name, ["true"]) is None


def test_arguments_that_do_not_fit_make_nothing():
    assert exceptions.make("builtins", "UnicodeDecodeError", ["only one"]) is None


def test_a_failure_of_httpx_is_raised_again_as_it_was():
    live = raised(httpx.WriteError("broken"), httpcore.WriteError(RESET))
    failure = through_json(classify_httpx(httpx, live), "httpx")
    with pytest.raises(httpx.WriteError, match=r"^broken$") as caught:
        raise_failure(httpx, failure, httpx.Request("GET", "http://x/"))
    assert isinstance(caught.value.__cause__, httpcore.WriteError)


def test_what_a_socket_raised_is_said_once_by_httpx():
    failure = through_json(classify(RESET, "head"), "urllib3")
    with pytest.raises(httpx.ReadError) as caught:
        raise_failure(httpx, failure, httpx.Request("GET", "http://x/"))
    assert str(caught.value) == "[Errno 104] Connection reset by peer"


def test_what_httpx_raised_is_said_once_by_a_socket():
    live = raised(httpx.ReadError(str(RESET)), httpcore.ReadError(RESET))
    assert str(rebuild(through_json(classify_httpx(httpx, live), "httpx"))) == str(RESET)


def test_a_name_that_is_not_known_stays_a_gaierror():
    error = socket.gaierror(-2, "Name or service not known")
    made = rebuild(through_json(classify(error, "connect"), "urllib3"))
    assert (type(made), made.args) == (socket.gaierror, error.args)
