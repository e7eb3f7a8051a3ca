"""What a suite asks of the Hub: ``python hub_asking.py`` prints what each call gave, as JSON.

Nothing of a result depends on where the cache lies. Waiting between huggingface_hub's own retries
is left out; how often it tries is not.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from pathlib import Path

time.sleep = lambda _seconds: None

from huggingface_hub import (  # noqa: E402
    HfApi,
    HfFileSystem,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    snapshot_download,
)  # fmt: skip

MODEL = "hf-internal-testing/tiny-random-bert"
DATASET = "example/many-files"


def _digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]


def _tree(folder):
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return [[str(path.relative_to(folder)), _digest(path)] for path in paths]


def _into_a_fresh_cache():
    with tempfile.TemporaryDirectory() as fresh:
        return _digest(hf_hub_download(MODEL, "config.json", cache_dir=fresh))


def _part_of_a_file():
    with HfFileSystem(skip_instance_cache=True).open(
        f"{MODEL}/pytorch_model.bin", block_size=4096
    ) as file:
        file.seek(20_000)
        return file.read(100).hex()


def _head_of_a_file():
    found = get_hf_file_metadata(hf_hub_url(MODEL, "pytorch_model.bin"))
    return [found.commit_hash, found.etag, found.size]


def _info():
    found = HfApi().model_info(MODEL)
    return [found.id, found.sha, sorted(sibling.rfilename for sibling in found.siblings)]


CALLS = {
    "`hf_hub_download`": lambda: _digest(hf_hub_download("ybelkada/fonts", "Arial.TTF")),
    "`hf_hub_download(cache_dir=...)`, a fresh one": _into_a_fresh_cache,
    "`hf_hub_download` of a renamed repository": lambda: _digest(
        hf_hub_download("bert-base-cased", "config.json")
    ),
    "`hf_hub_download` of a file that is not there": lambda: hf_hub_download(MODEL, "nope.json"),
    "`snapshot_download`": lambda: _tree(snapshot_download(MODEL)),
    "`HfApi.model_info`": _info,
    "`HfApi.model_info` of a private repository": lambda: HfApi().model_info("example/private"),
    "`HfApi.list_repo_files`, several pages": lambda: sorted(
        HfApi().list_repo_files(DATASET, repo_type="dataset")
    ),
    "`HfApi.get_paths_info`": lambda: [
        [info.path, info.size] for info in HfApi().get_paths_info(MODEL, ["pytorch_model.bin"])
    ],
    "`HfApi.file_exists`, one that does not": lambda: HfApi().file_exists(MODEL, "nope.json"),
    "`get_hf_file_metadata`": _head_of_a_file,
    "`HfFileSystem.glob`": lambda: sorted(
        HfFileSystem(skip_instance_cache=True).glob(f"{MODEL}/**/*.json")
    ),
    "`HfFileSystem.open`, a part of a file": _part_of_a_file,
}


def main():
    results = {}
    for name, call in CALLS.items():
        try:
            results[name] = call()
        except Exception as error:  # noqa: BLE001
            results[name] = {"raised": type(error).__qualname__}
    print(json.dumps(results))


if __name__ == "__main__":
    main()
