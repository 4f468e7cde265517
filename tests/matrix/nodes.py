"""The npm packages under each runtime and package manager."""

from __future__ import annotations

import platform
import shutil
import tarfile
from pathlib import Path

from environment import CACHE, Project, Skip, version_of

PACKAGES = ("replicant", "replicant-emulator")
STEPS = ("steps.mjs", "smoke.mjs", "smoke.cjs", "smoke.ts")


def create_project(name: str, registry: str, *packages: str) -> Project:
    """Creates an empty npm project and installs the package and `packages` into it."""
    project = Project(name)
    project.environment["npm_config_registry"] = registry
    project.write("package.json", '{ "private": true }\n')
    project.copy(*STEPS)
    project.run("npm", "install", "--loglevel=error", *PACKAGES, *packages)
    return project


def emulator_of(project: Project) -> str:
    """Returns the path of the installed emulator."""
    [path] = project.folder.glob("node_modules/replicant-emulator-*/replicant-emulator*")
    return str(path)


def node(registry: str, line: str) -> Path:
    """Returns a Node of a release line, downloaded from the registry once."""
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
    """Runs the package as an ES module and as CommonJS."""
    program = node(registry, line)
    project = create_project(f"node {line}", registry)
    for script in ("smoke.mjs", "smoke.cjs"):
        project.smoke(program, script)
    if not project.run(program, "node_modules/replicant/node/cli.cjs", "--version").startswith(
        "replicant "
    ):
        raise RuntimeError("the program does not run")
    return project.run(program, "--version").strip().lstrip("v")


def bun(registry: str) -> str:
    """Installs and runs the package with Bun."""
    tool = create_project("bun tool", registry, "bun")
    program = tool.folder / "node_modules/.bin/bun"
    project = Project("bun")
    project.environment["npm_config_registry"] = registry
    project.write("package.json", '{ "private": true }\n')
    project.copy(*STEPS)
    project.run(program, "add", *PACKAGES)
    for script in ("smoke.mjs", "smoke.cjs", "smoke.ts"):
        project.smoke(program, script)
    return project.run(program, "--version").strip()


def deno(registry: str) -> str:
    """Installs the package with Deno, and runs its native module."""
    tool = create_project("deno tool", registry, "deno")
    program = tool.folder / "node_modules/.bin/deno"
    project = Project("deno")
    project.environment.update(NPM_CONFIG_REGISTRY=registry, DENO_NO_UPDATE_CHECK="1")
    project.write("package.json", '{ "private": true }\n')
    project.copy(*STEPS)
    for script in ("smoke.mjs", "smoke.cjs"):
        text = (project.folder / script).read_text(encoding="utf-8")
        project.write(script, text.replace('"replicant"', '"replicant/native"'))
    project.run(program, "install", *(f"npm:{name}" for name in PACKAGES))
    for script in ("smoke.mjs", "smoke.cjs"):
        project.smoke(program, "run", "--allow-all", script)
    create = """
    import Replicate from "replicant/native";
    console.log(typeof new Replicate({ auth: "r8_test" }).run);
    """
    project.write("create.mjs", create)
    if project.run(program, "run", "--no-prompt", "--allow-ffi", "create.mjs") != "function\n":
        raise RuntimeError("the native module does not start with --allow-ffi alone")
    if "--allow-ffi" not in project.run(program, "run", "--no-prompt", "create.mjs", fails=True):
        raise RuntimeError("the error of the loader does not name the permission")
    return project.run(program, "--version").split()[1]


def pnpm(registry: str) -> str:
    """Installs with pnpm, whose programs see only their direct dependencies."""
    tool = create_project("pnpm tool", registry, "pnpm@10")
    project = Project("pnpm")
    project.environment["npm_config_registry"] = registry
    project.write("package.json", '{ "private": true }\n')
    project.copy(*STEPS)
    pnpm = tool.folder / "node_modules/.bin/pnpm"
    project.run(pnpm, "add", "--store-dir", CACHE / "pnpm", *PACKAGES)
    for script in ("smoke.mjs", "smoke.cjs"):
        project.smoke("node", script)
    return version_of(tool.folder, "pnpm")


def yarn(registry: str) -> str:
    """Installs with Yarn, which keeps packages in archives (Plug'n'Play)."""
    tool = create_project("yarn tool", registry, "@yarnpkg/cli-dist")
    program = tool.folder / "node_modules/@yarnpkg/cli-dist/bin/yarn.js"
    project = Project("yarn")
    project.environment.update(
        YARN_NPM_REGISTRY_SERVER=registry,
        YARN_UNSAFE_HTTP_WHITELIST="127.0.0.1",
        YARN_ENABLE_TELEMETRY="0",
        YARN_NPM_MINIMAL_AGE_GATE="0",
        YARN_PNP_ENABLE_ESM_LOADER="1",
        YARN_ENABLE_IMMUTABLE_INSTALLS="0",
    )
    project.write("package.json", '{ "private": true }\n')
    project.write("yarn.lock", "")
    project.copy(*STEPS)
    project.run("node", program, "add", *PACKAGES)
    for script in ("smoke.mjs", "smoke.cjs"):
        project.smoke("node", program, "node", script)
    return version_of(tool.folder, "@yarnpkg/cli-dist")


def typescript(version: str, module: str, resolution: str, registry: str) -> str:
    """Compiles a program and the declarations of the package strictly, and runs the program."""
    project = create_project(
        f"typescript {version} {resolution}", registry, f"typescript@{version}", "@types/node@20"
    )
    # TypeScript 6 has deprecated `node10`.
    deprecated = (
        ["--ignoreDeprecations", "6.0"]
        if resolution == "node10" and not version.startswith("5")
        else []
    )
    project.write(
        "package.json",
        f'{{ "private": true, "type": "{"commonjs" if module == "commonjs" else "module"}" }}\n',
    )
    project.run(
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
        *("--types", "node", "--module", module, "--moduleResolution", resolution, *deprecated),
        *("--outDir", "out", "smoke.ts"),
    )
    project.smoke("node", "out/smoke.js")
    return version_of(project.folder, "typescript")


def missing_module(registry: str) -> str:
    """Checks the error of the loader for a native module that is missing, broken or for another system."""
    project = create_project("missing module", registry)
    [module] = project.folder.glob("node_modules/replicant-*/*.node")
    package = module.parent
    name = package.name[len("replicant-") :]

    def expect(*expected: str, code: str = "") -> None:
        output = project.run("node", "-e", f'{code}; require("replicant")', fails=True)
        for words in expected:
            if words not in output:
                raise RuntimeError(f"the error of the loader lacks {words!r}: {output}")

    module.write_bytes(b"not a library")
    expect(f"no native module for {name}", str(module))
    shutil.rmtree(package)
    advice = (f"npm install replicant-{name}", "--omit=optional", "lockfile", "beside the program")
    expect(f"replicant-{name} from ", "Cannot find module", *advice)
    code = 'Object.defineProperty(process, "arch", { value: "mips" })'
    expect("no native module for linux-mips-", code=code)
    return "3 faults"


def missing_emulator(registry: str) -> str:
    """Checks the errors for an emulator, or the program in it, that is not installed; then runs it with npx."""
    project = create_project("missing emulator", registry)
    if "Usage:\n  replicant-emulator" not in project.run("npx", "replicant-emulator", "--help"):
        raise RuntimeError("npx does not run the program")
    start = "new (require('replicant/testing').Emulator)()"
    [program] = project.folder.glob("node_modules/replicant-emulator-*")
    for folder, advice in (
        (program, f"npm install --save-dev {program.name}"),
        (program.parent / "replicant-emulator", "npm install --save-dev replicant-emulator"),
    ):
        shutil.rmtree(folder)
        output = project.run("node", "-e", start, fails=True)
        if advice not in output:
            raise RuntimeError(f"the error lacks {advice!r}: {output}")
    return "2 faults"
