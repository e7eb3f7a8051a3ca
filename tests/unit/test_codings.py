"""A body that the caller cannot decode is no answer."""

from __future__ import annotations

import pytest

from recordbake.guest.codings import readable


@pytest.mark.parametrize(
    ("coding", "asked", "recorded", "expected"),
    [
        (None, "identity", "gzip", True),
        ("gzip", "gzip, deflate", "gzip, deflate, br", True),
        ("br", "gzip, deflate", "gzip, deflate, br", False),
        ("br", "gzip, deflate, br;q=0", "br", False),
        ("br", "gzip, deflate, br;q=0.5", "br", True),
        ("br", "br;q=0.000", "x", False),
        ("zstd", "*", "zstd", True),
        ("zstd", None, "zstd", True),
        ("gzip", "identity", "identity", True),  # the server did not care
        ("gzip", "identity", "gzip", False),
        ("x-gzip", "gzip", "x", True),
        ("gzip, br", "gzip", "gzip, br", False),
        ("identity", "gzip", "br", True),
        ("GZIP", "GZip", "x", True),
    ],
)
def test_readable(coding, asked, recorded, expected):
    answer = [] if coding is None else [("Content-Encoding", coding)]
    request = [] if asked is None else [("accept-encoding", asked)]
    assert readable(answer, request, [["Accept-Encoding", recorded]]) is expected
