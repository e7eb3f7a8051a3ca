"""What HTTP lets a client ask of a stored thing: part of it, or whether it changed."""

from __future__ import annotations

import re

from standin.message import Request, Response, header

_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")


def unless_known(request: Request, response: Response) -> Response:
    """Turn a 200 into 304 when the client names the entity tag it already has."""
    tag = header(response.headers, "ETag")
    known = [
        given.strip().removeprefix("W/") for given in request.header("If-None-Match").split(",")
    ]
    if response.status != 200 or not tag or tag.removeprefix("W/") not in known:
        return response
    kept = {"etag", "cache-control", "vary", "last-modified"}
    return Response(304, [(k, v) for k, v in response.headers if k.lower() in kept])


def part_of(request: Request, response: Response) -> Response:
    """Answer a Range request with 206, or 416 when the range lies outside."""
    total = len(response.body)
    headers = [*response.headers, ("Accept-Ranges", "bytes")]
    match = _RANGE.match(request.header("Range").strip())
    if response.status != 200 or match is None or match.groups() == ("", ""):
        return Response(response.status, headers, response.body)
    first, last = match.groups()
    start = int(first) if first else max(0, total - int(last))
    end = min(int(last), total - 1) if first and last else total - 1
    if start > end:
        return Response(416, [*headers, ("Content-Range", f"bytes */{total}")])
    headers.append(("Content-Range", f"bytes {start}-{end}/{total}"))
    return Response(206, headers, response.body[start : end + 1])
