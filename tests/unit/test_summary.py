"""The summary says each thing once, and whom it concerns."""

from __future__ import annotations

from recordbake import summary

URL = "https://api.example.org/items"


def misses(*tests):
    return [
        {"method": "GET", "url": URL, "test": test, "message": f"recordbake blocked GET {URL}"}
        for test in tests
    ]


def told(capsys, *tests):
    summary._misses(misses(*tests))
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_one_miss(capsys):
    assert told(capsys, "a") == f"recordbake: recordbake blocked GET {URL}\n"


def test_several_misses_of_one_request_name_the_other_tests(capsys):
    assert told(capsys, "a", "a").endswith("\n  times:   2\n")
    assert told(capsys, "a", "b", None, "a").endswith("\n  times:   4, also by b, none known\n")
    many = [f"t{n}" for n in range(13)]
    assert told(capsys, *many).endswith("t10 and 2 more\n")
