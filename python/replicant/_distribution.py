"""What `importlib.metadata` knows about `replicate` after `install_as_replicate`."""

from __future__ import annotations

import os
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any, Optional

# The version whose behavior this package has, which libraries compare with the one they need.
_METADATA = """Metadata-Version: 2.1
Name: replicate
Version: 1.0.7
Summary: replicant, installed as replicate
"""


class ReplicateDistribution(Distribution):
    """The distribution that libraries look for before they use or instrument `replicate`."""

    def read_text(self, filename: str) -> Optional[str]:
        """Returns the text of a metadata file, if there is one.

        Args:
            filename: the name of the file.
        """
        return _METADATA if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Any:
        """Returns where a file of the distribution is.

        Args:
            path: the path inside of the distribution.
        """
        return Path(__file__).parent.parent / os.fspath(path)
