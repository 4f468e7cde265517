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


@pytest.mark.parametrize("pool", ["threads", "forks", "vmThreads"])
def test_a_suite_uses_an_emulator(pool: str, tmp_path: Path) -> None:
    modules = tmp_path / "node_modules"
    modules.mkdir()
    vitest = INSTALLED / "node/node_modules/vitest"
    (modules / "vitest").symlink_to(vitest)
    (modules / "replicant").symlink_to(ROOT)
    for name in ("first", "second"):
        (tmp_path / f"{name}.test.mjs").write_text(SUITE, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REPLICATE_")}
    ran = subprocess.run(
        ["node", vitest / "vitest.mjs", "run", "--pool", pool],
        cwd=tmp_path,
        env={**kept, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0 and "4 passed" in ran.stdout, ran.stdout
