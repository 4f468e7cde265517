"""The program `replicant-emulator`, a local server that behaves like Replicate's HTTP API.

`replicant.testing` starts it. In a terminal, run `replicant-emulator` or `python -m replicant_emulator`.
"""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

__all__ = ["find_binary"]


def find_binary() -> str:
    """Returns the path of the program that this package has installed.

    Raises:
        FileNotFoundError: The program is not there. The message lists the folders searched.
    """
    name = "replicant-emulator" + (sysconfig.get_config_var("EXE") or "")
    packages = Path(__file__).parents[1]
    user = f"{os.name}_user"
    folders = [
        Path(sysconfig.get_path("scripts")),
        # Those of `pip install --target`, `--user` and `--prefix`.
        packages / "bin",
        Path(sysconfig.get_path("scripts", user)),
        *(
            parent / Path(sysconfig.get_path("scripts")).name
            for parent in list(packages.parents)[:3]
        ),
    ]
    for folder in folders:
        if (folder / name).is_file():
            return str(folder / name)
    searched = ", ".join(dict.fromkeys(map(str, folders)))
    raise FileNotFoundError(f"{name} is in none of {searched}: reinstall replicant-emulator")
