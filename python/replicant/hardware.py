"""The kinds of machines that models run on, and `hardware` of the default client."""

from __future__ import annotations

from ._callable import NamespaceModule, become
from ._objects import Hardware as Hardware
from ._sync.hardware import HardwareNamespace as HardwareNamespace

become(__name__, NamespaceModule)
