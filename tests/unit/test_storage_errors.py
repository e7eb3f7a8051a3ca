"""What the operating system refuses is said with its file and its remedy."""

from __future__ import annotations

import errno
import os
import shutil

import pytest

from recordbake.errors import StorageError, remedy
from recordbake.files import naming


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (errno.ENOSPC, "free space"),
        (errno.EMFILE, "ulimit -n"),
        (errno.EFBIG, "ulimit -f"),
        (errno.EROFS, "permission"),
        (errno.ENOENT, "deleted"),
        (errno.EIO, "free space or grant permission"),
    ],
)
def test_each_error_has_a_remedy(number, word):
    assert word in remedy(os.strerror(number))
    assert word in StorageError(OSError(number, os.strerror(number), "f")).next_step


def test_of_many_files_that_could_not_be_copied_one_is_named(tmp_path):
    why = str(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/from/a", None, "/to/a"))
    error = StorageError(shutil.Error([("/from/a", "/to/a", why), ("/from/b", "/to/b", why)]))
    assert error.where == "/to/a"
    assert error.what.endswith(": No space left on device")
    assert "free space" in error.next_step


def test_a_write_that_fails_names_its_file(tmp_path):
    with pytest.raises(OSError, match="No space") as caught, naming(tmp_path / "f"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.filename == str(tmp_path / "f")
