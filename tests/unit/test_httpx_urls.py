"""A URL is parsed to what httpx parses it to, by its own code where there is something to do."""

from __future__ import annotations

import importlib
import inspect

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recordbake.guest.clients import httpx_urls

LIBRARIES = ("httpx", "httpx2")
PLAIN = "http://x.example:8080/a/b.c?d=e/f"


def parser_of(library):
    return importlib.import_module(f"{library}._urlparse")


def original_of(library):
    return inspect.unwrap(parser_of(library).urlparse)


def result(parse, *args, **parts):
    try:
        found = parse(*args, **parts)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is the same
        return type(error), str(error)
    return type(found), found, [type(part) for part in found], str(found)


_PIECES = st.sampled_from([
    "http", "https", "HTTP", "ftp", ":", "//", "/", "x", "X", ".", "..", "...", "1.2.3.4", "[::1]",
    "999.1.1.1", "@", "80", "443", "0080", "99999", "?", "#", "&", "=", "%", "%2f", "%C3", "%zz",
    "'", '"', "<", " ", "\t", "\n", "\x7f", "\u00fc", "\ud800", "{", "|", "\\", "^", "`", "~", "_",
    "-", "+", ";", ",", "!", "$", "(",
])  # fmt: skip
_ANY = st.lists(_PIECES, max_size=12).map("".join)
_MOSTLY_PLAIN = st.builds(
    "{}://{}{}{}{}".format, st.sampled_from(["http", "https"]),
    st.sampled_from(["x.example", "localhost", "1.2.3.4", "1.2.3", "999.1.1.1", "x..", "-", "u@X"]),
    st.sampled_from(["", ":80", ":443", ":8080", ":", ":x", ":0", ":65536"]),
    st.sampled_from(["/", "", "//"]), _ANY,
)  # fmt: skip


@pytest.mark.parametrize("library", LIBRARIES)
@given(url=_ANY | _MOSTLY_PLAIN | st.text())
@example(url="//x/y")
@example(url="/x//y:z?a")
@example(url="/../x")
@example(url="/")
@example(url="/?")
@example(url="http://x/.")
@example(url="http://x/..")
@example(url="http://x/../a")
@example(url="http://x/a/./?b")
@example(url="http://x/a/..?b")
@example(url="http://x/.../..a/a..")
@example(url="http://x/a\n")
@example(url="http://x/" + "a" * 70_000)
def test_any_url_is_parsed_as_httpx_parses_it(library, url):
    original = original_of(library)
    ours = httpx_urls.remembering(parser_of(library), original)
    for _ in range(2):
        assert result(ours, url) == result(original, url)


@pytest.mark.parametrize("library", LIBRARIES)
def test_parts_and_other_types_are_httpx_own(library):
    class Text(str):
        __slots__ = ()

    original = original_of(library)
    calls = []

    def counting(*args, **parts):
        calls.append(args)
        return original(*args, **parts)

    ours = httpx_urls.remembering(parser_of(library), counting)
    for args, parts in [((), {}), ((PLAIN,), {"path": "/x y"}), ((Text(PLAIN),), {}), ((None,), {}),
                        ((b"http://x/",), {}), ((PLAIN,), {"port": 1})]:  # fmt: skip
        assert result(ours, *args, **parts) == result(original, *args, **parts)
    assert len(calls) == 6


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_origin_is_parsed_once(library):
    calls = []

    def counting(url):
        calls.append(url)
        return original_of(library)(url)

    ours = httpx_urls.remembering(parser_of(library), counting)
    for n in range(5):
        assert ours(f"https://x.example/{n}/?q={n}") == original_of(library)(
            f"https://x.example/{n}/?q={n}"
        )
    assert calls == ["https://x.example"]
    assert [ours("/a?b"), ours("/")] == [original_of(library)("/a?b"), original_of(library)("/")]
    assert calls == ["https://x.example", ""]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", httpx_urls._PARSING)
def test_what_is_left_out_is_used_where_a_test_replaces_it(library, name, monkeypatch):
    parser = parser_of(library)
    if not hasattr(parser, name):
        pytest.skip(f"this release of {library} has no {name}")
    calls = []
    ours = httpx_urls.remembering(parser, lambda url: calls.append(url) or ("http", "", "x", None))
    ours("http://x/1")
    monkeypatch.setattr(parser, name, object())
    ours("http://x/2")
    assert calls == ["http://x", "http://x/2"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_release_that_quotes_otherwise_is_left_alone(library, monkeypatch):
    parser, user = parser_of(library), importlib.import_module(f"{library}._urls")
    for module in (parser, user):  # put back at the end
        monkeypatch.setattr(module, "urlparse", original_of(library))
    with monkeypatch.context() as changed:
        quote = parser.quote
        changed.setattr(parser, "quote", lambda *args, **options: quote(*args, **options) + "'")
        httpx_urls.install(parser, user)
        assert parser.urlparse is original_of(library)
    httpx_urls.install(parser, user)
    assert parser.urlparse is user.urlparse is not original_of(library)
    assert inspect.unwrap(parser.urlparse) is inspect.unwrap(user.urlparse)
