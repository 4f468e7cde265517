"""The package works in Jest, also with jsdom, where the classes of `fetch` and of text encoding are missing."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from conftest import INSTALLED, ROOT

from replicant.testing import Emulator

SUITE = """
const Replicate = require("replicant");
const { withResponse } = require("replicant");
const { Emulator } = require("replicant/testing");

let emulator;
beforeAll(() => {
  emulator = new Emulator();
});
afterAll(() => emulator.close());

const done = { id: "p1", status: "succeeded", output: "done", urls: {} };

test("files and events are read", async () => {
  const client = emulator.client();
  const [file] = await client.run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
  expect((await file.blob()).size).toBeGreaterThan(1000);
  let text = "";
  for await (const event of client.stream("emulator/stream", { input: { chunks: ["a", "b"] } })) text += event;
  expect(text).toBe("ab");
});

test("responses are available", async () => {
  const client = emulator.client();
  const { response } = await withResponse(client.models.get("emulator", "echo"));
  expect(response.headers.get("content-type")).toContain("json");
  expect((await (await client.request("/models/emulator/echo")).json()).name).toBe("echo");
  const error = await client.models.get("no", "such").catch((error) => error);
  expect(error.response.status).toBe(404);
  expect(await error.response.json()).toHaveProperty("detail");
});

test("hooks see headers", async () => {
  const agents = [];
  const onRequest = ({ headers }) => void agents.push(headers.get("user-agent"));
  await emulator.client({ onRequest }).models.get("emulator", "echo");
  expect(agents).toHaveLength(1);
});

test("test doubles have only what 1.4.0 reads", async () => {
  const fetch = async () => ({ ok: true, status: 201, json: async () => done });
  expect(await new Replicate({ auth: "t", fetch }).run("acme/model", { input: {} })).toBe("done");
});

test("methods are replaced", async () => {
  const client = emulator.client();
  jest.spyOn(client.predictions, "create").mockResolvedValue(done);
  expect(await client.run("acme/model", { input: {} })).toBe("done");
  class Mine extends Replicate {
    request(...given) {
      return super.request(...given);
    }
  }
  const mine = new Mine({ auth: "t", baseUrl: emulator.baseUrl });
  expect(await mine.run("emulator/echo", { input: { value: 3 } })).toBe(3);
});
"""


HANGING = """
const Replicate = require("replicant");
test("a run", () => new Replicate().run("emulator/endless", { input: {}, wait: { mode: "poll" } }), 1000);
"""

LOADING = """
const Replicate = require("replicant");
test("a client", () => void new Replicate({ auth: "t" }));
"""


def jest(folder: Path, suites: list[str], *options: str, **environment: str) -> tuple[int, str]:
    """Runs a file for each suite. Returns the exit code and what Jest prints."""
    modules = folder / "node_modules"
    modules.mkdir()
    installed = INSTALLED / "node/node_modules"
    for name in ("jest", "jest-environment-jsdom"):
        (modules / name).symlink_to(installed / name)
    (modules / "replicant").symlink_to(ROOT)
    (folder / "package.json").write_text("{}", encoding="utf-8")
    for number, suite in enumerate(suites):
        (folder / f"suite{number}.test.js").write_text(suite, encoding="utf-8")
    ran = subprocess.run(
        ["node", "--expose-gc", installed / "jest/bin/jest.js", "--runInBand", *options],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    return ran.returncode, ran.stdout


@pytest.mark.parametrize("environment", ["node", "jsdom"])
def test_a_suite_uses_an_emulator(environment: str, tmp_path: Path) -> None:
    code, printed = jest(tmp_path, [SUITE], "--env", environment)
    assert code == 0, printed
    assert "5 passed" in printed


@pytest.mark.parametrize("environment", ["node", "jsdom"])
def test_the_end_of_jest_cancels_what_a_test_has_left(environment: str, tmp_path: Path) -> None:
    with Emulator() as emulator:
        api = {"REPLICATE_BASE_URL": emulator.base_url, "REPLICATE_API_TOKEN": "r8_token"}
        _, printed = jest(tmp_path, [HANGING], "--forceExit", "--env", environment, **api)
        assert "Exceeded timeout" in printed, printed
        (prediction,) = emulator.predictions
        assert prediction["status"] == "canceled"


def test_files_of_tests_leave_no_memory(tmp_path: Path) -> None:
    code, printed = jest(tmp_path, [LOADING] * 16, "--logHeapUsage")
    assert code == 0, printed
    heaps = [int(heap) for heap in re.findall(r"\((\d+) MB heap size\)", printed)]
    assert len(heaps) == 16, printed
    # An environment that stays takes 2.8 MB.
    assert heaps[-1] - heaps[3] < 15, heaps
