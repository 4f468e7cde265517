"""`install_as_replicate`: this package under the name of the official one."""

from __future__ import annotations

import pytest
from conftest import Emulator, python

PINNED = "emulator/stream:0ec4000000000000000000000000000000000000000000000000000000000005"

SUBMODULES = """account client collection deployment exceptions file hardware helpers identifier model
pagination prediction run stream training version webhook __about__ _async _async.prediction"""


def passes(code: str, **variables: str) -> None:
    done = python(code, **variables)
    assert done.returncode == 0, done.stderr


def test_every_module_is_the_same_object() -> None:
    passes(
        "import importlib, replicant\n"
        "replicant.install_as_replicate()\n"
        "import replicate\n"
        "assert replicate is replicant\n"
        f"for name in {SUBMODULES.split()!r}:\n"
        "    alias = importlib.import_module(f'replicate.{name}')\n"
        "    own = importlib.import_module(f'replicant.{name}')\n"
        "    assert alias is own, name\n"
        "    assert own.__name__ == own.__spec__.name == f'replicant.{name}', own.__spec__\n"
        "from replicate.exceptions import ModelError\n"
        "from replicate import prediction, Client\n"
        "assert ModelError is replicant.ModelError and prediction is replicant.prediction\n"
    )


def test_copies_of_modules_are_replaced() -> None:
    passes(
        "import sys, replicant\n"
        "sys.modules['replicate'] = replicant\n"
        "import replicate.exceptions\n"
        "replicant.install_as_replicate()\n"
        "replicant.install_as_replicate()\n"
        "import replicate.exceptions\n"
        "assert replicate.exceptions is sys.modules['replicant.exceptions']\n"
        "assert sum(type(f).__name__ == '_Alias' for f in sys.meta_path) == 1\n"
    )


def test_reload_and_pickle_work_under_the_alias() -> None:
    passes(
        "import importlib, importlib.util, pickle, replicant\n"
        "replicant.install_as_replicate()\n"
        "import replicate.identifier\n"
        "assert importlib.reload(replicate.identifier) is replicant.identifier\n"
        "v = replicate.version.Version(id='a')\n"
        "assert pickle.loads(pickle.dumps(v)) == v\n"
        "assert importlib.util.find_spec('replicate') and importlib.util.find_spec('replicate.run')\n"
        "try: import replicate.nothing\n"
        "except ModuleNotFoundError as error: assert error.name == 'replicate.nothing'\n"
        "else: raise AssertionError\n"
    )


def test_libraries_find_the_distribution() -> None:
    passes(
        "from importlib import metadata\n"
        "import replicant\n"
        "replicant.install_as_replicate()\n"
        "assert metadata.version('replicate') == '1.0.7'\n"
        "names = [d.metadata['Name'] for d in metadata.distributions()]\n"
        "assert names.count('replicate') == 1 and len(names) > 1, names\n"
        "assert metadata.distribution('replicate').requires is None\n"
        "assert metadata.entry_points() is not None\n"
        "try: metadata.version('replicate-nothing')\n"
        "except metadata.PackageNotFoundError: pass\n"
        "else: raise AssertionError\n"
    )


def test_open_llmetry_records_the_calls(emulator: Emulator) -> None:
    pytest.importorskip("opentelemetry.sdk")
    passes(
        "import replicant\n"
        "replicant.install_as_replicate()\n"
        "from opentelemetry.instrumentation.replicate import ReplicateInstrumentor\n"
        "from opentelemetry.sdk.trace import TracerProvider\n"
        "from opentelemetry.sdk.trace.export import SimpleSpanProcessor\n"
        "from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter\n"
        "spans, provider = InMemorySpanExporter(), TracerProvider()\n"
        "provider.add_span_processor(SimpleSpanProcessor(spans))\n"
        "ReplicateInstrumentor().instrument(tracer_provider=provider)\n"
        "import replicate\n"
        "assert replicate.run('emulator/echo', input={'value': 'x'}) == 'x'\n"
        "slow = {'chunks': ['a', 'b'], 'pause': 0.1}\n"
        "assert ''.join(map(str, replicate.stream('emulator/stream', input=slow))) == 'ab'\n"
        f"output = replicate.run('{PINNED}', input=slow)\n"
        "assert ''.join(output) == 'ab'\n"
        "replicate.predictions.create(model='emulator/echo', input={})\n"
        "names = {span.name for span in spans.get_finished_spans()}\n"
        "wanted = {'replicate.run', 'replicate.stream', 'replicate.predictions.create'}\n"
        "assert names == wanted, names\n"
        "texts = [v for s in spans.get_finished_spans() for k, v in s.attributes.items() if k.endswith('completion.0.content')]\n"
        "assert texts == ['x', 'ab', 'ab'], texts\n"
        "ReplicateInstrumentor().uninstrument()\n"
        "replicate.run('emulator/echo', input={'value': 1})\n"
        "assert 'replicate.run' not in [s.name for s in spans.get_finished_spans()][3:]\n",
        REPLICATE_BASE_URL=emulator.base_url,
        REPLICATE_API_TOKEN="r8_x",
    )


def test_another_package_of_that_name_is_not_replaced() -> None:
    passes(
        "import sys, types, replicant\n"
        "sys.modules['replicate'] = types.ModuleType('replicate')\n"
        "try: replicant.install_as_replicate()\n"
        "except RuntimeError as error: assert 'before anything imports' in str(error)\n"
        "else: raise AssertionError\n"
    )


def test_the_name_is_found_again_after_a_test_removed_it() -> None:
    passes(
        "import sys, replicant\n"
        "replicant.install_as_replicate()\n"
        "for _ in range(2):\n"
        "    sys.modules.pop('replicate')\n"
        "    import replicate, replicate.prediction\n"
        "    assert replicate is replicant and replicant.__spec__.name == 'replicant'\n"
        "    assert replicate.prediction is replicant.prediction\n"
    )


def test_a_patch_under_either_name_is_seen(emulator: Emulator) -> None:
    passes(
        "from unittest.mock import patch\n"
        "import replicant\n"
        "replicant.install_as_replicate()\n"
        "import replicate\n"
        "assert replicate.run('emulator/echo', {'value': 1}) == 1\n"
        "with patch('replicate.run', return_value=2), patch('replicate.models.get') as get:\n"
        "    assert replicant.run('a/b') == 2\n"
        "    replicant.models.get('a/b')\n"
        "assert get.called\n",
        REPLICATE_BASE_URL=emulator.base_url,
        REPLICATE_API_TOKEN="r8_x",
    )
