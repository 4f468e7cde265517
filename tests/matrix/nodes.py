"""The npm packages under each runtime and package manager."""

from __future__ import annotations

import platform
import shutil
import tarfile
from pathlib import Path

from environment import CACHE, Project, Skip, version_of

STEPS = ("steps.mjs", "smoke.mjs", "smoke.cjs", "smoke.ts")


def project(name: str, registry: str, *packages: str) -> Project:
    """An empty npm project with the package and others installed by name."""
    made = Project(name)
    made.environment["npm_config_registry"] = registry
    made.write("package.json", '{ "private": true }\n')
    made.copy(*STEPS)
    made.run("npm", "install", "--loglevel=error", "replicant", *packages)
    return made


def node(registry: str, line: str) -> Path:
    """A Node of that release line, from the registry; kept once it was fetched."""
    system = {"Linux": "linux", "Darwin": "darwin"}.get(platform.system())
    machine = {"x86_64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine())
    if system is None or machine is None:
        raise Skip("the registry has no Node for this system")
    folder = CACHE / f"node-{line}"
    if not folder.exists():
        fetching = Project(f"node {line} fetch")
        fetching.environment["npm_config_registry"] = registry
        name = fetching.run("npm", "pack", "--silent", f"node-{system}-{machine}@{line}").split()[
            -1
        ]
        partial = folder.with_suffix(".new")
        shutil.rmtree(partial, ignore_errors=True)
        with tarfile.open(fetching.folder / name) as archive:
            archive.extractall(partial)
        partial.rename(folder)
    return folder / "package/bin/node"


def runtime(line: str, registry: str) -> str:
    """ES module and CommonJS, each by itself."""
    program = node(registry, line)
    made = project(f"node {line}", registry)
    for script in ("smoke.mjs", "smoke.cjs"):
        made.smoke(program, script)
    return made.run(program, "--version").strip().lstrip("v")


def bun(registry: str) -> str:
    """Bun's own installer and its own runtime."""
    tool = project("bun tool", registry, "bun")
    program = tool.folder / "node_modules/.bin/bun"
    made = Project("bun")
    made.environment["npm_config_registry"] = registry
    made.write("package.json", '{ "private": true }\n')
    made.copy(*STEPS)
    made.run(program, "add", "replicant")
    for script in ("smoke.mjs", "smoke.cjs", "smoke.ts"):
        made.smoke(program, script)
    return made.run(program, "--version").strip()


def deno(registry: str) -> str:
    """Deno's own installer and its own runtime."""
    tool = project("deno tool", registry, "deno")
    program = tool.folder / "node_modules/.bin/deno"
    made = Project("deno")
    made.environment.update(NPM_CONFIG_REGISTRY=registry, DENO_NO_UPDATE_CHECK="1")
    made.write("package.json", '{ "private": true }\n')
    made.copy(*STEPS)
    made.run(program, "install", "npm:replicant")
    for script in ("smoke.mjs", "smoke.cjs"):
        made.smoke(program, "run", "--allow-all", script)
    return made.run(program, "--version").split()[1]


def pnpm(registry: str) -> str:
    """A package manager that shows a program only what it depends on itself."""
    tool = project("pnpm tool", registry, "pnpm@10")
    made = Project("pnpm")
    made.environment["npm_config_registry"] = registry
    made.write("package.json", '{ "private": true }\n')
    made.copy(*STEPS)
    made.run(
        tool.folder / "node_modules/.bin/pnpm", "add", "--store-dir", CACHE / "pnpm", "replicant"
    )
    for script in ("smoke.mjs", "smoke.cjs"):
        made.smoke("node", script)
    return version_of(tool.folder, "pnpm")


def yarn(registry: str) -> str:
    """A package manager that keeps packages in archives (Plug'n'Play)."""
    tool = project("yarn tool", registry, "@yarnpkg/cli-dist")
    program = tool.folder / "node_modules/@yarnpkg/cli-dist/bin/yarn.js"
    made = Project("yarn")
    made.environment.update(
        YARN_NPM_REGISTRY_SERVER=registry,
        YARN_UNSAFE_HTTP_WHITELIST="127.0.0.1",
        YARN_ENABLE_TELEMETRY="0",
        YARN_NPM_MINIMAL_AGE_GATE="0",
        YARN_PNP_ENABLE_ESM_LOADER="1",
        YARN_ENABLE_IMMUTABLE_INSTALLS="0",
    )
    made.write("package.json", '{ "private": true }\n')
    made.write("yarn.lock", "")
    made.copy(*STEPS)
    made.run("node", program, "add", "replicant")
    for script in ("smoke.mjs", "smoke.cjs"):
        made.smoke("node", program, "node", script)
    return version_of(tool.folder, "@yarnpkg/cli-dist")


def typescript(version: str, module: str, resolution: str, registry: str) -> str:
    """Compiles strictly, declarations of the package included, and runs what came out."""
    made = project(
        f"typescript {version} {resolution}", registry, f"typescript@{version}", "@types/node@20"
    )
    # TypeScript 6 calls its old way of resolving deprecated, and wants to hear that one knows.
    known = (
        ["--ignoreDeprecations", "6.0"]
        if resolution == "node10" and not version.startswith("5")
        else []
    )
    made.write(
        "package.json",
        f'{{ "private": true, "type": "{"commonjs" if module == "commonjs" else "module"}" }}\n',
    )
    made.run(
        *(
            "node_modules/.bin/tsc",
            "--strict",
            "--exactOptionalPropertyTypes",
            "--noUncheckedIndexedAccess",
        ),
        *(
            "--target",
            "es2022",
            "--lib",
            "es2023,dom,dom.iterable,dom.asynciterable,esnext.disposable",
        ),
        *("--types", "node", "--module", module, "--moduleResolution", resolution, *known),
        *("--outDir", "out", "smoke.ts"),
    )
    made.smoke("node", "out/smoke.js")
    return version_of(made.folder, "typescript")


def missing_module(registry: str) -> str:
    """What the loader says when the module is missing, broken, or for another system."""
    made = project("missing module", registry)
    [package] = (made.folder / "node_modules").glob("replicant-*")
    module = next(package.glob("*.node"))
    name = package.name[len("replicant-") :]

    def says(*expected: str, code: str = "") -> None:
        output = made.run("node", "-e", f'{code}; require("replicant")', fails=True)
        for words in expected:
            if words not in output:
                raise RuntimeError(f"{words!r} is not in what the loader said: {output}")

    module.write_bytes(b"no library")
    says(f"no native module for {name}", str(module))
    shutil.rmtree(package)
    advice = (f"npm install replicant-{name}", "--omit=optional", "lockfile", "beside the program")
    says(f"replicant-{name} from ", "Cannot find module", *advice)
    code = 'Object.defineProperty(process, "arch", { value: "mips" })'
    says("no native module for linux-mips-", code=code)
    return "3 faults"
