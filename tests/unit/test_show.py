"""What is recorded can be looked at, in a recording and in a bake, without harm to a terminal."""

from __future__ import annotations

import gzip
import json

import pytest

from recordbake.console import printable
from recordbake.errors import DamagedError, UsageError
from recordbake.guest.exchange import Failure
from recordbake.preview import preview
from recordbake.rendering import render
from recordbake.show import opened, select
from tests.support.cli import recordbake
from tests.support.sample import T0, captured, make_recording

ITEMS = "https://api.example.org/items"
A, B = "tests/test_a.py::test_one", "tests/test_b.py::test_two[x]"


@pytest.fixture
def recording(tmp_path):
    entries = [
        captured(f"{ITEMS}?page=1", b'{"b": [1], "a": "\xc3\xa9"}', test=A,
                 headers=[("Content-Type", "application/json"), ("Set-Cookie", "a=1"),
                          ("Set-Cookie", "b=2")]),
        captured(f"{ITEMS}?page=2", gzip.compress(b"hello\n" * 40, mtime=0), test=B,
                 headers=[("Content-Type", "text/plain"), ("Content-Encoding", "gzip")]),
        captured("https://cdn.example.org/cat.png", b"\x89PNG\r\n\x1a\n" + bytes(50_000), test=B,
                 headers=[("Content-Type", "image/png")], shards=tmp_path / "shards"),
        captured("https://down.example.org/", test=A, failure=Failure("refused", "no", 111)),
    ]  # fmt: skip
    return make_recording(tmp_path / "rec", entries, tmp_path / "shards")


def test_a_url_or_a_part_of_one(recording):
    assert [s.url for s in select(recording, url=f"{ITEMS}?page=1")] == [f"{ITEMS}?page=1"]
    assert [s.url for s in select(recording, url="/items")] == [f"{ITEMS}?page={n}" for n in (1, 2)]
    assert len(select(recording)) == 4


def test_a_test_or_the_beginning_of_its_name(recording):
    assert {s.url for s in select(recording, test=B)} == {
        f"{ITEMS}?page=2", "https://cdn.example.org/cat.png"
    }  # fmt: skip
    assert len(select(recording, test="tests/test_a.py")) == 2


def test_what_is_not_there_says_what_is(recording):
    with pytest.raises(UsageError, match="did you mean https://api"):
        select(recording, url=f"{ITEMS}?page=3")
    with pytest.raises(UsageError, match=r"did you mean tests/test_b.py::test_two\[x\]"):
        select(recording, test="tests/test_b.py::test_two[y]")


def test_everything_that_is_kept_is_shown(recording):
    (entry,) = select(recording, url=f"{ITEMS}?page=1")
    assert render([entry], whole=True).splitlines() == [
        f"GET {ITEMS}?page=1",
        f"  key:      {entry.key}, take 0",
        "  recorded: 2026-09-21T14:13:20Z by urllib3 in 12 ms",
        f"  test:     {A}",
        "  answer:   HTTP/1.1 200 OK",
        "  request:",
        "    Accept: */*",
        "  headers:",
        "    Content-Type: application/json",
        "    Set-Cookie: a=1",
        "    Set-Cookie: b=2",
        f"  body: 21 bytes, sha256 {entry.body_sha256}",
        "    {",
        '      "b": [',
        "        1",
        "      ],",
        '      "a": "é"',
        "    }",
    ]
    assert entry.recorded_at == T0


def test_bodies_are_decoded_or_summarised(recording):
    text = render(select(recording, test=B), whole=True)
    assert "    hello\n    hello\n" in text
    assert "    (PNG image, 50,008 bytes, begins 89 50 4e 47 0d 0a 1a 0a)" in text


def test_a_failure_is_shown(recording):
    (entry,) = select(recording, url="https://down.example.org/")
    text = render([entry], whole=True)
    assert "  failure:  refused: no" in text
    assert "  suspect:" in text
    assert "answer" not in text
    assert render([entry], whole=False) == "refused  GET https://down.example.org/  5 bytes"


def test_the_command_and_its_json(recording):
    result = recordbake("show", "/items", "--json", "--recording", "rec", cwd=recording.path.parent)
    assert result.returncode == 0, result.stderr
    one, two = json.loads(result.stdout)
    assert one["url"] == f"{ITEMS}?page=1"
    assert one["headers"][1:] == [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]]
    assert (one["recorded_at"], one["tests"]) == ("2026-09-21T14:13:20Z", [A])
    assert two["body"].startswith("hello\n")


def test_a_bake_and_an_unpacked_bake_show_the_same(recording, tmp_path):
    expected = render(select(recording, url="/items"), whole=True)
    for arguments in (
        ["bake", "--recording", "rec", "--out", "bake"], ["unpack", "bake", "--to", "unpacked"]
    ):  # fmt: skip
        result = recordbake(*arguments, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
    for name in ("bake", "unpacked"):
        with opened(tmp_path / name) as found:
            assert render(select(found, url="/items"), whole=True) == expected


def test_no_recording_is_an_error_for_people(tmp_path):
    with opened(tmp_path) as found, pytest.raises(DamagedError, match="there is no store"):
        select(found)
    result = recordbake("show", "--test", "x", cwd=tmp_path)
    assert (result.returncode, "Traceback" in result.stderr) == (12, False)


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "expected"),
    [
        (b"", "", "", "(empty)"),
        (b"a\x1b[31mb\rc\x00"[:-1], "text/plain", "", "a\\x1b[31mb\\rc"),
        ("\u202eevil".encode(), "text/plain", "", "\\u202eevil"),
        ("é".encode("latin-1"), "text/html; charset=ISO-8859-1", "", "é"),
        ("é".encode("latin-1"), "text/plain", "", "é"),
        ("é".encode("utf-16"), "text/plain; charset=utf-16", "", "é"),
        (b"x", "text/plain; charset=nonsense", "", "(binary, 1 bytes, begins 78)"),
        (b"\x00\x01", "application/octet-stream", "", "(binary, 2 bytes, begins 00 01)"),
        (b"xyz", "text/plain", "br", "(binary, 3 bytes, sent as br, begins 78 79 7a)"),
        (b"not gzip", "text/plain", "gzip",
         "(binary, 8 bytes, sent as gzip, begins 6e 6f 74 20 67 7a 69 70)"),
        (b'{"a":', "application/json", "", '{"a":'),
        (b"1\n" * 30, "text/plain", "", "1\n" * 20 + "..."),
    ],
)  # fmt: skip
def test_previews(body, content_type, encoding, expected):
    assert preview(body, len(body), content_type, encoding) == expected


def test_a_text_that_is_cut_within_a_character():
    assert preview("aé".encode()[:-1], 3, "text/plain", "") == "a\n..."


def test_printable_keeps_text():
    assert printable("añ\t→\n") == "añ\t→\n"
