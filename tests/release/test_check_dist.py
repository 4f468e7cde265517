"""Packages that must not be published are rejected with a specific message."""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path
from typing import Dict

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import check_dist  # noqa: E402

MODULE = b"\x7fELF....GLIBC_2.2.5\0GLIBC_2.28\0.."
METADATA = (
    "Metadata-Version: 2.4\nName: replicant\nVersion: 1.2.3\nRequires-Python: >=3.9\n"
    "Requires-Dist: ray[data]>=2.60 ; extra == 'ray'\n"
    "Requires-Dist: replicant-emulator==1.2.3 ; extra == 'testing'\nProvides-Extra: testing\n"
)
INFO = "replicant-1.2.3.dist-info"


class Packages(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.check = check_dist.Check()

    def wheel(self, **changes: bytes) -> str:
        files: Dict[str, bytes] = {
            "replicant/py.typed": b"",
            "replicant/_native.pyi": b"",
            "replicant/testing.py": b"",
            "replicant/_native.abi3.so": MODULE,
            f"{INFO}/METADATA": METADATA.encode(),
            f"{INFO}/entry_points.txt": b"[console_scripts]\nreplicant=replicant.__main__:main\n",
            f"{INFO}/licenses/LICENSE": b"",
        }
        files.update({name.replace("__", "/"): text for name, text in changes.items()})
        path = self.folder / "replicant-1.2.3-cp39-abi3-manylinux_2_28_x86_64.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        self.check.wheel(path, "1.2.3")
        return "; ".join(self.check.problems)

    def test_the_extras_are_those_of_the_project(self) -> None:
        text = (ROOT / "pyproject.toml").read_text()
        table = text.split("[project.optional-dependencies]\n")[1].split("\n[")[0]
        declared = dict(re.findall(r'^(\w+) = \["(.*)"\]$', table, re.MULTILINE))
        version = declared["testing"].split("==")[1]
        self.assertEqual(
            declared, {name: need.format(version) for name, need in check_dist.EXTRAS.items()}
        )

    def platform_package(self, module: bytes = MODULE, **manifest: object) -> str:
        main = "replicant.linux-x64-gnu.node"
        described = {
            "name": "replicant-linux-x64-gnu",
            "version": "1.2.3",
            "os": ["linux"],
            "main": main,
            "files": [main],
        }
        files = {
            "package.json": json.dumps({**described, **manifest}).encode(),
            "LICENSE": b"",
            "README.md": b"",
            main: module,
        }
        self.pack("replicant-linux-x64-gnu-1.2.3.tgz", files)
        return "; ".join(self.check.problems)

    def emulator_wheel(self, **changes: bytes) -> str:
        info = "replicant_emulator-1.2.3.dist-info"
        files: Dict[str, bytes] = {
            **{
                f"replicant_emulator/{name}": b""
                for name in ("__init__.py", "__main__.py", "py.typed")
            },
            "replicant_emulator-1.2.3.data/scripts/replicant-emulator": MODULE,
            f"{info}/METADATA": b"Metadata-Version: 2.4\nName: replicant-emulator\nVersion: 1.2.3\n",
            f"{info}/licenses/LICENSE": b"",
        }
        files.update({name.replace("__", "/"): text for name, text in changes.items()})
        path = self.folder / "replicant_emulator-1.2.3-py3-none-manylinux_2_28_x86_64.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        self.check.wheel(path, "1.2.3")
        return "; ".join(self.check.problems)

    def emulator_package(self, *more: str) -> str:
        platforms = {f"replicant-emulator-{name}": "1.2.3" for name in check_dist.PLATFORMS["npm"]}
        manifest = {
            "name": "replicant-emulator",
            "version": "1.2.3",
            "optionalDependencies": platforms,
        }
        files = dict.fromkeys([*check_dist.EMULATOR_FILES, *more], b"")
        packed = {**files, "package.json": json.dumps(manifest).encode()}
        self.pack("replicant-emulator-1.2.3.tgz", packed)
        return "; ".join(self.check.problems)

    def main_package(self, *more: str) -> str:
        platforms = {f"replicant-{name}": "1.2.3" for name in check_dist.PLATFORMS["npm"]}
        manifest = {
            "name": "replicant",
            "version": "1.2.3",
            "bin": {"replicant": "node/cli.cjs"},
            "optionalDependencies": platforms,
        }
        sources = [
            "node/cli.cjs",
            "node/index.cjs",
            "node/dist/replicant.js",
            "node/dist/resources/models.d.ts",
        ]
        files = dict.fromkeys(["LICENSE", "README.md", *sources, *more], b"")
        self.pack("replicant-1.2.3.tgz", {**files, "package.json": json.dumps(manifest).encode()})
        return "; ".join(self.check.problems)

    def pack(self, name: str, files: Dict[str, bytes]) -> None:
        with tarfile.open(self.folder / name, "w:gz") as archive:
            for path, content in files.items():
                member = tarfile.TarInfo(f"package/{path}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        self.check.npm(self.folder / name, "1.2.3")

    def test_a_library_with_build_paths_is_rejected(self) -> None:
        for path in (
            b"/home/someone/.cargo/registry/src/index/hyper/src/lib.rs",
            b"/root/work/crates/core/src/lib.rs",
            b"/Users/someone/replicant/src/lib.rs",
            b"C:\\Users\\someone\\replicant\\src\\lib.rs",
            str(ROOT).encode() + b"/crates/core/src/lib.rs",
        ):
            self.check.problems.clear()
            problems = self.platform_package(MODULE + b"\0" + path + b"\0")
            self.assertIn(" build paths, such as ", problems)
        self.check.problems.clear()
        remapped = b"\0/cargo/index.crates.io-1949cf8c6b5b557f/hyper-1.9.0/src/lib.rs\0/rustc/abc/library/core\0"
        self.assertEqual(self.platform_package(MODULE + remapped), "")

    def test_good_packages_pass(self) -> None:
        self.assertEqual(self.wheel(), "")
        self.assertEqual(self.platform_package(), "")
        self.assertEqual(self.main_package(), "")
        self.assertEqual(self.emulator_wheel(), "")
        self.assertEqual(self.emulator_package(), "")

    def test_other_files_in_the_packages_of_the_emulator_are_rejected(self) -> None:
        self.assertIn("also contains ['src/main.rs']", self.emulator_wheel(**{"src__main.rs": b""}))
        self.assertIn("postinstall.cjs", self.emulator_package("postinstall.cjs"))

    def test_a_wheel_with_an_old_emulator_is_rejected(self) -> None:
        metadata = METADATA.replace("emulator==1.2.3", "emulator==1.2.2").encode()
        self.assertIn("has dependencies other than", self.wheel(**{f"{INFO}__METADATA": metadata}))

    def test_sources_in_the_main_package_are_rejected(self) -> None:
        problem = self.main_package("node/src/client.ts", "node/dist/client.js")
        self.assertIn("also contains ['node/src/client.ts', 'node/dist/client.js']", problem)

    def test_packages_without_the_program_are_rejected(self) -> None:
        entries = {f"{INFO}__entry_points.txt": b"[pytest11]\n"}
        self.assertIn("lacks the program", self.wheel(**entries))

    def test_a_newer_glibc_is_rejected(self) -> None:
        self.assertIn("needs glibc 2.34", self.platform_package(MODULE + b"GLIBC_2.34\0"))

    def test_a_newer_glibc_in_a_wheel_is_rejected(self) -> None:
        module = {"replicant___native.abi3.so": MODULE + b"GLIBC_2.29\0"}
        self.assertIn("needs glibc 2.29", self.wheel(**module))

    def test_an_unstripped_module_is_rejected(self) -> None:
        self.assertIn("is not stripped", self.platform_package(MODULE + b"\0.symtab\0"))

    def test_a_large_module_is_rejected(self) -> None:
        limit = check_dist.MODULE_LIMIT
        self.assertIn(f"at most {limit}", self.platform_package(MODULE + bytes(limit)))

    def test_another_version_is_rejected(self) -> None:
        self.assertIn("is 1.2.4", self.platform_package(version="1.2.4"))

    def test_dependencies_are_rejected(self) -> None:
        self.assertIn("has dependencies", self.platform_package(dependencies={"left-pad": "1"}))

    def test_dependencies_of_a_wheel_are_rejected(self) -> None:
        metadata = f"{METADATA}Requires-Dist: httpx\n".encode()
        self.assertIn("has dependencies", self.wheel(**{f"{INFO}__METADATA": metadata}))

    def test_tests_in_a_wheel_are_rejected(self) -> None:
        self.assertIn("also contains ['tests/test_x.py']", self.wheel(**{"tests__test_x.py": b""}))


if __name__ == "__main__":
    unittest.main()
