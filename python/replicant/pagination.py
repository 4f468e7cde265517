"""Lists that come in pages."""

from __future__ import annotations

from ._page import AsyncPage as AsyncPage
from ._page import Page as Page
from ._page import async_paginate as async_paginate
from ._page import paginate as paginate
