"""The recipes of CI services as jobs of steps, and what their services do with them."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from tests.support.machines import Machine

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Step:
    """A script, or what an action of the service does.

    Args:
        script: what the shell gets.
        uses: ``clone``, ``keep`` (an artifact or a cache) or ``fetch`` instead of a script.
        given: for ``keep`` and ``fetch``: ``path``, and ``name``, ``key`` or ``pattern``.
        env: variables of the step.
        always: run after a failure, too.
    """

    script: str = ""
    uses: str = ""
    given: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    always: bool = False


@dataclass
class Job:
    """Steps on one machine, the words of its shell before a script."""

    name: str
    shell: tuple[str, ...]
    steps: list[Step]
    local_bin: bool = True

    @property
    def directory(self) -> str:
        """The name, fit for a directory that is on PATH."""
        return self.name.replace(":", "-")


@dataclass
class Service:
    """Where jobs leave things for each other: a directory below ``kept`` for each name.

    Args:
        kept: a directory.
        project: a git repository.
        tool: an environment with recordbake's wheel.
        env: variables of every machine.
    """

    kept: Path
    project: Path
    tool: Path
    env: dict[str, str]

    def run(self, job: Job, machine: Path) -> list[tuple[str, int, str]]:
        """Run a job as far as it goes; returns script, exit code and output of each step."""
        on = Machine(machine, self.tool, self.env, local_bin=job.local_bin)
        done: list[tuple[str, int, str]] = []
        for step in job.steps:
            if any(code for _, code, _ in done) and not step.always:
                continue
            if step.uses:
                getattr(self, f"_{step.uses}")(on, step)
                continue
            found = on.run(job.shell, step.script, step.env)
            done.append((step.script, found.returncode, found.stdout + found.stderr))
        return done

    def _clone(self, machine: Machine, _step: Step) -> None:
        machine.clone(self.project)

    def _keep(self, machine: Machine, step: Step) -> None:
        name = step.given["name"]
        for path in step.given["path"]:
            found = list(machine.work.glob(path))
            if step.given.get("hidden") is False:
                found = [item for item in found if not _hidden(item.relative_to(machine.work))]
            assert found, f"nothing to keep: {path}"
            for item in found:
                to = self.kept / name / (item.relative_to(machine.work) if step.given.get("whole")
                                         else item.name if item.is_file() else "")  # fmt: skip
                to.parent.mkdir(parents=True, exist_ok=True)
                if item.is_dir():
                    shutil.copytree(item, to, symlinks=True, dirs_exist_ok=True)
                else:
                    shutil.copy(item, to)

    def _fetch(self, machine: Machine, step: Step) -> None:
        found = sorted(self.kept.glob(step.given["pattern"]))
        assert found, f"nothing was kept: {step.given['pattern']}"
        if step.given.get("newest"):
            shutil.copytree(found[-1], machine.work, symlinks=True, dirs_exist_ok=True)
            return
        for item in found:
            to = machine.work / step.given["path"] / item.name
            shutil.copytree(item, to, symlinks=True)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def github(path: Path, event: str) -> list[Job]:
    """The jobs of a workflow that an event starts, those of a matrix one by one.

    A step without ``shell`` is run by ``bash -e`` from a file; pipx links into a directory that is
    on PATH (docs.github.com, "Workflow syntax", ``jobs.<job_id>.steps[*].shell``).
    """
    jobs, started = [], set()
    for name, job in yaml.safe_load(path.read_text())["jobs"].items():
        needed = job.get("needs", name)
        if not _holds(job.get("if", ""), event) or needed not in {name, *started}:
            continue
        started.add(name)
        matrix = job.get("strategy", {}).get("matrix", {"": [""]})
        ((variable, values),) = matrix.items()
        for value in values:
            known = {f"matrix.{variable}": str(value), "github.run_id": "1",
                     "github.run_attempt": "1"}  # fmt: skip
            steps = [step for found in job["steps"] if (step := _github_step(found, known))]
            jobs.append(Job(f"{name}-{value}", ("bash", "-e", "-c"), steps))
    return jobs


def _holds(condition: str, event: str) -> bool:
    """A condition on the event."""
    if not condition:
        return True
    terms = re.findall(r"github\.event_name (==|!=) '(\w+)'", condition)
    assert terms, condition
    return any((word == event) == (sign == "==") for sign, word in terms)


def _github_step(step: dict[str, Any], known: dict[str, str]) -> Step | None:
    def filled(value: Any) -> str:
        return re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda m: known.get(m[1], "a-secret"), str(value))

    always = step.get("if") == "always()"
    if "run" in step:
        env = {key: filled(value) for key, value in step.get("env", {}).items()}
        return Step(filled(step["run"]), env=env, always=always)
    action, given = step["uses"].partition("@")[0], step.get("with", {})
    paths = [given.get("path", "")]
    if action == "actions/setup-python":
        return None
    known_actions = {
        "actions/checkout": Step(uses="clone"),
        "actions/upload-artifact": Step(uses="keep", always=always, given={
            "name": filled(given.get("name")), "path": paths,
            "hidden": given.get("include-hidden-files", False)}),
        "actions/download-artifact": Step(uses="fetch", given={
            "pattern": given.get("pattern", ""), "path": given.get("path", "")}),
        "actions/cache/save": Step(uses="keep", given={
            "name": filled(given.get("key")), "path": paths, "whole": True}),
        "actions/cache/restore": Step(uses="fetch", given={
            "pattern": f"{given.get('restore-keys', '')}*", "newest": True}),
    }  # fmt: skip
    return known_actions[action]


def gitlab(path: Path, *, scheduled: bool, opt: Path) -> list[Job]:
    """The jobs of a pipeline: ``before_script`` and ``script`` in one shell, ``after_script`` in
    one of its own, whatever came of them (docs.gitlab.com, "CI/CD YAML syntax").

    Args:
        path: of the file.
        scheduled: whether a schedule starts it, or a merge request.
        opt: stands for /opt.
    """
    known = {
        name: job for name, job in yaml.safe_load(path.read_text()).items() if name != "stages"
    }
    source = "schedule" if scheduled else "merge_request_event"
    jobs = []
    for name, own in known.items():
        job = known.get(own.get("extends"), {}) | own
        if name.startswith(".") or not _applies(job["rules"], source):
            continue
        cache, steps = job["cache"], [Step(uses="clone")]
        if cache.get("policy") != "push" and not scheduled:
            steps.append(Step(uses="fetch", given={"pattern": cache["key"], "newest": True}))
        steps.append(_lines(job["before_script"] + job["script"], opt))
        if "after_script" in job:
            steps.append(_lines(job["after_script"], opt, always=True))
        if cache.get("policy") != "pull" and scheduled:
            kept = {"name": cache["key"], "path": cache["paths"], "whole": True}
            steps.append(Step(uses="keep", given=kept))
        if "artifacts" in job:
            kept = {"name": f"artifacts-{name}", "path": job["artifacts"]["paths"], "whole": True}
            steps.append(
                Step(uses="keep", given=kept, always=job["artifacts"].get("when") == "always")
            )
        jobs.append(Job(name, ("bash", "-eo", "pipefail", "-c"), steps, local_bin=False))
    return jobs


def _applies(rules: list[dict[str, str]], source: str) -> bool:
    (rule,) = rules
    found = re.fullmatch(r'\$CI_PIPELINE_SOURCE (==|!=) "(\w+)"', rule["if"])
    assert found, rule
    return (found[2] == source) == (found[1] == "==")


def _lines(lines: list[str], opt: Path, *, always: bool = False) -> Step:
    return Step("\n".join(lines).replace("/opt/", f"{opt}/"), always=always)


def circleci(path: Path, workflow: str) -> list[Job]:
    """The jobs of a workflow: each ``run`` in ``bash -eo pipefail`` (circleci.com/docs,
    "Configuration reference", ``run``)."""
    text = yaml.safe_load(path.read_text())
    jobs = []
    for name in text["workflows"][workflow]["jobs"]:
        steps = []
        for step in text["jobs"][name]["steps"]:
            own = text["commands"].get(step) if isinstance(step, str) else None
            inner = own["steps"] if own else [step]
            steps += [_circleci_step(found) for found in inner]
        jobs.append(Job(name, ("bash", "-eo", "pipefail", "-c"), steps))
    return jobs


def _circleci_step(step: Any) -> Step:
    if step == "checkout":
        return Step(uses="clone")
    ((kind, given),) = step.items()
    if kind == "run":
        given = {"command": given} if isinstance(given, str) else given
        return Step(given["command"], always=given.get("when") == "always")
    if kind == "save_cache":
        name = given["key"].replace("{{ epoch }}", "1")
        return Step(uses="keep", given={"name": name, "path": given["paths"], "whole": True})
    if kind == "restore_cache":
        return Step(uses="fetch", given={"pattern": f"{given['key']}*", "newest": True})
    assert kind == "store_artifacts", kind
    return Step(uses="keep", given={"name": "artifacts", "path": [given["path"]], "whole": True})


def buildkite(path: Path, *, record: bool) -> list[Job]:
    """The steps of a pipeline that are run: the lines of ``command`` as one script of ``bash -e``
    (buildkite.com/docs, "Command step" and the agent's ``--shell``)."""
    jobs = []
    for step in yaml.safe_load(path.read_text())["steps"]:
        sign = re.fullmatch(r'build\.env\("RECORD"\) (==|!=) "1"', step["if"])
        assert sign, step["if"]
        if (sign[1] == "==") != record:
            continue
        steps = [Step(uses="clone"), Step("\n".join(step["command"]))]
        if paths := step.get("artifact_paths"):
            kept = {"name": "artifacts", "path": [paths], "whole": True}
            steps.append(Step(uses="keep", given=kept, always=True))
        jobs.append(Job(step["label"], ("bash", "-e", "-c"), steps))
    return jobs
