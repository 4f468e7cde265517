"""A bump writes the version to all files, and a file that differs is reported."""

from __future__ import annotations

import datetime
import re
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import version  # noqa: E402

DAY = datetime.date(2030, 1, 2)


class Version(unittest.TestCase):
    def setUp(self) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        for name in [*{name for name, _, _ in version.PLACES}, "CHANGELOG.md"]:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.root / name)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        self.assertIn(old, text)
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def test_the_repository_has_one_version(self) -> None:
        version.check(ROOT)

    def test_a_bump_writes_all_files_and_the_changelog(self) -> None:
        version.bump(self.root, "97.98.99-rc.1", DAY)
        self.assertEqual(version.check(self.root), "97.98.99-rc.1")
        self.assertEqual({found for _, found in version.found(self.root)}, {"97.98.99-rc.1"})
        changelog = (self.root / "CHANGELOG.md").read_text(encoding="utf-8")
        self.assertIn("## Unreleased\n\n## 97.98.99-rc.1 - 2030-01-02\n", changelog)

    def test_a_bump_changes_nothing_else(self) -> None:
        before = (self.root / "Cargo.lock").read_text(encoding="utf-8").splitlines()
        version.bump(self.root, "97.98.99", DAY)
        after = (self.root / "Cargo.lock").read_text(encoding="utf-8").splitlines()
        changed = [new for old, new in zip(before, after) if old != new]
        self.assertEqual(len(before), len(after))
        self.assertEqual(changed, ['version = "97.98.99"'] * 7)

    def test_a_file_that_differs_is_named(self) -> None:
        for name, pattern, times in version.PLACES[1:]:
            for place in range(times):
                with self.subTest(name, place=place):
                    path = self.root / name
                    text = path.read_text(encoding="utf-8")
                    start, end = list(re.finditer(pattern, text))[place].span(1)
                    path.write_text(f"{text[:start]}97.0.0{text[end:]}", encoding="utf-8")
                    with self.assertRaisesRegex(version.VersionError, f"{name} has 97.0.0"):
                        version.check(self.root)
                    path.write_text(text, encoding="utf-8")

    def test_a_place_that_is_gone_is_named_before_anything_is_written(self) -> None:
        self.edit("node/src/version.ts", "version =", "other =")
        with self.assertRaisesRegex(version.VersionError, "node/src/version.ts: 0 versions"):
            version.bump(self.root, "97.98.99", DAY)
        self.assertNotIn("97.98.99", (self.root / "Cargo.toml").read_text(encoding="utf-8"))

    def test_what_is_no_version_is_refused(self) -> None:
        for wrong in ["1.2", "v1.2.3", "1.2.3+build", "1.2.3-", "1.2.3-dev", ""]:
            with self.assertRaisesRegex(version.VersionError, "is not a version"):
                version.bump(self.root, wrong, DAY)

    def test_a_tag_has_to_agree_with_the_files_and_the_changelog(self) -> None:
        version.bump(self.root, "97.98.99", DAY)
        self.tell("Everything.")
        with self.assertRaisesRegex(version.VersionError, "does not name the repository"):
            version.check_tag(self.root, "v97.98.99")
        manifest = (self.root / "package.json").read_text(encoding="utf-8")
        self.write("package.json", manifest.replace("/OWNER/", "/acme/"))
        version.check_tag(self.root, "v97.98.99")
        with self.assertRaisesRegex(version.VersionError, "the tag is v97.98.98"):
            version.check_tag(self.root, "v97.98.98")
        self.tell("")
        with self.assertRaisesRegex(version.VersionError, "has no text"):
            version.check_tag(self.root, "v97.98.99")

    def tell(self, what: str) -> None:
        self.write(
            "CHANGELOG.md",
            f"# Changelog\n\n## 97.98.99 - 2030-01-02\n\n{what}\n\n## 0.0.1 - 2030-01-01\n",
        )

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, encoding="utf-8")

    def test_python_spells_it_its_way(self) -> None:
        spelled = {
            "1.2.3": "1.2.3",
            "1.2.3-rc.1": "1.2.3rc1",
            "1.2.3-alpha.2": "1.2.3a2",
            "1.2.3-beta.3": "1.2.3b3",
        }
        self.assertEqual({semantic: version.in_python(semantic) for semantic in spelled}, spelled)


if __name__ == "__main__":
    unittest.main()
