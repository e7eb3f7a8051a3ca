"""Runs one client of the contract: live, recording, and in a strict replay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import trustme

from tests.clients.origin import ContractOrigin, Deaf, Refusing
from tests.clients.origin_h2 import Http2Origin
from tests.support.cli import clean_environ, recordbake

PYTHON = os.environ.get("RECORDBAKE_CONTRACT_PYTHON", sys.executable)
SCENARIO = Path(__file__).with_name("scenario.py")


@contextmanager
def origins(where):
    """Every server of the contract, with URLs by name and what clients need to trust them."""
    known, unknown = trustme.CA(), trustme.CA()
    known.cert_pem.write_to_path(str(where / "ca.pem"))
    certificate = where / "server.pem"
    known.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    with (
        ContractOrigin() as plain,
        ContractOrigin(known) as tls,
        ContractOrigin(unknown) as stranger,
        closing(Deaf()) as deaf,
        closing(Refusing()) as refusing,
        Http2Origin(str(certificate)) as http2,
    ):
        bases = {
            "ORIGIN": plain.url,
            "OTHER": plain.url.replace("localhost", "127.0.0.1"),
            "REFUSED": refusing.url,
            "DEAF": deaf.url,
            "TLS": tls.url,
            "TLS-OTHER": tls.url.replace("localhost", "127.0.0.1"),
            "TLS-UNKNOWN": stranger.url,
            "H2": http2.url,
            "TLS-PLAIN": plain.url.replace("http:", "https:"),
        }
        yield (plain, tls), bases


def run_client(client, where):
    """What one client sees live, recording, and in a strict replay with the server gone."""
    authority = str(where / "ca.pem")
    env = {"SSL_CERT_FILE": authority, "REQUESTS_CA_BUNDLE": authority,
           "HTTPLIB2_CA_CERTS": authority}  # fmt: skip
    capture = env | {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
    with origins(where) as (servers, bases):
        command = [PYTHON, str(SCENARIO), client, json.dumps(bases)]
        live = subprocess.run(
            command, capture_output=True, text=True, check=True, env=clean_environ(**env), cwd=where
        )
        for server in servers:
            server._counts.clear()
            server.requests.clear()
        recorded = recordbake("record", "--allow-errors", "--", *command, cwd=where, env=capture)
        assert recorded.returncode == 0, recorded.stderr
        asked = [len(server.requests) for server in servers]
    replayed = recordbake("replay", "--strict", "--", *command, cwd=where, env=capture)
    assert [len(server.requests) for server in servers] == asked, "the replay went live"
    return {
        "asked": sum(asked),
        "live": json.loads(live.stdout),
        "recorded": json.loads(recorded.stdout),
        "replayed": json.loads(replayed.stdout),
        "stderr": replayed.stderr,
        "exit": replayed.returncode,
    }
