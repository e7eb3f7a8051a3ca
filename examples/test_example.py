"""The bundled suite: what projects' tests do with the network. It knows nothing of recordbake.

Every name is a real one, every URL is fetched with the client as its documentation shows it.
"""

from __future__ import annotations

import asyncio
import csv
import io
import subprocess
import sys
import urllib.error
import urllib.request

import aiohttp
import httpx
import pytest
import requests
from huggingface_hub import HfApi, HfFileSystem, hf_hub_download, snapshot_download
from huggingface_hub.utils import EntryNotFoundError, RepositoryNotFoundError
from PIL import Image, ImageFont

IMAGES = "https://images.example.org"
API = "https://api.example.org"
TABLE = "https://data.example.org/table.csv"
DOCUMENTATION = "https://huggingface.co/datasets/huggingface/documentation-images/resolve/main"
MODEL = "hf-internal-testing/tiny-random-bert"
TIMEOUT = 30


# Images, streamed into Pillow


def test_image_streamed_into_pillow():
    with requests.get(f"{IMAGES}/cat.jpg", stream=True, timeout=TIMEOUT) as response:
        image = Image.open(response.raw)
        assert image.convert("RGB").size == (320, 240)


def test_gzip_encoded_image_streamed_into_pillow():
    with requests.get(f"{IMAGES}/cat-gzip.jpg", stream=True, timeout=TIMEOUT) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        response.raw.decode_content = True
        assert Image.open(response.raw).convert("RGB").size == (320, 240)


def test_image_of_a_dataset_streamed_into_pillow():
    url = f"{DOCUMENTATION}/pipeline-cat-chonk.jpeg"
    with requests.get(url, stream=True, timeout=TIMEOUT) as response:
        assert [hop.status_code for hop in response.history] == [302]
        assert Image.open(response.raw).convert("RGB").size == (400, 300)


def test_part_of_an_image():
    head = {"Range": "bytes=0-1"}
    response = requests.get(f"{IMAGES}/cat.jpg", headers=head, timeout=TIMEOUT)
    assert (response.status_code, response.content) == (206, b"\xff\xd8")


# The Hub, through its own library


def test_font_from_the_hub():
    path = hf_hub_download("ybelkada/fonts", "Arial.TTF")
    font = ImageFont.truetype(path, 40)
    assert font.getname() == ("Stand-in Arial", "Regular")
    assert font.getlength("CAT") > 0


def test_download_into_a_fresh_cache(tmp_path):
    path = hf_hub_download("ybelkada/fonts", "Arial.TTF", cache_dir=tmp_path)
    assert path.startswith(str(tmp_path))
    assert ImageFont.truetype(path, 12).getlength("A") > 0


def test_renamed_repository(tmp_path):
    path = hf_hub_download("bert-base-cased", "config.json", cache_dir=tmp_path)
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as users of the library write it
        assert '"model_type": "bert"' in file.read()


def test_model_info():
    info = HfApi().model_info(MODEL)
    assert info.id == MODEL
    assert "config.json" in {sibling.rfilename for sibling in info.siblings}


def test_list_repo_files():
    assert "pytorch_model.bin" in HfApi().list_repo_files(MODEL)


def test_listing_with_several_pages():
    files = HfApi().list_repo_files("example/many-files", repo_type="dataset")
    assert len(files) == 60


def test_paths_info():
    (info,) = HfApi().get_paths_info(MODEL, ["pytorch_model.bin", "nowhere.bin"])
    assert info.lfs.size == info.size == 40_000


def test_snapshot_download(tmp_path):
    folder = snapshot_download(MODEL, cache_dir=tmp_path)
    config = (tmp_path / folder / "onnx" / "config.json").read_text(encoding="utf-8")
    assert '"opset": 17' in config


def test_file_system():
    hub = HfFileSystem(skip_instance_cache=True)
    assert f"{MODEL}/onnx/config.json" in hub.glob(f"{MODEL}/**/*.json")
    with hub.open(f"{MODEL}/pytorch_model.bin", block_size=4096) as file:
        file.seek(20_000)
        part = file.read(100)
    assert part == hub.cat_file(f"{MODEL}/pytorch_model.bin")[20_000:20_100]
    with pytest.raises(FileNotFoundError):
        hub.info(f"{MODEL}/nope.json")


def test_file_that_does_not_exist():
    with pytest.raises(EntryNotFoundError):
        hf_hub_download(MODEL, "nope.json")


def test_private_repository():
    with pytest.raises(RepositoryNotFoundError):
        HfApi().model_info("example/private")


# Other clients


def test_several_urls_at_once_with_httpx():
    async def fetch() -> list[httpx.Response]:
        urls = [f"{IMAGES}/cat.jpg", f"{API}/items", TABLE, f"{API}/status/404"]
        async with httpx.AsyncClient(timeout=TIMEOUT) as client:
            return await asyncio.gather(*(client.get(url) for url in urls))

    responses = asyncio.run(fetch())
    assert [response.status_code for response in responses] == [200, 200, 200, 404]
    assert responses[1].json()[2] == {"id": 3, "name": "東京"}


def test_items_and_a_streamed_image_with_aiohttp():
    async def fetch() -> tuple[list[dict], bytes]:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        # The example's server is reached as a proxy, which aiohttp uses when it is told to.
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
            async with session.get(f"{API}/items") as response:
                items = await response.json()
            async with session.get(f"{IMAGES}/cat.jpg") as response:
                pieces = [piece async for piece in response.content.iter_chunked(1000)]
        return items, b"".join(pieces)

    items, image = asyncio.run(fetch())
    assert items[2] == {"id": 3, "name": "東京"}
    assert Image.open(io.BytesIO(image)).size == (320, 240)


def test_httpx2():
    httpx2 = pytest.importorskip("httpx2")
    with httpx2.Client(timeout=TIMEOUT) as client:
        assert client.post(f"{API}/echo", json={"a": [1, 2]}).json()["body"] == '{"a":[1,2]}'


def test_cookies_stay_in_the_session():
    with requests.Session() as session:
        session.get(f"{IMAGES}/cookies", timeout=TIMEOUT)
        assert session.cookies.get_dict() == {"session": "s3ss10n", "theme": "dark"}


def test_redirect():
    response = requests.get(f"{IMAGES}/redirect", timeout=TIMEOUT)
    assert response.url == f"{IMAGES}/cat.jpg"


def test_table_with_urllib():
    with urllib.request.urlopen(TABLE, timeout=TIMEOUT) as response:
        rows = list(csv.DictReader(io.TextIOWrapper(response, encoding="utf-8")))
    assert [row["city"] for row in rows] == ["Zürich", "Graz", "Bari"]


def test_error_status_with_urllib():
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{API}/status/410", timeout=TIMEOUT)
    with caught.value as error:
        assert (error.code, error.reason) == (410, "Gone")


def test_job_polled_until_done():
    requests.post(f"{API}/job", timeout=TIMEOUT)
    states = []
    while "done" not in states:
        assert len(states) < 10
        states.append(requests.get(f"{API}/job", timeout=TIMEOUT).json()["state"])
    assert states == ["queued", "running", "done"]


def test_program_that_fetches():
    program = f"import urllib.request as u; print(len(u.urlopen({IMAGES + '/cat.jpg'!r}).read()))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    # Exactly this: a tool that writes to a program's output breaks whoever parses it.
    assert (done.stdout, done.stderr) == ("10168\n", "")
