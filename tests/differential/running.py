"""Runs programs live, recording and in a strict replay, and compares what they saw."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing

import trustme

from tests.clients.origin import ContractOrigin, Refusing
from tests.support.cli import ROOT, clean_environ, recordbake

CODE = """
import sys
sys.path.insert(0, {!r})
from tests.differential import interpreter
interpreter.main(*sys.argv[1:])
"""
HANG = "HangError"


class ToughOrigin(ContractOrigin):
    """An origin that hangs up on a request that it does not understand."""

    def _speak(self, connection):
        try:
            super()._speak(connection)
        except (ValueError, KeyError):
            connection.close()


def run(programs, where):
    """What programs saw: ``live``, ``recorded`` and ``replayed``, each name -> lines.

    Args:
        programs: name -> (client, lines).
        where: an empty folder.
    """
    (where / "programs.json").write_text(json.dumps(programs))
    code = CODE.format(str(ROOT))

    def command(mode):
        return [sys.executable, "-c", code, "programs.json", f"{mode}.json"]

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(where / "ca.pem"))
    with ToughOrigin() as plain, ToughOrigin(authority) as tls, closing(Refusing()) as nobody:
        env = {
            "LAB_PORT": str(plain.port), "LAB_TLS": str(tls.port), "LAB_DEAD": str(nobody.port),
            "REQUESTS_CA_BUNDLE": str(where / "ca.pem"), "SSL_CERT_FILE": str(where / "ca.pem"),
            "RECORDBAKE_CAPTURE_LOOPBACK": "1",
        }  # fmt: skip
        live = subprocess.run(
            command("live"), cwd=where, env=clean_environ(**env), capture_output=True, check=False
        )
        assert live.returncode == 0, live.stderr.decode()
        for server in (plain, tls):
            server._counts.clear()
        recorded = recordbake(
            "record", "--allow-errors", "--", *command("recorded"), cwd=where, env=env
        )
        assert recorded.returncode == 0, recorded.stderr
    replayed = recordbake("replay", "--strict", "--", *command("replayed"), cwd=where, env=env)
    assert (where / "replayed.json").exists(), replayed.stderr
    return {
        m: json.loads((where / f"{m}.json").read_text()) for m in ("live", "recorded", "replayed")
    }


def differences(seen):
    """What is not as it was live: for each program its lines up to there, and both outcomes."""
    found = []
    for name, live in seen["live"].items():
        if HANG in json.dumps([programs[name] for programs in seen.values()]):
            continue  # a replay, too, is of what was recorded up to there
        for mode in ("recorded", "replayed"):
            hooked = seen[mode][name]
            for number, (one, other) in enumerate(zip(live, hooked, strict=True)):
                if one != other:
                    lines = [line for line, *_ in live[: number + 1]]
                    found.append((f"{name}, {mode}", lines, *_narrowed(one[1:], other[1:])))
                    break
    return found


def _narrowed(one, other):
    """The part in which two values differ."""
    while type(one) is type(other) and isinstance(one, (dict, list)):
        if isinstance(one, dict):
            pairs = [(one[k], other[k]) for k in one if k in other and one[k] != other[k]]
        else:
            pairs = [pair for pair in zip(one, other, strict=False) if pair[0] != pair[1]]
        if not pairs or len(one) != len(other):
            break
        one, other = pairs[0]
    return one, other


def told(found):
    """Differences as text."""
    shown = []
    for name, lines, live, hooked in found:
        shown += [f"== {name}", *(f"   {line}" for line in lines)]
        shown += [f"   live:   {json.dumps(live)[:400]}", f"   hooked: {json.dumps(hooked)[:400]}"]
    return "\n".join(shown)
