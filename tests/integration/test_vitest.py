"""The helper for Vitest works in each of its pools."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from conftest import INSTALLED, ROOT

SUITE = """
import { afterAll, expect, test } from "vitest";
import Replicate from "replicant";
import { useEmulator } from "replicant/testing/vitest";

const emulator = useEmulator();

test("clients of the application use the emulator", async () => {
  emulator.script("acme/captioner", { output: "a heron" });
  expect(await new Replicate().run("acme/captioner", { input: {} })).toBe("a heron");
  emulator.assertCalled("acme/captioner", { times: 1 });
});

test("the next test finds it empty, and its failures are readable", () => {
  emulator.assertNotCalled();
  expect(() => emulator.assertCalled()).toThrow("no predictions");
});

// Hooks run in the reverse order, so this one runs before the emulator closes.
afterAll(() => expect(process.env.REPLICATE_BASE_URL).toBe(emulator.baseUrl));
"""


PAGE = """
// @vitest-environment jsdom
import { expect, test } from "vitest";
import { useEmulator } from "replicant/testing/vitest";

const emulator = useEmulator();

test("files of jsdom are inputs", async () => {
  expect(Blob.prototype.arrayBuffer).toBe(undefined);
  const image = new File(["heron"], "heron.txt");
  const input = { image };
  const sent = await emulator.client().run("emulator/echo", { input: { value: input }, fileEncodingStrategy: "base64" });
  expect(atob(String(sent.image).split(",")[1])).toBe("heron");
});
"""


def run(folder: Path, suites: dict[str, str], pool: str) -> str:
    """Runs suites with Vitest. Returns what it prints."""
    modules = folder / "node_modules"
    modules.mkdir()
    installed = INSTALLED / "node/node_modules"
    vitest = installed / "vitest"
    for name in ("vitest", "jsdom"):
        (modules / name).symlink_to(installed / name)
    (modules / "replicant").symlink_to(ROOT)
    for name, suite in suites.items():
        (folder / f"{name}.test.mjs").write_text(suite, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REPLICATE_")}
    ran = subprocess.run(
        ["node", vitest / "vitest.mjs", "run", "--pool", pool],
        cwd=folder,
        env={**kept, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


@pytest.mark.parametrize("pool", ["threads", "forks", "vmThreads"])
def test_a_suite_uses_an_emulator(pool: str, tmp_path: Path) -> None:
    assert "4 passed" in run(tmp_path, {"first": SUITE, "second": SUITE}, pool)


@pytest.mark.parametrize("pool", ["threads", "vmThreads"])
def test_files_of_jsdom_are_read(pool: str, tmp_path: Path) -> None:
    assert "1 passed" in run(tmp_path, {"page": PAGE}, pool)
