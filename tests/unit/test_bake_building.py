"""The Dockerfile is built by whichever builder is there."""

from __future__ import annotations

import hashlib
import json
import sys
from typing import TYPE_CHECKING

import pytest

from recordbake.cli import main
from tests.support.bakes import make_sample

if TYPE_CHECKING:
    from pathlib import Path


class Builders:
    """Programs that write down what they are asked, and nothing else on PATH."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def add(self, name: str, answers: int = 0) -> None:
        program = self.path / name
        program.write_text(
            f"#!{sys.executable}\nimport json, sys\nprint('built')\n"
            f"open({str(self.path / 'asked')!r}, 'a').write(json.dumps(sys.argv) + '\\n')\n"
            f"sys.exit({answers})\n"
        )
        program.chmod(0o755)

    @property
    def asked(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.path / "asked").read_text().splitlines()]


@pytest.fixture
def builders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Builders:
    found = Builders(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(found.path))
    make_sample(tmp_path).path.rename(tmp_path / ".recordbake")
    (tmp_path / "Dockerfile").touch()
    monkeypatch.chdir(tmp_path)
    return found


def test_the_build_knows_the_bake(
    builders: Builders, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    builders.add("buildah")
    command = ["bake", "--image", "suite:1", "--base-image", "base@sha256:0"]
    assert main(command) == 0
    out, err = capfd.readouterr()
    assert "suite:1, built by buildah" in out
    assert "built\n" in err, "the builder's output"
    data = (tmp_path / ".recordbake/bake/manifest.json").read_bytes()
    (asked,) = builders.asked
    time = str(json.loads(data)["created_at"])
    assert asked[1:5] == ["bud", "--layers", "--timestamp", time]
    assert {
        "BAKE_DIR=.recordbake/bake", "BASE_IMAGE=base@sha256:0",
        f"MANIFEST_DIGEST=sha256:{hashlib.sha256(data).hexdigest()}",
    } < set(asked)  # fmt: skip
    assert asked[-3:] == ["--tag", "suite:1", "."]


@pytest.mark.parametrize(
    ("there", "taken"),
    [({"docker": 0, "podman": 0}, "docker"), ({"docker": 1, "podman": 0}, "podman")],
)
def test_docker_is_taken_where_its_engine_answers(
    builders: Builders, there: dict[str, int], taken: str
) -> None:
    for name, answers in there.items():
        builders.add(name, answers)
    assert main(["bake", "--image", "suite"]) == 0
    assert builders.asked[-1][0].endswith(f"/{taken}")
    assert builders.asked[-1][1] == "build"


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("no builder", "none of docker, podman, buildah"),
        ("fails", "podman did not build the image: exit 3"),
        ("no Dockerfile", "there is no Dockerfile"),
        ("elsewhere", "the bake is not in it"),
    ],
)
def test_what_is_in_the_way_is_said(
    builders: Builders, tmp_path: Path, capfd: pytest.CaptureFixture[str], case: str, says: str
) -> None:
    if case != "no builder":
        builders.add("podman", 3)
    if case == "no Dockerfile":
        (tmp_path / "Dockerfile").unlink()
    out = ["--out", str(tmp_path.parent / "elsewhere")] if case == "elsewhere" else []
    assert main(["bake", "--image", "suite", *out]) == 2
    assert says in capfd.readouterr().err
