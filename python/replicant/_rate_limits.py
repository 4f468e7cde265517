"""The rate limits that a client has learned."""

from __future__ import annotations

from typing import NamedTuple, Optional


class RateLimitState(NamedTuple):
    """The state of one rate limit."""

    per_minute: Optional[float]
    """The maximum number of requests per minute; None while nothing limits them."""
    remaining: Optional[int]
    """The number of requests left, as last reported by the API."""
    paused: float
    """Seconds until requests are sent again, because the API asked to wait."""
    waiting: int
    """The number of requests that wait."""


class RateLimits(NamedTuple):
    """The rate limits of a client; see `Client.rate_limit`."""

    creates: RateLimitState
    """Creates of predictions."""
    polls: RateLimitState
    """Reads of a single prediction."""
    others: RateLimitState
    """All other requests."""
