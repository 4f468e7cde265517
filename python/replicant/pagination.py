"""Pages of lists."""

from __future__ import annotations

from replicant._page import AsyncPage as AsyncPage
from replicant._page import Page as Page
from replicant._page import async_paginate as async_paginate
from replicant._page import paginate as paginate
