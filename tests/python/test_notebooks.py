"""The display of file outputs in notebooks."""

from __future__ import annotations

import base64
import pickle

import pytest
from conftest import Emulator

import replicant

PAINTER = "black-forest-labs/flux-schnell"


HERON = {"prompt": "a heron", "megapixels": "0.25", "seed": 3}


@pytest.mark.alone
def test_the_repr_shows_known_metadata_without_a_request(
    client: replicant.Client, emulator: Emulator
) -> None:
    output = client.run(PAINTER, HERON)[0]
    emulator.forget()
    assert repr(output) == f"FileOutput({output.url!r})"
    assert not emulator.requests()
    size = len(output.read())
    message = f"FileOutput({output.url!r}, image/webp, {size:,} bytes)"
    assert repr(output) == message
    again = pickle.loads(pickle.dumps(output))
    assert (again, again.url) == (output, output.url)
    again._client = client
    again.head()
    assert repr(again) == message


def test_a_notebook_displays_an_image(client: replicant.Client) -> None:
    output = client.run(PAINTER, HERON)[0]
    shown = output._repr_mimebundle_()
    content = base64.b64encode(output.read()).decode()
    assert shown["text/html"] == f'<img src="data:image/webp;base64,{content}">'
    assert shown["text/plain"] == repr(output)
    png = client.run(PAINTER, {**HERON, "output_format": "png"})[0]
    assert set(png._repr_mimebundle_()) == {"text/plain", "image/png"}


def test_a_notebook_displays_each_kind_of_media() -> None:
    def shown(kind: str) -> dict[str, str]:
        return replicant.FileOutput(f"data:{kind};base64,aGk=")._repr_mimebundle_()

    assert shown("audio/wav")["text/html"] == (
        '<audio controls src="data:audio/wav;base64,aGk="></audio>'
    )
    assert shown("video/mp4")["text/html"].startswith("<video controls")
    assert shown("image/svg+xml")["text/html"].startswith("<img")
    assert shown("image/jpeg")["image/jpeg"] == "aGk="
    assert set(shown("text/html")) == {"text/plain"}
    evil = shown('image/"><script>alert(1)</script>')
    assert "<script" not in evil.get("text/html", "")


def test_marimo_displays_each_kind_of_media() -> None:
    def shown(kind: str) -> tuple[str, str]:
        return replicant.FileOutput(f"data:{kind};base64,aGk=")._mime_()

    assert shown("image/png") == ("text/html", '<img src="data:image/png;base64,aGk=">')
    assert shown("image/webp") == ("text/html", '<img src="data:image/webp;base64,aGk=">')
    assert shown("audio/wav")[1].startswith("<audio")
    assert shown("text/csv") == (
        "text/plain",
        "FileOutput('data:text/csv;base64,aGk=', text/csv, 2 bytes)",
    )


@pytest.mark.alone
def test_a_large_or_expired_file_is_a_link(
    client: replicant.Client, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from replicant import _notebook

    output = client.run(PAINTER, HERON)[0]
    monkeypatch.setattr(_notebook, "_LIMIT", 1000)
    emulator.forget()
    shown = output._repr_mimebundle_()["text/html"]
    assert shown.startswith(f'<a href="{output.url}"')
    assert len(emulator.requests()) == 1
    gone = replicant.FileOutput(f"{emulator.origin}/files/x/<b>.png?a&b", client)
    shown = gone._repr_mimebundle_()["text/html"]
    assert "<b>" not in shown
    assert "?a&amp;b" in shown
    assert "hour" in shown
    assert (
        "text/html" not in replicant.FileOutput("javascript:alert(1)", client)._repr_mimebundle_()
    )


NOTEBOOK = """
import replicant
client = replicant.Client(base_url="BASE")
pictures = client.run("black-forest-labs/flux-schnell", {"prompt": "a heron", "megapixels": "0.25"})
pictures[0]
"""


def test_a_real_notebook_displays_the_file(emulator: Emulator) -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    cell = nbformat.v4.new_code_cell(NOTEBOOK.replace("BASE", emulator.base_url))
    awaited = nbformat.v4.new_code_cell(
        "picture = (await client.async_run('black-forest-labs/flux-schnell',"
        " {'prompt': 'x', 'megapixels': '0.25', 'output_format': 'png'}))[0]\npicture"
    )
    notebook = nbformat.v4.new_notebook(cells=[cell, awaited])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    nbformat.validate(notebook)
    (shown,) = cell.outputs
    assert shown["data"]["text/html"].startswith('<img src="data:image/webp;base64,UklGR')
    (shown,) = awaited.outputs
    assert base64.b64decode(shown["data"]["image/png"]).startswith(b"\x89PNG")
