"""What the tables of a report are, whatever they hold."""

from __future__ import annotations

from recordbake.audit.page import Section

_REQUEST = ("Request", "code")
_TESTS = ("Tests", "code")
_SIZE = ("Size", "bar")
_WHY = ("Why, and what to do", "text")

COMPARED = Section(
    "compared", "Changes", "Requests whose answers are new, gone or changed",
    (_REQUEST, ("Change", "text"), ("Size before", "number"), ("Size now", "number")),
    "Nothing has changed.",
)  # fmt: skip
MISSES = Section(
    "misses", "Live misses", "Requests that the store did not answer, by URL",
    (_REQUEST, ("Times", "number"), _TESTS, ("Why, and what to do", "code"),
     ("First seen (UTC)", "time")),
    "No replay shows a live miss.",
)  # fmt: skip
PROBLEMS = Section(
    "problems", "Other findings", "What else was found, the worst first",
    (("Subject", "code"), ("Kind", "text"), ("Times", "number"), _TESTS, _WHY),
    "Nothing else was found.",
)  # fmt: skip
STALE = Section(
    "stale", "Stale entries", "Entries in use that are too old, the oldest first",
    (_REQUEST, ("Recorded (UTC)", "time"), ("Size", "number"), _TESTS), "No entry is stale.",
)  # fmt: skip
UNUSED = Section(
    "unused", "Unused entries", "Entries that no replay asked for, the oldest first",
    (_REQUEST, ("Recorded (UTC)", "time"), ("Size", "number"), _TESTS, _WHY),
    "No entry is known to be unused.",
)  # fmt: skip
TESTS = Section(
    "tests", "Tests", "Tests that findings and the entries below name, most live misses first",
    (("Test", "code"), ("Live misses", "number"), ("Other findings", "number"),
     ("Asks for", "code")),
    "No test is named.",
)  # fmt: skip
ENTRIES = Section(
    "entries", "Entries", "Entries that findings are about, each take a row, then the largest",
    (_REQUEST, ("Answer", "text"), ("Size", "number"), ("Recorded (UTC)", "time"), _TESTS,
     ("Findings", "text")),
    "The store is empty.",
)  # fmt: skip
HOSTS = Section(
    "hosts", "Hosts", "Bodies in the store by host, largest first",
    (("Host", "code"), ("Entries", "number"), _SIZE), "The store is empty.",
)  # fmt: skip
HUB = Section(
    "hub", "Hub repositories", "Repositories in the Hub cache, largest first",
    (("Repository", "code"), ("Type", "text"), ("Files", "number"), ("Revisions", "number"), _SIZE),
    "The Hub cache is empty.",
)  # fmt: skip
RUNS = Section(
    "runs", "Runs", "Runs that were read, newest first",
    (("Started (UTC)", "time"), ("Mode", "text"), ("Command", "code"), ("Requests", "number"),
     ("Outcomes", "text"), ("Command exit", "number"), ("Run exit", "number")),
    "No run is kept.",
)  # fmt: skip
