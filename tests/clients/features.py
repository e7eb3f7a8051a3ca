"""The features of the contract: what is asked of every client."""

from __future__ import annotations

from tests.clients.asking import AS_SENT, BLOCKS, LINES, PART, RAW, TWICE, WHOLE, Ask
from tests.clients.redirects import REASONS

#: Seconds, and who gives up after them: long enough for a server that is busy to begin its answer.
IMPATIENT = 2

READING = {
    f"{how}-{path}": Ask(f"/{path}", read=how)
    for how in (RAW, BLOCKS, LINES, PART, TWICE)
    for path in ("text", "gzip", "chunked")
}

SENDING = {
    "post": Ask("/echo", "POST", body=b'{"b": 1, "a": [2, 1]}'),
    "put": Ask("/echo", "PUT", body=b"put"),
    "patch": Ask("/echo", "PATCH", body=b"patch"),
    "delete": Ask("/echo", "DELETE"),
    "options": Ask("/echo", "OPTIONS"),
    "purge": Ask("/echo", "PURGE"),
    "post-json": Ask("/do-show/json", "POST", json={"b": [1, {"caf\u00e9": None}], "a": 1.5}),
    "post-form": Ask("/do-show/form", "POST", form=(("a", "1 2"), ("a", "&="), ("\u00e9", "x"))),
    "post-multipart": Ask("/do-show/files", "POST", form=(("a", "1"),),
                          files={"file": ("name.txt", b"content")}),
    "post-streamed": Ask("/do-show/pieces", "POST", pieces=(b"one", b"two" * 50, b"three")),
    "post-empty": Ask("/do-show/empty", "POST", body=b""),
    "post-large": Ask("/do-show/large", "POST", body=bytes(range(256)) * 4096),
    "post-two-bodies": Ask("/echo", "POST", body=b"another body"),
    "expect-continue": Ask("/do-show/expect", "PUT", body=b"x", headers={"Expect": "100-continue"}),
    "head": Ask("/text", "HEAD"),
    "head-gzip": Ask("/gzip", "HEAD"),
    "head-missing": Ask("/missing", "HEAD"),
}  # fmt: skip

CODINGS = {
    **{name: Ask(f"/{name}") for name in ("gzip", "deflate", "br", "zstd", "latin")},
    "gzip-chunked": Ask("/gzip-chunked"),
    "gzip-chunked-blocks": Ask("/gzip-chunked", read=BLOCKS),
    "gzip-chunked-as-sent": Ask("/gzip-chunked", read=AS_SENT),
    "bad-gzip": Ask("/bad-gzip"),
}

FRAMING = {
    "unsized": Ask("/unsized"),
    "chunked": Ask("/chunked"),
    "chunk-extras": Ask("/chunk-extras"),
    "as-sent-chunked": Ask("/chunked", read=AS_SENT),
    "as-sent-many": Ask("/many-chunks", read=AS_SENT),
    "large": Ask("/large"),
    "big-chunk": Ask("/big-chunk"),
    "close": Ask("/close"),
    "http-1.0": Ask("/http-1.0"),
    "http-1.0-sized": Ask("/http-1.0-sized"),
    "empty": Ask("/empty"),
    "no-content": Ask("/nothing"),
    "reset-content": Ask("/reset-content"),
    "both-lengths": Ask("/both-lengths"),
    "bad-length": Ask("/bad-length"),
    "early-hints": Ask("/hints"),
    "interim": Ask("/interim"),
    "events": Ask("/do-events", read=LINES),
    "events-as-sent": Ask("/do-events", read=AS_SENT),
    "closed-early": Ask("/large", read=PART),
}

HEADERS = {
    "headers": Ask("/headers"),
    "odd-headers": Ask("/odd-headers"),
    "folded-headers": Ask("/folded"),
    "no-reason": Ask("/no-reason"),
    "odd-reason": Ask("/odd-reason"),
    "cookies": Ask("/cookies"),
    "cookie-redirect": Ask("/set-and-go"),
    "vary-1": Ask("/do-vary", headers={"Accept-Language": "de"}),
    "vary-2": Ask("/do-vary", headers={"Accept-Language": "fr"}),
    "etag": Ask("/do-fresh"),
    "not-modified": Ask("/do-fresh", headers={"If-None-Match": '"v1"'}),
    "range-1": Ask("/range", headers={"Range": "bytes=0-9"}),
    "range-2": Ask("/range", headers={"Range": "bytes=10-19"}),
}

STATUSES = {
    "missing": Ask("/missing"),
    **{name: Ask(f"/{name}") for name in ("418", "429", "500", "503")},
    "anonymous": Ask("/private"),
    "authorized": Ask("/private", headers={"Authorization": "Bearer s3cret"}),
    "basic-auth": Ask("/do-basic", user=("basic", "user", "pass")),
    "digest-auth": Ask("/do-digest", user=("digest", "user", "pass")),
}

REDIRECTS = {
    "redirect": Ask("/redirect"),
    "redirect-not-followed": Ask("/redirect", follow=False),
    "redirect-relative": Ask("/relative"),
    "redirect-up": Ask("/up"),
    "redirect-elsewhere": Ask("/do-elsewhere"),
    "redirect-elsewhere-auth": Ask("/do-elsewhere", headers={"Authorization": "Bearer s3cret"}),
    "redirect-loop": Ask("/loop"),
    "redirect-nowhere": Ask("/no-location"),
    "redirect-bad": Ask("/bad-location"),
    "redirect-missing": Ask("/to-missing"),
    **{f"redirect-{s}": Ask(f"/do-redirect/{s}", follow=True) for s in REASONS},
    **{f"redirect-{s}-post": Ask(f"/do-redirect/{s}", "POST", body=b"x") for s in REASONS},
}

URLS = {
    "order-1": Ask("/text?a=1&a=2"),
    "order-2": Ask("/text?a=2&a=1"),
    "slashes": Ask("/do-show//double"),
    "dots": Ask("/do-show/a/../b"),
    "percent": Ask("/do-show/a%2Fb"),
    "not-percent": Ask("/do-show/a/b"),
    "percent-case": Ask("/do-show/%c3%a9"),
    "unicode": Ask("/do-show/caf\u00e9"),
    "encoded": Ask("/do-show/caf%C3%A9"),
    "tilde": Ask("/do-show/~a"),
    "encoded-tilde": Ask("/do-show/%7Ea"),
    "plus": Ask("/do-show/q?a=b+c"),
    "space": Ask("/do-show/q?a=b%20c"),
    "empty-value": Ask("/do-show/q?a="),
    "no-value": Ask("/do-show/q?a"),
    "empty-query": Ask("/do-show/q?"),
    "semicolon": Ask("/do-show/q;a=1?b;c"),
    "fragment": Ask("/do-show/q#part"),
    "other-name": Ask("OTHER/text"),
}

TAKES = {f"job-{n}": Ask("/job") for n in range(1, 5)}

FAILURES = {
    "truncated": Ask("/truncated"),
    "truncated-blocks": Ask("/truncated", read=BLOCKS),
    "truncated-lines": Ask("/truncated", read=LINES),
    "cut-chunk": Ask("/cut-chunk"),
    "cut-chunk-blocks": Ask("/cut-chunk", read=BLOCKS),
    "cut-between": Ask("/cut-between"),
    "bad-chunk": Ask("/bad-chunk"),
    "cut-head": Ask("/cut-head"),
    "garbage": Ask("/garbage"),
    "empty-reply": Ask("/empty-reply"),
    "reset": Ask("/reset"),
    "read-timeout": Ask("/silent", timeout=IMPATIENT),
    "body-timeout": Ask("/stall", timeout=IMPATIENT),
    "chunk-timeout": Ask("/stall-chunked", timeout=IMPATIENT),
    "connect-timeout": Ask("DEAF/", timeout=IMPATIENT),
    "refused": Ask("REFUSED/"),
    "unknown-host": Ask("http://no-such-host.invalid/"),
}

TLS = {
    "tls": Ask("TLS/text"),
    "tls-gzip-blocks": Ask("TLS/gzip", read=BLOCKS),
    "tls-post": Ask("TLS/echo", "POST", body=b"secret"),
    "tls-redirect": Ask("TLS/set-and-go"),
    "tls-truncated": Ask("TLS/truncated"),
    "tls-wrong-name": Ask("TLS-OTHER/text"),
    "tls-unknown-authority": Ask("TLS-UNKNOWN/text"),
    "tls-refused-by-http": Ask("TLS-PLAIN/text"),
}

HTTP2 = {
    "h2-text": Ask("H2/text", http2=True),
    "h2-headers": Ask("H2/headers", http2=True),
    "h2-head": Ask("H2/text", "HEAD", http2=True),
    "h2-gzip-blocks": Ask("H2/gzip", read=BLOCKS, http2=True),
    "h2-raw": Ask("H2/gzip", read=RAW, http2=True),
    "h2-as-sent": Ask("H2/pieces", read=AS_SENT, http2=True),
    "h2-part": Ask("H2/pieces", read=PART, http2=True),
    "h2-post": Ask("H2/echo", "POST", body=b"sent", http2=True),
    "h2-redirect": Ask("H2/redirect", http2=True),
    "h2-nothing": Ask("H2/nothing", http2=True),
    "h2-unknown-authority": Ask("TLS-UNKNOWN/text", http2=True),
    "h2-not-spoken": Ask("TLS/text", http2=True),
}

GROUPS: dict[str, dict[str, Ask]] = {
    "Reading": {"text": Ask("/text", read=WHOLE), **READING},
    "Sending": SENDING,
    "Content codings": CODINGS,
    "Framing": FRAMING,
    "Header fields": HEADERS,
    "Statuses": STATUSES,
    "Redirects": REDIRECTS,
    "URLs": URLS,
    "Takes": TAKES,
    "Failures": FAILURES,
    "TLS": TLS,
    "HTTP/2": HTTP2,
}
FEATURES: dict[str, Ask] = {name: ask for group in GROUPS.values() for name, ask in group.items()}
