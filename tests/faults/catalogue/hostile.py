"""Recordings, bakes and texts from strangers."""

from __future__ import annotations

from tests.faults.suites import tests

FAULTS = [
    tests(
        "Hostile data", "recordings that lead elsewhere, hold code or are without an end",
        "tests/unit/test_hostile_recordings.py",
    ),
    tests(
        "Hostile data", "texts that steer terminals, browsers and workflows; bombs",
        "tests/unit/test_hostile_texts.py",
    ),
    tests(
        "Hostile data", "NUL and newline in URLs and header fields, header fields of 1 MB",
        "tests/process/test_hostile_requests.py",
    ),
    tests(
        "Hostile data", "archives and manifests of an attacker's",
        "tests/unit/test_bake_unpacking.py", "tests/unit/test_bake_manifest.py",
        "tests/faults/test_bake_faults.py", "-k", "not kill and not killed and not full",
    ),
    tests("Hostile data", "changed bytes in all that is read: the fuzzers' corpus, and hypothesis",
          "tests/unit/test_fuzz.py"),
    tests("Errors for people", "wrong words, files, tables and variables, with every command",
          "tests/process/test_mistakes.py", "tests/unit/test_errors.py"),
]  # fmt: skip
