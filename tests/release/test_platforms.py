"""All lists of platforms agree with scripts/platforms.json, and lock files name no registry."""

from __future__ import annotations

import json
import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLATFORMS = json.loads((ROOT / "scripts/platforms.json").read_text(encoding="utf-8"))


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


class Platforms(unittest.TestCase):
    def test_the_loader_names_every_npm_package(self) -> None:
        loader = text("node/src/platform/loader.ts")
        for name in PLATFORMS["npm"]:
            self.assertIn(
                f'__non_webpack_require__("replicant-{name}/replicant.{name}.node")', loader
            )
        self.assertEqual(loader.count('return __non_webpack_require__("'), len(PLATFORMS["npm"]))

    def test_a_release_builds_and_tests_every_npm_package(self) -> None:
        release = text(".github/workflows/release.yml")
        build, smoke = release.split("  node-smoke:", 1)
        for part in [build.split("  node-build:", 1)[1], smoke.split("\n  publish", 1)[0]]:
            found = set(re.findall(r"platform: ([\w-]+)", part))
            self.assertEqual(found, set(PLATFORMS["npm"]))

    def test_a_release_builds_every_wheel(self) -> None:
        release = text(".github/workflows/release.yml")
        wheels = release.split("  wheels:", 1)[1].split("\n  node-build:", 1)[0]
        found = set(re.findall(r"tag: (\w+)", wheels))
        self.assertEqual(found, set(PLATFORMS["wheels"]["tags"]))
        self.assertEqual(
            wheels.count("--out dist/python --manifest-path crates/emulator/Cargo.toml"), 2
        )


class LockFiles(unittest.TestCase):
    def test_package_lock_names_no_registry(self) -> None:
        for lock in ["package-lock.json", "crates/web/package-lock.json"]:
            packages = json.loads(text(lock))["packages"]
            self.assertEqual(
                [name for name, entry in packages.items() if "resolved" in entry], [], lock
            )

    def test_cargo_lock_names_only_crates_io(self) -> None:
        for lock in ["Cargo.lock", "crates/web/Cargo.lock"]:
            sources = set(re.findall(r'source = "([^"]+)"', text(lock)))
            self.assertEqual(
                sources, {"registry+https://github.com/rust-lang/crates.io-index"}, lock
            )

    def test_shared_dependencies_have_one_version(self) -> None:
        def versions(lock: str) -> set:
            return set(re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"\nsource', text(lock)))

        main, web = versions("Cargo.lock"), versions("crates/web/Cargo.lock")
        shared = {name for name, _ in main} & {name for name, _ in web}
        # That of the web has no tables, which would make the module larger.
        self.assertEqual(shared - {name for name, _ in main & web}, {"idna_adapter"})


class OldestRust(unittest.TestCase):
    def test_no_dependency_needs_a_newer_rust_than_the_workspace(self) -> None:
        promised = re.search(r'rust-version = "([\d.]+)"', text("Cargo.toml"))
        assert promised is not None
        ceiling = tuple(map(int, promised[1].split(".")))
        metadata = subprocess.run(
            ["cargo", "metadata", "--format-version=1", "--locked"],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        newer = [
            f"{package['name']} {package['version']} needs {package['rust_version']}"
            for package in json.loads(metadata.stdout)["packages"]
            if tuple(map(int, (package["rust_version"] or "1.0").split(".")[:2])) > ceiling[:2]
        ]
        self.assertEqual(newer, [])


if __name__ == "__main__":
    unittest.main()
