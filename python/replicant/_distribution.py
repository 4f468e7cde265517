"""The distribution `replicate` that `importlib.metadata` finds after `install_as_replicate()`."""

from __future__ import annotations

from importlib.metadata import Distribution
from pathlib import Path
from typing import Any, Optional

# Libraries compare this version with the one they require.
_METADATA = """Metadata-Version: 2.1
Name: replicate
Version: 1.0.7
Summary: replicant, installed as replicate
"""


class ReplicateDistribution(Distribution):
    """The distribution that libraries require before they use or instrument `replicate`."""

    def read_text(self, filename: str) -> Optional[str]:
        """Returns the text of a metadata file; None if there is no such file.

        Args:
            filename: The name of the file.
        """
        return _METADATA if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Any:
        """Returns the path of a file of the distribution.

        Args:
            path: The path inside the distribution.
        """
        return Path(__file__).parent.parent.joinpath(str(path))
