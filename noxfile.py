"""The workflow on the bundled example (bare ``nox``), and the project's own checks.

Before a push: ``nox -s lint types tests-3.12``. With a client or a dependency: ``clients``,
``minimums``. Before a release: ``package``, ``workflows``. Long: ``suites``,
``moving_in``, ``peers``, ``faults``, ``bench``.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import nox

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))  # nox may run from an environment without recordbake

from recordbake.workflow import add_sessions  # noqa: E402

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["record", "bake", "replay_strict", "audit"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False  # in CI too: test with the Pythons that are there

PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
PROJECT = nox.project.load_toml("pyproject.toml")

add_sessions(
    install=["-r", "examples/requirements.txt"],
    command=["pytest", "-q", "examples"],
    tool=["-e", "."],
    wrap=["python", "examples/with_server.py", "--state", ".recordbake/server", "--"],
)


def _install(session: nox.Session, *groups: str) -> None:
    requirements = nox.project.dependency_groups(PROJECT, *groups)
    session.install("-e", ".", *requirements)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests; a Python that is not installed is skipped."""
    _install(session, "tests")
    session.run("pytest", *(session.posargs or ["-n", "auto"]))


@nox.session
@nox.parametrize("end", ["lowest-direct", "highest"])
def clients(session: nox.Session, end: str) -> None:
    """Run the client contract with the lowest and with the newest releases that are supported."""
    _install(session, "tests")
    python = Path(session.virtualenv.location).resolve() / "contract" / "bin" / "python"
    session.run("uv", "venv", "--quiet", "--clear", str(python.parent.parent))
    session.run(
        "uv", "pip", "install", "--quiet", "--python", str(python), "--resolution", end,
        *nox.project.dependency_groups(PROJECT, "clients"),
    )  # fmt: skip
    session.run(
        "pytest", *(session.posargs or ["-n", "auto", "tests/clients"]),
        env={"RECORDBAKE_CONTRACT_PYTHON": str(python)},
    )  # fmt: skip


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting and the direction of imports."""
    _install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Check types strictly."""
    _install(session, "types")
    session.run("mypy")


@nox.session
def minimums(session: nox.Session) -> None:
    """Run the tests of the outer half with the lowest release of each dependency."""
    requirements = nox.project.dependency_groups(PROJECT, "tests")
    session.install("-e", ".", *requirements, env={"UV_RESOLUTION": "lowest-direct"})
    session.run("pytest", *(session.posargs or ["-n", "auto", "tests/unit", "tests/end_to_end"]))


@nox.session
def package(session: nox.Session) -> None:
    """Build wheel and sdist, check them, and use the wheel in a clean environment."""
    session.install(*nox.project.dependency_groups(PROJECT, "package"))
    dist = Path(session.create_tmp()).resolve() / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(dist))  # the wheel from the sdist
    wheel = next(dist.glob("*.whl"))
    session.run("twine", "check", "--strict", *map(str, dist.iterdir()))
    session.run("check-wheel-contents", str(wheel))
    clean = dist.parent / "clean"
    session.run("python", "-m", "venv", "--clear", "--without-pip", str(clean))
    python = str(clean / "bin" / "python")
    pip = ["python", "-m", "pip", "--python", python, "--quiet", "--disable-pip-version-check"]
    session.run(*pip, "install", str(wheel))
    bill = dist / f"{'-'.join(wheel.name.split('-')[:2])}.cdx.json"
    session.run(
        "cyclonedx-py", "environment", "--output-reproducible",
        "--pyproject", "pyproject.toml", "--output-file", str(bill), python,
    )  # fmt: skip
    session.run("pyright", "--pythonpath", python, "tests/typing")
    session.run(*pip, "install", "-r", "examples/requirements.txt")
    root = Path.cwd()
    with tempfile.TemporaryDirectory() as empty, session.chdir(empty):
        session.run("python", str(root / "tests/package/smoke.py"), python, str(root / "examples"))
    with tempfile.TemporaryDirectory() as empty:
        user = Path(empty) / "user"
        user.mkdir()
        with session.chdir(user):
            trial = str(root / "tests/package/trial.py")
            session.run("python", trial, python, str(root), str(wheel))
    session.log(f"checked: {dist}")


@nox.session
def workflows(session: nox.Session) -> None:
    """Check the workflows of GitHub and others: schemas, actionlint, zizmor."""
    session.install(*nox.project.dependency_groups(PROJECT, "workflows"))
    files = [str(path) for path in sorted(Path(".github/workflows").glob("*.yml"))]
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files)
    session.run("zizmor", "--offline", "--pedantic", ".github")
    session.run("actionlint")
    recipes = Path("docs/how-to/ci")
    check = ["check-jsonschema", "--builtin-schema"]
    session.run(*check, "vendor.github-actions", "action.yml")
    session.run(*check, "vendor.github-workflows", str(recipes / "github.yml"))
    gitlab = ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"]
    session.run(*check, *gitlab, str(recipes / "gitlab-ci.yml"))
    session.run(*check, "vendor.circle-ci", str(recipes / "circleci.yml"))
    session.run(*check, "vendor.buildkite", str(recipes / "buildkite.yml"))
    session.run("actionlint", str(recipes / "github.yml"))
    session.run("zizmor", "--offline", "action.yml", str(recipes / "github.yml"))


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation's site into build/site; a broken link or anchor fails it."""
    session.install(*nox.project.dependency_groups(PROJECT, "docs"))
    session.run("mkdocs", "build", "--strict", env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what recordbake costs, against not using it and against its peers."""
    _install(session, "tests")
    peers = Path(session.virtualenv.location).resolve() / "peers"
    session.run("python", "-m", "venv", str(peers))
    python = str(peers / "bin" / "python")
    names = ["requests", "httpx", "requests-cache", "vcrpy", "cassetter"]
    session.run(python, "-m", "pip", "install", "--quiet", *names, external=True)
    page = ["--page", "docs/reference/benchmarks.md", "--images", "docs/images"]
    page = [] if "--quick" in session.posargs else page
    session.run("python", "-m", "bench", "--peers", python, *page, *session.posargs)


@nox.session
def suites(session: nox.Session) -> None:
    """Run test suites written by others live, recorded and replayed: all, or those named."""
    _install(session, "suites")
    session.run("python", "-m", "tests.suites", "run", *session.posargs)


@nox.session
def moving_in(session: nox.Session) -> None:
    """Set projects of others up with init, record them, replay them strictly from the bake."""
    _install(session, "suites")
    session.run("python", "-m", "tests.moving_in", *session.posargs)


@nox.session
def peers(session: nox.Session) -> None:
    """Put other tools, each in an environment of its own, to the contract of the clients."""
    _install(session, "tests")
    session.run("python", "-m", "tests.peers", *session.posargs)


@nox.session
def faults(session: nox.Session) -> None:
    """Kill, starve, damage and mislead recordbake: nothing may be lost, hang or be wrong."""
    _install(session, "tests")
    page = ["--page", "docs/reference/faults.md"]
    session.run("python", "-m", "tests.faults", *page, *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzz what reads strangers' bytes, guided by coverage; what is new stays in the corpus."""
    _install(session, "fuzz")
    session.run("python", "-m", "tests.fuzz", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Write the lock files, with hashes, anew: the newest releases that fit."""
    session.install("uv>=0.5")
    common = (
        "--quiet", "--upgrade", "--universal", "--python-version", "3.10", "--no-annotate",
        "--no-header", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links",
    )  # fmt: skip
    groups = [word for name in ("tests", "lint", "types") for word in ("--group", name)]
    session.run(
        "uv", "pip", "compile", *common, "pyproject.toml", "--all-extras", *groups,
        "--output-file", "requirements.lock",
    )  # fmt: skip
    session.run(
        "uv", "pip", "compile", *common, ".github/nox.in", "--output-file", ".github/nox.lock"
    )


@nox.session
def advisories(session: nox.Session) -> None:
    """Look for known vulnerabilities of what is locked; fails where nobody can be asked."""
    session.install("pip-audit>=2.7")
    report = Path(session.create_tmp()).resolve() / "advisories.json"
    report.unlink(missing_ok=True)
    for name in ("requirements.lock", ".github/nox.lock"):
        session.run(
            "pip-audit", "--disable-pip", "--require-hashes", "--requirement", name,
            "--format", "json", "--output", str(report), success_codes=[0, 1],
        )  # fmt: skip
        if not report.exists():
            session.error(f"nothing was audited: the advisories for {name} could not be had")
        found = [d for d in json.loads(report.read_text())["dependencies"] if d.get("vulns")]
        report.unlink()
        if found:
            names = ", ".join(f"{d['name']} {d['version']}" for d in found)
            session.error(f"known vulnerabilities in {name}: {names}")
