"""Models."""

from __future__ import annotations

from ._async.model import AsyncModel as AsyncModel
from ._async.model import AsyncModels as AsyncModels
from ._sync.model import Model as Model
from ._sync.model import Models as Models
