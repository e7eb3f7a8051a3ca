"""What fuzzing begins with: good examples of each kind, made by the code that writes them."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

from recordbake.guest import codec
from recordbake.guest.exchange import Failure
from tests.support.bakes import Item, baked, pack
from tests.support.sample import captured, request_event


def seeds() -> dict[str, list[bytes]]:
    """Good examples, by target."""
    entries = [
        captured("http://a.example/", headers=[("A", "b"), ("Set-Cookie", "c=d")]),
        captured("http://a.example/", failure=Failure("reset", "gone", 104, "head", "")),
    ]
    tar = pack([Item.of("hf_cache", b"5"), Item.of("hf_cache/a", data=b"x"),
                Item.of("hf_cache/b", b"2", link="a")])  # fmt: skip
    events = [request_event("http://a.example/"), {"v": 1, "ts": 1.0, "event": "test", "test": "t",
              "phase": "call", "outcome": "passed"}]  # fmt: skip
    lines = "".join(json.dumps(event) + "\n" for event in events).encode()
    with tempfile.TemporaryDirectory() as work:
        good = baked(Path(work)) / "manifest.json"
        manifest = json.loads(good.read_bytes())
    manifest["left_out"] = manifest["left_out"][:1]
    return {
        "value": [codec.encode_value(entries[0])[len(codec.MAGIC) :]],
        "shard": [codec.encode_record(entry) for entry in entries],
        "journal": [lines],
        "run_info": [b'{"run":"r","mode":"record","command":["pytest"],"started_at":1.0}'],
        "manifest": [json.dumps(manifest).encode()],
        "archive": [tar],
        "packed": [gzip.compress(tar, mtime=0)],
        "key": [b"https://user@EXAMPLE.org:443/a//b?token=x&sig=1&a=+%20#f\0" + b'{"b":1,"a":[2]}',
                b"http://[::1]:8080?x-amz-signature=1\0--a\r\n"],
    }  # fmt: skip
