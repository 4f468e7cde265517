"""Hardware, and the namespace `hardware` of the default client."""

from __future__ import annotations

from replicant._callable import NamespaceModule as NamespaceModule
from replicant._callable import become as become
from replicant._objects import Hardware as Hardware
from replicant._sync.hardware import HardwareNamespace as HardwareNamespace

become(__name__, NamespaceModule)
