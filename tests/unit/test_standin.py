"""The stand-in for the internet behaves like what it stands in for."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import requests
from PIL import Image, ImageFont

from tests.support.internet import EXAMPLES, HangUp, Internet, Response

CAT = "https://images.example.org/cat.jpg"
FONT = "https://huggingface.co/ybelkada/fonts/resolve/main/Arial.TTF"
BERT = "https://huggingface.co/hf-internal-testing/tiny-random-bert"
READER = {"Authorization": "Bearer hf_example_reader"}
IDENTITY = {"Accept-Encoding": "identity"}


@pytest.fixture
def internet(tmp_path, monkeypatch):
    with Internet(tmp_path / "internet") as internet:
        internet.use(monkeypatch)
        yield internet


def get(url, **options):
    return requests.get(url, timeout=30, **options)


def head(url, **options):
    return requests.head(url, timeout=30, headers=IDENTITY, **options)


# Real names over TLS


def with_requests(url):
    return get(url).content


def with_httpx(url):
    return httpx.get(url).content


def with_urllib(url):
    with urllib.request.urlopen(url, timeout=30) as response:
        return response.read()


@pytest.mark.parametrize("fetch", [with_requests, with_httpx, with_urllib])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_clients_reach_real_names_through_their_environment(internet, fetch, scheme):
    content = fetch(CAT.replace("https", scheme))
    assert Image.open(io.BytesIO(content)).size == (320, 240)
    assert internet.requests() == ["GET images.example.org /cat.jpg 200"]


def test_who_does_not_trust_the_authority_gets_nothing(internet, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(urllib.error.URLError) as caught:
        with_urllib(CAT)
    assert isinstance(caught.value.reason, ssl.SSLCertVerificationError)
    assert internet.count == 0


def test_each_host_has_a_certificate_of_its_own(internet):
    context = ssl.create_default_context(cafile=internet.state / "ca.pem")
    with (
        tunnel(internet, "images.example.org") as plain,
        context.wrap_socket(plain, server_hostname="images.example.org") as secure,
    ):
        names = {value for _, value in secure.getpeercert()["subjectAltName"]}
    assert names == {"images.example.org"}


def tunnel(internet, host):
    plain = socket.create_connection(("127.0.0.1", internet.address()["port"]), timeout=30)
    plain.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert plain.recv(1024).startswith(b"HTTP/1.1 200 ")
    return plain


def test_unknown_hosts_are_refused_and_counted(internet):
    with pytest.raises(requests.exceptions.ProxyError, match="502"):
        get("https://unknown.example/")
    assert get("http://unknown.example/").status_code == 502
    assert internet.requests() == ["CONNECT unknown.example - 502", "GET unknown.example / 502"]


def test_requests_share_a_connection(internet):
    with requests.Session() as session:
        for _ in range(3):
            session.get(CAT, timeout=30)
    counts = json.loads((internet.state / "requests.json").read_text())
    assert counts == {"count": 3, "connections": 1}


def test_a_response_is_one_record(internet):
    """Head and body leave in one write: TLS would otherwise show two records."""
    context = ssl.create_default_context(cafile=internet.state / "ca.pem")
    with (
        tunnel(internet, "data.example.org") as plain,
        context.wrap_socket(plain, server_hostname="data.example.org") as secure,
    ):
        secure.sendall(b"GET /table.csv HTTP/1.1\r\nHost: data.example.org\r\n\r\n")
        answer = secure.recv(16 * 1024)  # gives at most one record
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"Bari,IT,316000\n")


def test_rubbish_is_answered_with_400(internet):
    with socket.create_connection(("127.0.0.1", internet.address()["port"])) as plain:
        plain.sendall(b"rubbish\r\n\r\n")
        assert plain.recv(1024).startswith(b"HTTP/1.1 400 ")


# What others can see of it


def test_count_and_log_are_on_disk_before_the_answer_arrives(internet):
    for number in range(1, 4):
        get(CAT)
        assert (internet.state / "count").read_text() == f"{number}\n"
    assert internet.requests() == ["GET images.example.org /cat.jpg 200"] * 3


def test_no_request_is_lost_between_threads(internet):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(get, [CAT] * 40))
    assert (internet.state / "count").read_text() == "40\n"
    assert len(internet.requests()) == 40


def test_a_connection_without_a_request_shows(internet):
    with tunnel(internet, "images.example.org"):
        counts = json.loads((internet.state / "requests.json").read_text())
    assert counts == {"count": 0, "connections": 1}


def test_stopping_ends_open_connections_and_keeps_the_counts(tmp_path, monkeypatch):
    with Internet(tmp_path) as internet, requests.Session() as session:
        internet.use(monkeypatch)
        session.get(CAT, timeout=30)
        internet.stop()
        with pytest.raises(requests.exceptions.ConnectionError):
            session.get(CAT, timeout=30)
        assert not (tmp_path / "server.json").exists()
        assert (tmp_path / "count").read_text() == "1\n"
        internet.start()


def test_as_a_program_it_says_where_it_is_and_stops_on_sigterm(tmp_path):
    program = [sys.executable, EXAMPLES / "server.py", "--state", tmp_path]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as server:
        try:
            ready = json.loads(server.stdout.readline())
            published = json.loads((tmp_path / "server.json").read_text())
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
    expected = f"http://127.0.0.1:{ready['port']}"
    assert ready == published == {"pid": server.pid, "port": ready["port"], "proxy": expected}


@pytest.mark.parametrize("code", [0, 7])
def test_with_server_gives_the_commands_exit_code_and_leaves_no_server(tmp_path, code):
    fetch = f"import requests, sys; requests.get({CAT!r}); sys.exit({code})"
    program = [sys.executable, EXAMPLES / "with_server.py", "--state", tmp_path, "--"]
    done = subprocess.run([*program, sys.executable, "-c", fetch], check=False, timeout=60)
    assert done.returncode == code
    assert (tmp_path / "count").read_text() == "1\n"
    assert not (tmp_path / "server.json").exists()


def test_with_server_keeps_the_developers_hub_settings_out(tmp_path):
    show = "import os, json; print(json.dumps(dict(os.environ)))"
    program = [sys.executable, EXAMPLES / "with_server.py", "--state", tmp_path, "--"]
    mine = {**os.environ, "HF_HOME": "/mine", "HF_TOKEN": "mine", "HF_ENDPOINT": "http://mine"}
    done = subprocess.run(
        [*program, sys.executable, "-c", show], env=mine, capture_output=True, check=True
    )
    seen = json.loads(done.stdout)
    assert seen["HF_HOME"] == str(tmp_path / "hf_home")
    assert not {"HF_TOKEN", "HF_ENDPOINT"} & set(seen)


# The Hub


def test_a_small_file_is_a_relative_redirect_into_the_cache(internet):
    first = head(f"{BERT}/resolve/main/config.json")
    assert first.status_code == 307
    assert first.headers["Location"].startswith("/api/resolve-cache/models/hf-internal-testing/")
    last = head(f"{BERT}/resolve/main/config.json", allow_redirects=True)
    body = get(last.url).content
    git = hashlib.sha1(b"blob %d\0%s" % (len(body), body)).hexdigest()
    assert last.headers["ETag"] == f'"{git}"'
    assert last.headers["Content-Length"] == str(len(body))
    assert last.headers["X-Repo-Commit"] in last.url


def test_text_is_encoded_for_who_accepts_it(internet):
    url = f"{BERT}/resolve/main/config.json"
    encoded, plain = get(url, stream=True), get(url, headers=IDENTITY)
    assert encoded.headers["Content-Encoding"] == "gzip"
    assert encoded.headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in encoded.headers
    assert encoded.headers["ETag"] == "W/" + plain.headers["ETag"]
    assert gzip.decompress(encoded.raw.read(decode_content=False)) == plain.content


def test_a_large_file_is_a_redirect_to_the_cdn_signed_anew_each_time(internet):
    answers = [head(FONT) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {302}
    locations = [answer.headers["Location"] for answer in answers]
    assert all(there.startswith("https://cas-bridge.xethub.hf.co/") for there in locations)
    assert len({there.partition("X-Amz-Signature=")[2] for there in locations}) == 3
    body = get(locations[0]).content
    assert answers[0].headers["X-Linked-ETag"] == f'"{hashlib.sha256(body).hexdigest()}"'
    assert answers[0].headers["X-Linked-Size"] == str(len(body))
    assert ImageFont.truetype(io.BytesIO(body), 20).getlength("A") > 0


def test_the_cdn_refuses_signatures_it_has_not_given_out(internet):
    location = head(FONT).headers["Location"]
    before, _, after = location.partition("X-Amz-Signature=")
    blanked = f"{before}X-Amz-Signature=REDACTED{after[64:]}"
    assert get(blanked).status_code == 403
    assert get(location).status_code == 200


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-9", 0, 10), ("bytes=100-", 100, None), ("bytes=-7", -7, None)],
)
def test_the_cdn_serves_ranges(internet, asked, start, stop):
    whole = get(FONT)
    part = get(FONT, headers={"Range": asked})
    assert (part.status_code, part.content) == (206, whole.content[start:stop])
    assert part.headers["Content-Range"].endswith(f"/{len(whole.content)}")


def test_a_range_outside_is_refused(internet):
    assert get(FONT, headers={"Range": "bytes=99999-"}).status_code == 416


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("hf-internal-testing/tiny-random-bert/resolve/main/nope.json", 404, "EntryNotFound"),
        ("hf-internal-testing/tiny-random-bert/resolve/v9/nope.json", 404, "RevisionNotFound"),
        ("nobody/nothing/resolve/main/config.json", 401, "RepoNotFound"),
        ("example/private/resolve/main/config.json", 401, "RepoNotFound"),
        ("api/models/example/private", 401, "RepoNotFound"),
        ("example/gated/resolve/main/config.json", 403, "GatedRepo"),
    ],
)
def test_refusals_name_their_reason(internet, path, status, code):
    answer = get(f"https://huggingface.co/{path}")
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (status, code)
    # The commit is what lets clients cache that a file is absent.
    assert ("X-Repo-Commit" in answer.headers) == (code == "EntryNotFound")


@pytest.mark.parametrize("name", ["private", "gated"])
def test_a_reader_sees_more(internet, name):
    url = f"https://huggingface.co/example/{name}/resolve/main/config.json"
    assert get(url, headers=READER).json()["model_type"] == "bert"
    assert get(url, headers={"Authorization": "Bearer other"}).status_code in {401, 403}


def test_a_renamed_repository_leads_to_its_new_name(internet):
    answer = head("https://huggingface.co/bert-base-cased/resolve/main/config.json")
    assert answer.status_code == 307
    assert answer.headers["Location"] == "/google-bert/bert-base-cased/resolve/main/config.json"
    info = get("https://huggingface.co/api/models/bert-base-cased")
    assert info.json()["id"] == "google-bert/bert-base-cased"


def test_a_listing_goes_on_through_its_link(internet):
    url = "https://huggingface.co/api/datasets/example/many-files/tree/main?recursive=true"
    first = get(url)
    second = get(first.links["next"]["url"])
    assert "next" not in second.links
    files = [row["path"] for row in first.json() + second.json() if row["type"] == "file"]
    assert files == [f"part/{n:04}.txt" for n in range(60)]


def test_a_listing_of_one_level_names_folders(internet):
    rows = get("https://huggingface.co/api/models/hf-internal-testing/tiny-random-bert/tree/main")
    kinds = {row["path"]: row["type"] for row in rows.json()}
    assert kinds["onnx"] == "directory"
    assert "onnx/config.json" not in kinds


def test_paths_info_leaves_out_what_is_not_there(internet):
    url = "https://huggingface.co/api/models/ybelkada/fonts/paths-info/main"
    rows = requests.post(url, data={"paths": ["Arial.TTF", "no"]}, timeout=30).json()
    assert [row["path"] for row in rows] == ["Arial.TTF"]


def test_content_is_the_same_at_each_start(tmp_path, monkeypatch):
    seen = []
    for start in range(2):
        with Internet(tmp_path / str(start)) as internet:
            internet.use(monkeypatch)
            seen.append((get(FONT).content, get("https://data.example.org/large.bin").content))
    assert seen[0] == seen[1]


# The rate limit


def test_the_hub_limits_from_its_first_request_on(tmp_path, monkeypatch):
    now = [1000.0]
    with Internet(tmp_path, rate_limit_seconds=5, clock=lambda: now[0]) as internet:
        internet.use(monkeypatch)
        assert get(CAT).status_code == 200
        now[0] += 60  # the window opens with the Hub's first request, not with the server
        limited = get(FONT)
        assert (limited.status_code, limited.headers["Retry-After"]) == (429, "1")
        assert ";r=0;" in limited.headers["RateLimit"]
        now[0] += 4.9
        assert get(f"{BERT}/resolve/main/config.json").status_code == 429
        now[0] += 0.1
        assert get(FONT).status_code == 200


# The other hosts


def test_the_encoded_image_is_the_same_image(internet):
    with get("https://images.example.org/cat-gzip.jpg", stream=True) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(response.raw.read(decode_content=False)) == get(CAT).content


def test_two_cookies_are_two_headers(internet):
    answer = get("https://images.example.org/cookies")
    assert len(answer.raw.headers.getlist("Set-Cookie")) == 2


def test_a_known_entity_tag_gets_304(internet):
    tag = get(CAT).headers["ETag"]
    again = get(CAT, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert get(CAT, headers={"If-None-Match": '"other"'}).status_code == 200


def test_the_job_goes_on_at_each_look(internet):
    states = [get("https://api.example.org/job").json()["state"] for _ in range(4)]
    assert states == ["queued", "running", "done", "done"]
    assert requests.post("https://api.example.org/job", timeout=30).status_code == 202
    assert get("https://api.example.org/job").json()["state"] == "queued"


@pytest.mark.parametrize("chunked", [False, True])
def test_echo_returns_what_was_sent(internet, chunked):
    body = iter([b"one ", b"two"]) if chunked else b"one two"
    url = "https://api.example.org/echo?a=1&a=2"
    answer = requests.post(url, data=body, timeout=30).json()
    assert (answer["body"], answer["args"]) == ("one two", [["a", "1"], ["a", "2"]])


@pytest.mark.parametrize("code", [204, 418, 503])
def test_any_status(internet, code):
    assert get(f"https://api.example.org/status/{code}").status_code == code


@pytest.mark.parametrize("size", [0, 1, 200_000])
def test_large_bodies_have_the_size_asked_for(internet, size):
    answer = get(f"https://data.example.org/large.bin?size={size}")
    assert answer.headers["Content-Length"] == str(len(answer.content)) == str(size)


# Hooks for other tests


def test_a_route_adds_a_host_and_may_break_off(tmp_path, monkeypatch):
    def handler(request):
        if request.path == "/gone":
            raise HangUp
        return Response(200, [("X-Seen", request.host)], b"0123456789", cut=4)

    with Internet(tmp_path, routes={"new.example": handler}) as internet:
        internet.use(monkeypatch)
        with pytest.raises(requests.exceptions.ConnectionError):
            get("https://new.example/gone")
        with get("https://new.example/cut", stream=True) as short:
            assert short.headers["X-Seen"] == "new.example"
            with pytest.raises(requests.exceptions.ChunkedEncodingError):
                _ = short.content
        assert internet.requests() == ["GET new.example /gone 0", "GET new.example /cut 200"]
