"""Known secrets never reach the disk, and a bake that would ship one is refused."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from typing import TYPE_CHECKING

import pytest

from recordbake import seen_secrets
from recordbake.bake import Options, bake
from recordbake.errors import SecretError
from recordbake.guest.capture import Capture, set_length
from recordbake.guest.config import GuestConfig
from recordbake.guest.engine import Engine
from recordbake.guest.events import Journal
from recordbake.guest.exchange import Captured, Failure, Head, Request
from recordbake.guest.known_secrets import Secrets, Stream, hide_fields, is_secret, named_secrets
from recordbake.guest.plan import Plan
from recordbake.scanning import Scanner
from tests.support.bakes import BODY, make_sample
from tests.support.sample import captured, make_recording

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cr3t/Value+for=tests"
TOKEN = "hf_" + "Abcdefghij1234567890" + "Klmnopqrstuvwx"
SECRETS = Secrets([SECRET])


@pytest.mark.parametrize("size", [1, 2, 7, len(SECRET), 1000])
def test_a_secret_is_found_wherever_a_body_is_cut(size: int) -> None:
    body = b"<<" + SECRET.encode() + b">> " + b"x" * 50 + SECRET.encode()
    stream = Stream(SECRETS)
    pieces = [stream.feed(body[at : at + size]) for at in range(0, len(body), size)]
    clean = b"".join(pieces) + stream.finish()
    assert len(clean) == len(body)
    assert SECRET.encode() not in clean
    assert clean.startswith(b"<<REDACTED____")
    assert clean[24:27] == b">> "


def test_spellings_and_placeholders_of_any_length_are_one_in_urls() -> None:
    plain = "https://h/a?k=REDACTED&b=1"
    for written in (SECRET, "s3cr3t%2FValue%2Bfor%3Dtests", "REDACTED______________", "REDACTED"):
        assert SECRETS.text(f"https://h/a?k={written}&b=1") == plain
    assert Secrets().text("https://h/a?k=REDACTED____&b=1") == plain, "a replay without the value"
    assert SECRETS.content(json.dumps({"k": SECRET}).encode(), "application/json") == (
        Secrets().content(b'{"k": "REDACTED______________"}', "application/json")
    )


def test_what_counts_as_a_secret() -> None:
    found = named_secrets(
        {
            "MY_TOKEN": "abcdef123456", "api_key": "abcdef123457", "DB_PASSWORD": "short",
            "X_SECRET": "aaaaaaaaaaaaaaaa", "SSH_KEY": "/home/me/.ssh/id_ed25519",
            "MONKEY": "abcdef123456x", "NOTE_KEY": "two words here", "PATH": "abcdef1234567",
        }
    )  # fmt: skip
    assert found == {"MY_TOKEN": "abcdef123456", "api_key": "abcdef123457"}
    assert is_secret(TOKEN)


def test_the_hubs_token_file_counts(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    assert list(named_secrets({"HF_HOME": str(tmp_path)}).values()) == [TOKEN]


@pytest.mark.parametrize("name", ["access_token", "refreshToken", "client_secret"])
def test_token_fields_of_small_answers_keep_their_length(name: str) -> None:
    body = json.dumps({name: "abcd1234efgh", "n": 1}).encode()
    clean = hide_fields(body, "application/json; charset=utf-8")
    assert json.loads(clean) == {name: "REDACTED____", "n": 1}
    form = f"scope=a&{name}=abcd1234efgh".encode()
    assert hide_fields(form, "application/x-www-form-urlencoded").endswith(b"=REDACTED____")
    assert hide_fields(body, "text/plain") == body


def test_of_a_jwt_only_the_signature_goes() -> None:
    body = b'{"id_token": "eyJhbGci.eyJzdWIi.c2lnbmF0dXJl"}'
    assert hide_fields(body, "application/json") == (
        b'{"id_token": "eyJhbGci.eyJzdWIi.REDACTED____"}'
    )


def capture_of(
    tmp_path: Path, headers: list[tuple[str, str]], body: bytes
) -> tuple[Captured, bytes, Head]:
    """What a capture keeps of an answer, and its body."""
    kept: list[Captured] = []
    plan = Plan(
        "keep", Request("GET", "https://h/", []), "h", "0" * 32, None, None, 0, vary_request=None
    )
    capture = Capture(
        plan, keep=True, body_path=lambda: str(tmp_path / "body"),
        report=lambda _plan, found, _capture: kept.append(found), secrets=SECRETS,
    )  # fmt: skip
    capture.head = Head(200, "OK", "1.1", headers)
    for at in range(0, len(body), 5000):
        capture.write(body[at : at + 5000])
    capture.finish()
    (found,) = kept
    set_length(headers, found.body_size, capture.sent)
    data = found.body if found.body_file is None else (tmp_path / found.body_file).read_bytes()
    assert len(data) == found.body_size
    return found, data, capture.head


def test_an_error_is_kept_without_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_TOKEN", SECRET)
    (tmp_path / "shards").mkdir()
    config = GuestConfig("record", "r", str(tmp_path / "shards"))
    engine = Engine(config, Journal(config.as_settings()))
    capture = engine.watch(engine.plan(Request("GET", "https://h.example/", [])))
    said = f"illegal header line: {SECRET}"
    cause = ("h11", "RemoteProtocolError", [said, {"list": [SECRET, 7]}])
    capture.fail(Failure("protocol", said, 0, "head", said, chain=[cause]))
    written = b"".join(path.read_bytes() for path in (tmp_path / "shards").iterdir())
    assert SECRET.encode() not in written
    assert b"illegal header line: REDACTED" in written


@pytest.mark.parametrize("padding", [0, 100_000])
@pytest.mark.parametrize("encoding", [None, "gzip", "deflate"])
def test_a_body_is_kept_without_secrets_compressed_or_not(
    tmp_path: Path, padding: int, encoding: str | None
) -> None:
    noise = os.urandom(padding // 2).hex().encode()
    body = b"before " + noise + SECRET.encode() + noise + b" after"
    sent, headers = body, [("Content-Type", "text/plain")]
    if encoding == "gzip":
        sent = gzip.compress(body)
    elif encoding == "deflate":
        sent = zlib.compress(body)
    if encoding:
        headers.append(("Content-Encoding", encoding))
    headers.append(("Content-Length", str(len(sent))))
    found, data, head = capture_of(tmp_path, headers, sent)
    assert dict(head.headers)["Content-Length"] == str(found.body_size)
    plain = zlib.decompressobj(47).decompress(data) if encoding else data
    assert len(plain) == len(body)
    assert SECRET.encode() not in plain
    assert plain.startswith(b"before ")
    assert plain.endswith(b" after")
    assert (found.body_file is not None) == (found.body_size > 16 * 1024)


def test_a_body_without_secrets_is_kept_byte_for_byte(tmp_path: Path) -> None:
    packed = gzip.compress(b"nothing to hide" * 20, mtime=7)
    headers = [("Content-Encoding", "gzip"), ("Content-Length", str(len(packed)))]
    assert capture_of(tmp_path, headers, packed)[1] == packed


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("inline", "Hugging Face"), ("gzip", "Hugging Face"), ("header", "Hugging Face"),
        ("large", "GitHub"), ("large gzip", "AWS"), ("hub", "private key"), ("jwt", "web token"),
    ],
)  # fmt: skip
def test_a_bake_that_would_ship_a_token_is_refused(tmp_path: Path, where: str, what: str) -> None:
    github, aws = b"ghp_" + b"a1B2" * 9, b"AKIA" + b"ABCDEFGH12345678"
    pem = b"-----BEGIN RSA PRIVATE KEY-----\n" + b"MIIEow" * 20
    jwt = b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLW9mLWl0"
    noise = os.urandom(40_000)
    bodies = {
        "inline": TOKEN.encode(), "gzip": gzip.compress(b"x " + TOKEN.encode()), "jwt": jwt,
        "large": noise + b" " + github + b" ",
        "large gzip": gzip.compress(noise + b"\n" + aws + b"\n"),
    }  # fmt: skip
    headers = [("X-Echo", TOKEN)] if where == "header" else [("X-Echo", "none")]
    entry = captured(
        "https://h/x", bodies.get(where, b"hello"), headers=headers, shards=tmp_path / "shards"
    )
    recording = make_recording(tmp_path / "recording", [entry], tmp_path / "shards")
    if where == "hub":
        recording.hf_cache.mkdir()
        (recording.hf_cache / "notes").write_bytes(pem)
    with pytest.raises(SecretError) as caught:
        bake(recording, tmp_path / "bake")
    text = str(caught.value)
    assert what in text
    assert ("hf_cache/notes" if where == "hub" else "GET https://h/x") in text
    for secret in (TOKEN, github.decode(), aws.decode(), jwt.decode()):
        assert secret not in text
    assert not (tmp_path / "bake").exists()
    (digest,) = [line.split("(")[1].rstrip(")") for line in text.splitlines() if "where" in line]
    bake(recording, tmp_path / "bake", Options(allowed_secrets=(f"sha256:{digest}",)))


def test_values_seen_while_recording_are_known_by_hash_alone(tmp_path: Path) -> None:
    value = "plainbutsecret123"
    recording = make_recording(
        tmp_path / "r", [captured("https://h/x", f'{{"v": "{value}"}}'.encode())]
    )
    seen_secrets.remember(recording.path, {"APP_PASSWORD": value})
    seen_secrets.remember(recording.path, {"APP_PASSWORD": value})
    written = (recording.path / "secrets.json").read_text()
    assert value not in written
    assert len(json.loads(written)["values"]) == 1
    assert (recording.path / "secrets.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(SecretError, match="the value of APP_PASSWORD in GET https://h/x"):
        bake(recording, tmp_path / "bake")


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


@pytest.mark.parametrize("before", [-5, -36, -45, -4090, 0, 1, 4090])
@pytest.mark.parametrize("pieces", [1, 2, 4])
@pytest.mark.parametrize("rest", [b"\n", b"\n" * 5000, b"\n" * (1 << 19)])
def test_a_secret_across_two_pieces_of_a_file_is_found(
    tmp_path: Path, before: int, pieces: int, rest: bytes
) -> None:
    path, value = tmp_path / "f", "Zx81-Zx82-Zx83-Zx84"
    text = b"x" * ((pieces << 18) + before) + b" " + TOKEN.encode() + b" " + value.encode() + rest
    seen_secrets.remember(tmp_path, {"APP_PASSWORD": value})
    for written in (text, *([gzip.compress(text, 1)] if pieces == 2 else [])):
        path.write_bytes(written)
        read: list[int] = []
        scanner = Scanner(seen_secrets.read(tmp_path), {"OTHER_TOKEN": value[:15]})
        scanner.file(path, "f", read.append)
        assert {(f.what, f.digest) for f in scanner.found} == {
            ("a Hugging Face token", digest_of(TOKEN)),
            ("the value of APP_PASSWORD", digest_of(value)),
            ("the value of OTHER_TOKEN", digest_of(value[:15])),
        }
        assert sum(read) == len(written)


@pytest.mark.parametrize("pieces", [1, 2])
def test_half_a_token_is_none_where_a_file_is_cut(tmp_path: Path, pieces: int) -> None:
    key = b"AKIA" + b"ABCDEFGH12345678"
    for cut in (len(key), 4096):
        path = tmp_path / f"{cut}"
        fill = b" " * ((pieces << 18) - cut - 1)
        path.write_bytes(fill + b" " + key + b"x" + b" " * 9000)  # too long
        scanner = Scanner([], {})
        scanner.file(path, "f", lambda _: None)
        path.write_bytes(fill + b"x" + key + b" " * 9000)  # the end of a longer word
        scanner.file(path, "f", lambda _: None)
        assert not scanner.found
        path.write_bytes(fill + b" " + key + b" " * 9000)
        scanner.file(path, "f", lambda _: None)
        assert [f.digest for f in scanner.found] == [digest_of(key.decode())]


@pytest.mark.parametrize("around", [b"", b"hf_hf_", b"an_identifier_that_is_long "])
def test_a_value_of_the_environment_is_found_whatever_it_begins_with(around: bytes) -> None:
    known = {"HF_TOKEN": TOKEN, "APP_KEY": "Zx81-Zx82-Zx83"}
    scanner = Scanner([], known)
    assert scanner.is_clean(around * 1000)
    for value in known.values():
        assert not scanner.is_clean(around * 1000 + b" " + value.encode() + b" " + around)
    scanner.look(b" ".join([around * 1000, *map(str.encode, known.values())]), "here")
    assert {found.what for found in scanner.found} == {
        "the value of HF_TOKEN", "the value of APP_KEY", "a Hugging Face token"
    }  # fmt: skip


def test_the_sample_is_clean(tmp_path: Path) -> None:
    bake(make_sample(tmp_path, large=[BODY]), tmp_path / "bake")
