"""The pipeline by an installed recordbake: `python smoke.py PYTHON EXAMPLES`.

PYTHON is one of an environment with the wheel and what the examples need. To be run in an empty
directory: nothing of the source tree is on the path.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def main(python: str, examples: str) -> None:
    """Record with a server, then bake, unpack, replay strictly and audit without one."""
    suite = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", examples]
    server = [python, str(Path(examples) / "with_server.py"), "--state", "server", "--"]
    tool = [str(Path(python).with_name("recordbake"))]
    for command in (
        [*server, *tool, "record", "--", *suite],
        [*tool, "bake"],
        [*tool, "verify", ".recordbake/bake"],
        [*tool, "unpack", ".recordbake/bake", "--to", "baked"],
        [*tool, "replay", "--strict", "--recording", "baked", "--runs-dir", "runs", "--", *suite],
        [*tool, "audit"],
    ):
        print("$", *command, flush=True)
        subprocess.run(command, check=True)
    verdict = json.loads(Path("reports/audit.json").read_bytes())["verdict"]
    assert verdict["decision"] == "keep", verdict


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
