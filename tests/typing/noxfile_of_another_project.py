"""What another project's noxfile uses, for mypy and, with the wheel, pyright."""

from __future__ import annotations

from recordbake.workflow import Workflow, add_sessions

workflow: Workflow = add_sessions(
    install=["-e", ".[test]"],
    command=["pytest", "-q"],
    tool=["recordbake"],
    wrap=("python", "server.py", "--"),
    python=["3.11", "3.12"],
)
installs: list[str] = workflow.install
