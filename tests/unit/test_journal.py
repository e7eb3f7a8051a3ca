"""Journal shards become one journal, in time order."""

from __future__ import annotations

import json

from recordbake.journal import journal_lines
from recordbake.recording import Run


def test_lines_of_all_shards_are_in_time_order_however_they_are_written(tmp_path):
    run = Run(tmp_path)
    run.shards.mkdir()
    guests = [f'{{"v":1,"ts":{ts!r},"n":{n}}}' for n, ts in enumerate((1.5, 20.25, 30.0))]
    others = [json.dumps({"n": n, "ts": ts}) for n, ts in ((3, 2), (4, 20.125), (5, 1e3))]
    torn = '{"v":1,"ts":21.5,"tor'
    (run.shards / "1-a.ndjson").write_text("\n".join([guests[0], torn, *guests[1:]]) + "\n")
    (run.shards / "2-b.ndjson").write_text("\n".join(others) + "\n")
    found = [line.decode().strip() for line in journal_lines(run)]
    assert found == [guests[0], others[0], others[1], torn, guests[1], guests[2], others[2]]
