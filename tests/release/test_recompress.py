"""Recompressed wheels have the same files."""

from __future__ import annotations

import sys
import tempfile
import unittest
import zipfile
import zlib
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import recompress  # noqa: E402


def deflate(content: bytes) -> bytes:
    """Stands for zopfli, which only `make dist` installs."""
    return zlib.compress(content, 9)[2:-4]


class Wheels(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "a.whl"

    def test_names_contents_modes_and_times_stay(self) -> None:
        program = zipfile.ZipInfo("a.data/scripts/é", (2024, 2, 29, 23, 59, 58))
        program.external_attr = 0o100755 << 16
        program.create_system = 3
        with zipfile.ZipFile(self.path, "w") as archive:
            archive.writestr(program, b"x" * 100_000)
            archive.writestr("empty", b"")
            archive.writestr("short", b"abc")

        def files() -> object:
            with zipfile.ZipFile(self.path) as archive:
                return [
                    (info.filename, info.date_time, info.external_attr, archive.read(info))
                    for info in archive.infolist()
                ]

        expected = files()
        with mock.patch.object(recompress, "deflate", deflate):
            before, after = recompress.rewrite(self.path)
        self.assertEqual(files(), expected)
        self.assertEqual(after, self.path.stat().st_size)
        self.assertLess(after, before / 10)

    def test_a_wrong_stream_is_found(self) -> None:
        with zipfile.ZipFile(self.path, "w") as archive:
            archive.writestr("a", b"x" * 1000)
        with (
            mock.patch.object(recompress, "deflate", lambda content: deflate(content[1:])),
            self.assertRaises((ValueError, zipfile.BadZipFile)),
        ):
            recompress.rewrite(self.path)


if __name__ == "__main__":
    unittest.main()
