"""Warm downloads from the Hub in a process of their own: ``hub.py COUNT``.

Prints one JSON object: the CPU seconds of COUNT calls of ``hf_hub_download``, each of a file that
the Hub's own cache has already.
"""

from __future__ import annotations

import json
import sys
import time

FILES = 60  # in the repository of the examples' stand-in


def main(count: int) -> None:
    from huggingface_hub import hf_hub_download

    names = [f"part/{n:04}.txt" for n in range(FILES)]
    for name in names:
        hf_hub_download("example/many-files", name, repo_type="dataset")
    start = time.process_time()
    for n in range(count):
        hf_hub_download("example/many-files", names[n % FILES], repo_type="dataset")
    print(json.dumps({"cpu": time.process_time() - start}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
