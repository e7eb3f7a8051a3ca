"""The report: what is written, what it holds, and that text from data stays text."""

from __future__ import annotations

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from recordbake.audit import audit, report
from recordbake.audit.evidence import why
from recordbake.audit.findings import KINDS, Finding
from recordbake.audit.page import MOST_ROWS, size, visible
from recordbake.audit.report import code_span
from recordbake.errors import UsageError
from recordbake.recording import Recording
from tests.support import audit as planted
from tests.support.sample import add_run, captured, make_recording, request_event

DOCS = Path(__file__).parents[2] / "docs" / "reference"
ALLOWED_TAGS = {
    "html", "head", "meta", "title", "style", "body", "a", "header", "main", "footer", "nav",
    "section", "p", "b", "span", "time", "h1", "h2", "pre", "code", "ul", "li", "dl", "div", "dt",
    "dd", "figure", "figcaption", "script", "svg", "g", "defs", "rect", "path", "text", "line",
    "circle", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ALLOWED_ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "href", "id", "role",
    "aria-label", "aria-labelledby", "aria-hidden", "tabindex", "datetime", "scope", "data-label",
    "style", "data-sort", "aria-describedby", "xmlns", "viewbox", "type", "transform", "x",
    "y", "rx", "ry", "width", "height", "d", "r", "cx", "cy", "text-anchor",
}  # fmt: skip


class Parsed(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def run_audit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(recording, **options):
        result = audit(recording, tmp_path / "reports", now=planted.NOW, **options)
        return result, {p.suffix[1:]: p.read_text(encoding="utf-8") for p in result.paths}

    return run


@pytest.fixture
def planted_report(run_audit):
    return run_audit(planted.planted_recording(Path(".recordbake")))


def test_three_files_are_written_and_the_verdict_is_theirs(planted_report, tmp_path):
    result, texts = planted_report
    assert result.paths == [tmp_path / "reports" / f"audit.{e}" for e in ("html", "json", "md")]
    assert result.exit_code == 0
    again = "recordbake record --from-audit reports/audit.json"
    assert result.verdict.command == f"{again} -- pytest -q 'tests/with space'"
    data = json.loads(texts["json"])
    assert data["verdict"]["command"] == result.verdict.command
    assert result.verdict.command in texts["md"]
    page = Parsed(texts["html"]).text
    assert result.verdict.sentence in page
    assert result.verdict.command in page


def test_a_clean_recording_is_kept(run_audit):
    result, texts = run_audit(planted.clean_recording(Path(".recordbake")))
    assert result.findings == []
    assert result.verdict.decision == "keep"
    figures = json.loads(texts["json"])["figures"]
    assert (figures["requests"], figures["hits"], figures["live_misses"]) == (4, 4, 0)
    assert "Nothing needs recording" in texts["html"]
    assert "###" not in texts["md"]


def test_the_json_fits_its_published_schema(planted_report):
    schema = json.loads((DOCS / "audit-1.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    data = json.loads(planted_report[1]["json"])
    jsonschema.validate(data, schema)
    assert schema["properties"]["v"]["const"] == report.JSON_VERSION
    kinds = schema["properties"]["findings"]["items"]["properties"]["kind"]["enum"]
    assert kinds == list(KINDS)
    for name, part in schema["properties"].items():  # the schema knows each field
        sample = data[name][0] if part.get("type") == "array" and data[name] else data[name]
        fields = part.get("items", part).get("properties")
        assert fields is None or not isinstance(sample, dict) or set(sample) == set(fields)


def test_the_json_has_the_documented_fields(planted_report):
    _, texts = planted_report
    data = json.loads(texts["json"])
    assert list(data) == [
        "v", "generated_at", "verdict", "figures", "findings", "hosts", "ages", "hub", "runs",
        "trend", "comparison",
    ]  # fmt: skip
    documented = (DOCS / "audit-json.md").read_text()
    keys = {key for part in ("verdict", "figures") for key in data[part]} | set(data)
    keys |= {key for part in ("findings", "hosts", "ages", "runs") for key in data[part][0]}
    keys |= {key for finding in data["findings"] for key in finding["evidence"]}
    keys |= {"repo_type", "repo_id", "size", "files", "revisions"}
    assert {key for key in keys if f"`{key}`" not in documented} == set()
    assert data["v"] == 1
    assert data["generated_at"] == "2026-09-23T14:13:20Z"
    assert data["figures"]["requests"] == sum(data["figures"]["outcomes"].values()) == 19
    assert [run["run"] for run in data["runs"]] == sorted(run["run"] for run in data["runs"])


def test_the_same_recording_gives_the_same_bytes(run_audit):
    recording = planted.planted_recording(Path(".recordbake"))
    assert run_audit(recording)[1] == run_audit(recording)[1]


def test_the_page_stands_alone_and_is_accessible(planted_report):
    page = Parsed(planted_report[1]["html"])
    tags = {tag for tag, _ in page.elements}
    assert tags <= ALLOWED_TAGS
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == 1
    assert next(t for t, _ in page.elements if re.fullmatch("h[1-6]", t)) == "h1"
    assert all(attributes["scope"] in ("row", "col") for attributes in page.all("th"))
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    told = [(a["aria-labelledby"], a["aria-describedby"]) for a in page.all("table")]
    assert told
    assert {name for names in told for name in names} <= set(ids)
    assert all(link["href"].removeprefix("#") in ids for link in page.all("a"))
    assert page.all("a")[0] == {"class": "skip", "href": "#content"}
    rows = [a for a in page.all("tr") if "id" in a]
    assert len(rows) == len(page.all("tr")) - len(page.all("table"))  # all but the headings
    assert "url(" not in planted_report[1]["html"]
    assert "@import" not in planted_report[1]["html"]


def test_every_finding_stands_on_the_page_and_in_the_comment_if_it_asks_for_work(planted_report):
    result, texts = planted_report
    page = Parsed(texts["html"]).text
    assert [f.subject for f in result.findings if f.subject not in page] == []
    needs_work = [f.subject for f in result.findings if f.kind != "unused"]
    assert [subject for subject in needs_work if code_span(subject) not in texts["md"]] == []


HOSTILE = [
    'https://h.org/"><script>alert(1)</script>',
    "https://h.org/'onmouseover='alert(1)",
    "https://h.org/</title></style><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "https://h.org/{{ 7 * 7 }}{% raw %}",
    "https://h.org/a|b`c``<b>\n## heading\u202e\x00",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_stays_text_wherever_it_comes_from(run_audit, hostile):
    stored = captured(hostile, test=hostile, headers=[("Content-Type", hostile)])
    recording = make_recording(Path(".recordbake"), [stored])
    item = {"method": hostile, "url": hostile, "test": hostile, "reason": hostile}
    events = [
        request_event("", "blocked", host=hostile, test=hostile, reason=hostile) | {"url": hostile},
        request_event("https://h.org/", hostile),
        planted.event("leak", host=hostile, port=1, what=hostile, blocked=True, test=hostile),
        planted.event("gap", python=hostile, executable=hostile, reason=hostile),
        planted.event("damage", key=hostile, message=hostile),
    ]
    add_run(recording, planted.RECORD, [], mode="record", incomplete=[item], command=[hostile])
    add_run(recording, planted.REPLAY, events, command=[hostile], barrier=hostile)
    _, texts = run_audit(recording)
    page = Parsed(texts["html"])
    assert {tag for tag, _ in page.elements} <= ALLOWED_TAGS
    assert {name for _, a in page.elements for name in a} <= ALLOWED_ATTRIBUTES
    assert all(link["href"].startswith("#") for link in page.all("a"))
    styles = [a["style"] for _, a in page.elements if "style" in a]
    ours = re.compile(r"width:[\d.]+%|contain-intrinsic-size:auto \d+rem")
    assert all(map(ours.fullmatch, styles))
    assert visible(hostile) in page.text
    outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", texts["md"], flags=re.DOTALL)
    assert not re.search(r"alert|heading|<(?!br>)|\{\{", outside)
    assert json.loads(texts["json"])["findings"]


def test_text_that_no_encoder_accepts_is_written_out(run_audit):
    recording = Recording(Path(".recordbake"))
    add_run(recording, planted.REPLAY, [request_event("https://h/\ud800", "blocked")],
            command=["\udcff"])  # fmt: skip
    _, texts = run_audit(recording)
    assert "https://h/\\ud800" in texts["html"]
    assert "\\udcff" in texts["md"]


def test_a_directory_whose_name_is_not_utf8_is_written_out(run_audit):
    directory = Path(os.fsdecode(b"r\xff"))
    try:
        directory.mkdir()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    _, texts = run_audit(planted.clean_recording(directory))
    assert "r\\udcff" in texts["html"]
    assert "r\\udcff" in texts["md"]


def test_markdown_tables_keep_their_shape(run_audit):
    recording = Recording(Path(".recordbake"))
    add_run(recording, planted.REPLAY, [request_event("https://h/a|b\n|c", "blocked", test="x|y")])
    _, texts = run_audit(recording)
    assert texts["md"].endswith(".\n")
    lines = texts["md"].splitlines()
    start = lines.index("### Live misses") + 2
    pipes = [len(re.findall(r"(?<!\\)\|", line)) for line in lines[start : start + 3]]
    assert pipes == [6, 6, 6]


def test_long_tables_are_capped_and_say_so_the_json_has_all(run_audit):
    recording = Recording(Path(".recordbake"))
    number = MOST_ROWS + 7
    events = [request_event(f"https://h/{n}", "blocked") for n in range(number)]
    add_run(recording, planted.REPLAY, events)
    _, texts = run_audit(recording)
    rows = [a for a in Parsed(texts["html"]).all("tr") if a.get("id", "").startswith("misses-")]
    assert len(rows) == MOST_ROWS
    assert "7 more in audit.json" in texts["html"]
    assert len(json.loads(texts["json"])["findings"]) == number
    assert "The first 20 rows" in texts["md"]
    assert texts["md"].count("https://h/") == 20


def test_no_store_means_recording_all(run_audit):
    Path(".recordbake").mkdir()
    result, texts = run_audit(Recording(Path(".recordbake")))
    assert result.verdict.decision == "re-record all"
    assert result.verdict.command == "recordbake record -- COMMAND"
    assert "Nothing needs recording" not in texts["html"]
    assert json.loads(texts["json"])["figures"]["requests"] is None
    assert "no replay yet" in texts["html"]


def test_an_empty_store_means_recording_all(run_audit):
    result, _ = run_audit(make_recording(Path(".recordbake"), []))
    assert (result.verdict.decision, result.findings) == ("re-record all", [])


def test_the_command_names_a_recording_that_is_not_the_default_one(run_audit):
    result, _ = run_audit(planted.clean_recording(Path("other dir")))
    assert result.verdict.command.startswith(
        "recordbake replay --strict --recording 'other dir' --"
    )
    result, _ = run_audit(planted.clean_recording(Path(".recordbake")))
    assert "--recording" not in result.verdict.command


def test_a_bake_is_never_named_as_what_to_record_into(run_audit):
    bake = planted.clean_recording(Path("bake"))
    bake.manifest.write_text("{}")
    assert "--recording" not in run_audit(bake)[0].verdict.command


def test_fail_on_decides_the_exit_code_by_kind(run_audit):
    recording = planted.clean_recording(Path(".recordbake"))
    planted.write_journal(recording, planted.REPLAY, [])
    assert run_audit(recording, fail_on=frozenset({"unused", "leak"}))[0].exit_code == 13
    assert run_audit(recording, fail_on=frozenset({"leak", "stale"}))[0].exit_code == 0


def test_an_unknown_kind_or_format_names_the_nearest_and_writes_nothing(run_audit, tmp_path):
    recording = planted.clean_recording(Path(".recordbake"))
    with pytest.raises(UsageError, match="'live-mis'; the nearest is 'live-miss'") as caught:
        run_audit(recording, fail_on=frozenset({"live-mis"}))
    assert caught.value.exit_code == 2
    with pytest.raises(UsageError, match="'md'; the nearest is 'markdown'"):
        run_audit(recording, formats=("md",))
    assert not (tmp_path / "reports").exists()


def test_only_the_formats_asked_for_are_written(run_audit, tmp_path):
    run_audit(planted.clean_recording(Path(".recordbake")), formats=("json", "json"))
    assert [path.name for path in (tmp_path / "reports").glob("audit.*")] == ["audit.json"]


def test_a_report_that_cannot_be_finished_leaves_the_old_one(run_audit, tmp_path, monkeypatch):
    recording = planted.clean_recording(Path(".recordbake"))
    run_audit(recording)
    before = (tmp_path / "reports" / "audit.html").read_bytes()
    write_bytes = Path.write_bytes

    def half(path, data):
        write_bytes(path, data[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(UsageError, match="No space left on device"):
        run_audit(recording)
    assert (tmp_path / "reports" / "audit.html").read_bytes() == before
    assert len(list((tmp_path / "reports").iterdir())) == 4


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 KB"), (9_949, "9.9 KB"),
        (9_951, "10 KB"), (999_499, "999 KB"), (999_500, "1.0 MB"), (2_500_000_000, "2.5 GB"),
        (10**19, "10,000 PB"),
    ],
)  # fmt: skip
def test_sizes_are_for_people(number, text):
    assert size(number) == text


@pytest.mark.parametrize(
    ("seconds", "age"),
    [(0, "0.0 minutes"), (270, "4.5 minutes"), (7200, "2.0 hours"), (86400 * 1500, "1,500.0 days")],
)
def test_an_age_is_said_in_the_unit_that_shows_it(seconds, age):
    shown = {"age_seconds": seconds, "cache_control": "max-age=60", "revalidation": "not asked"}
    words = why(Finding("stale-origin", "info", "GET https://a.org/", shown))
    assert words == f"max-age=60, recorded {age} ago; not asked"
