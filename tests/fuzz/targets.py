"""What is fuzzed: each target takes any bytes, and raises only where recordbake is wrong."""

from __future__ import annotations

import io
import json
import tempfile
from contextlib import suppress
from pathlib import Path

from recordbake.bake.describing import describe, describe_pruned
from recordbake.bake.manifest import ArchiveInfo, Manifest
from recordbake.bake.reading import read_archive
from recordbake.errors import DamagedError
from recordbake.guest import codec, keys
from recordbake.guest.exchange import Captured, Request
from recordbake.journal import bounded_lines, outcomes_of_tests
from recordbake.run_info import RunInfo

_DIGEST = "0" * 64


def value(data: bytes) -> None:
    """A value of the store: refused, or the same after a round trip."""
    try:
        meta, head, body = codec.decode_value(codec.MAGIC + data)
    except codec.CodecError:
        return
    if body is not None and len(body) <= codec.INLINE_LIMIT:
        request = Request(str(meta.get("method")), str(meta.get("url")), [], b"", "")
        again = codec.encode_value(
            Captured("", request, head, body_sha256=str(meta["body"]["sha256"]), body=body,
                     body_size=len(body), chunks=meta["chunks"])
        )  # fmt: skip
        _, head_again, body_again = codec.decode_value(again)
        assert (head_again, body_again) == (head, body)


def shard(data: bytes) -> None:
    """Records of a shard: what is read names no place but its own."""
    with suppress(codec.CodecError):
        for captured in codec.read_records(io.BytesIO(data)):
            assert "/" not in (captured.body_file or "")
            assert captured.body_file not in (".", "..")
            assert len(captured.body_sha256) == 64
            codec.encode_record(captured)


def journal(data: bytes) -> None:
    """A journal: lines that cannot be read are passed over."""
    events = []
    for line in bounded_lines(io.BytesIO(data)):
        with suppress(ValueError, RecursionError):
            event = json.loads(line)
            if isinstance(event, dict):
                events.append(event)
    outcomes = outcomes_of_tests(events)
    assert outcomes.passed <= outcomes.ran
    from recordbake.audit.events import EventTable

    with tempfile.NamedTemporaryFile(suffix=".ndjson") as file:
        file.write(data)
        file.flush()
        table = EventTable()
        with suppress(DamagedError):
            table.read(Path(file.name), "run")
        table.frame()


def run_info(data: bytes) -> None:
    """A ``run.json``."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(data)
        file.flush()
        with suppress(ValueError):
            RunInfo.read(Path(file.name))


def manifest(data: bytes) -> None:
    """A manifest: refused, or the same after a round trip."""
    where = Path("manifest.json")
    try:
        found = Manifest.from_json(data, where)
    except DamagedError:
        return
    assert Manifest.from_json(found.to_json(), where) == found
    describe(found, where)
    describe_pruned(found)


def archive(data: bytes) -> None:
    """A tar as it stands in an archive, without its compression."""
    import hashlib
    import zlib

    packer = zlib.compressobj(0, wbits=31)  # stored: what is fuzzed is the tar
    packed = packer.compress(data) + packer.flush()
    info = ArchiveInfo(
        hashlib.sha256(packed).hexdigest(), len(packed), hashlib.sha256(data).hexdigest(),
        len(data), 1000,
    )  # fmt: skip
    names = []

    def take(entry) -> None:
        names.append(entry.name)
        assert entry.name.split("/")[0] == "hf_cache"
        assert not {"", ".", ".."} & set(entry.name.split("/"))
        if entry.content is not None:
            assert len(entry.content.read()) <= len(data)

    with tempfile.NamedTemporaryFile(suffix=".tgz") as file:
        file.write(packed)
        file.flush()
        with suppress(DamagedError):
            read_archive(Path(file.name), info, "hf_cache", take)
    assert len(set(names)) == len(names)


def packed(data: bytes) -> None:
    """An archive as it is, compression included."""
    info = ArchiveInfo(_DIGEST, len(data), _DIGEST, 1 << 20, 1000)
    for suffix in (".tgz", ".tar.zst"):
        with tempfile.NamedTemporaryFile(suffix=suffix) as file:
            file.write(data)
            file.flush()
            with suppress(DamagedError):
                read_archive(Path(file.name), info, "hf_cache", lambda _: None)


def key(data: bytes) -> None:
    """Keys: the same for what is normalised already, and never an error."""
    text, _, body = data.partition(b"\0")
    url = text.decode("utf-8", "surrogateescape")
    once = keys.normalise_url(url)
    authority = url.partition("://")[2].partition("/")[0].partition("?")[0]
    # Of what no client takes for a URL only that it has a key.
    sane = not set("&=") & set(authority)
    assert keys.normalise_url(once) == once or not sane
    for content_type in ("application/json", 'multipart/form-data; boundary="a"', "", url):
        keys.body_digest(body, content_type)
        headers = [("Content-Type", content_type), ("Range", url)]
        found = keys.request_key(Request("GET", url, headers, body))
        assert (
            found == keys.request_key(Request("get", once, headers, body)) or "@" in url or not sane
        )
        assert len(found) == keys.KEY_LENGTH
    keys.host_of(url)
    keys.port_of(url)


TARGETS = {
    target.__name__: target
    for target in (value, shard, journal, run_info, manifest, archive, packed, key)
}
