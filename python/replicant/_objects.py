"""Objects without methods, the same for both clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Literal, Optional, Union

from ._object import APIObject
from ._warnings import warn_of_alias

if TYPE_CHECKING:
    from datetime import datetime
else:
    # Not imported for `typing.get_type_hints` alone.
    datetime = Any

Time = Union[str, datetime]
"""A time as ISO 8601 text or a `datetime`; one without a time zone is local."""


class Account(APIObject):
    """An account."""

    __slots__ = ()
    _shown = ("type", "username", "name")
    _required = ("username",)

    type: Literal["user", "organization"]
    """`user` or `organization`."""
    username: str
    """The name in URLs."""
    name: Optional[str]
    """The name that is displayed."""
    github_url: Optional[str]
    """The URL of the GitHub account."""
    avatar_url: Optional[str]
    """The URL of the avatar."""


class Hardware(APIObject):
    """A type of hardware that models can run on."""

    __slots__ = ()
    _shown = ("sku", "name")
    _required = ("sku",)

    sku: str
    """The name in requests."""
    name: str
    """The name on the website."""

    @property
    def id(self) -> str:
        """A deprecated alias of `sku`."""
        warn_of_alias("id", "sku")
        return self.sku


class File(APIObject):
    """An uploaded file."""

    __slots__ = ()
    _shown = ("id", "name", "content_type", "size")
    _required = ("id",)

    id: str
    """The id of the file."""
    name: str
    """The name of the file."""
    content_type: str
    """The media type."""
    size: int
    """The size in bytes."""
    etag: str
    """The entity tag of the content."""
    checksums: Dict[str, str]
    """Checksums of the content, such as `sha256`."""
    metadata: Dict[str, Any]
    """The data stored with the file."""
    created_at: str
    """The time of the upload, in RFC 3339."""
    expires_at: Optional[str]
    """The time at which the API deletes the file."""
    urls: Dict[str, str]
    """`get`: the URL to use as an input."""

    @property
    def __url__(self) -> str:
        return self.urls["get"]


class Version(APIObject):
    """A version of a model."""

    __slots__ = ()
    _shown = ("id",)
    _required = ("id",)
    _built = _times = ("created_at",)
    _order = ("id", "created_at")

    id: str
    """The id of the version, 64 hexadecimal digits."""
    cog_version: Optional[str]
    """The version of Cog that it was built with."""
    openapi_schema: Optional[Dict[str, Any]]
    """The schema of the input and output."""

    @property
    def created_at(self) -> datetime:
        """The time of its creation."""
        created: Any = self.__getattr__("created_at")
        return parse_time(created) if isinstance(created, str) else created


class WebhookSigningSecret(APIObject):
    """The secret that webhooks are signed with."""

    __slots__ = ()

    key: str
    """The secret, beginning with `whsec_`."""

    # Without the key, which must not be logged.
    def __repr__(self) -> str:
        return "WebhookSigningSecret(key='whsec_...')"


class Release(APIObject):
    """The release that a deployment runs."""

    __slots__ = ()
    _shown = ("number", "model", "version")
    _built = ("created_by", "configuration")

    class Configuration(APIObject):
        """The hardware that a deployment runs on."""

        __slots__ = ()
        _shown = ("hardware", "min_instances", "max_instances")

        hardware: str
        """The SKU of the hardware."""
        min_instances: int
        """The minimum number of instances."""
        max_instances: int
        """The maximum number of instances."""

    number: int
    """The number of the release."""
    model: str
    """The model, as `owner/name`."""
    version: str
    """The id of the version."""
    created_at: str
    """The time of the release, in RFC 3339."""

    @property
    def created_by(self) -> Optional[Account]:
        """The account that created the release."""
        return Account._of(self._data.get("created_by"))

    @property
    def configuration(self) -> Configuration:
        """The hardware that it runs on."""
        found: Any = Release.Configuration._of(self._data.get("configuration"))
        return found  # type: ignore[no-any-return]


class SearchResults(APIObject):
    """The results of a search."""

    __slots__ = ()
    _shown = ("query",)

    query: str
    """The text that was searched for."""
    models: List[Dict[str, Any]]
    """The models: `model` and `metadata` of each."""
    collections: List[Dict[str, Any]]
    """The collections."""
    pages: List[Dict[str, Any]]
    """The pages of the website."""


def time_text(time: Optional[Time]) -> Optional[str]:
    """Returns a time as RFC 3339 text; one without a time zone is local."""
    return time if time is None or isinstance(time, str) else time.astimezone().isoformat()


def parse_time(text: str) -> datetime:
    """Parses RFC 3339 text, truncated to microseconds. As in 1.x, text without a zone has none."""
    from datetime import datetime

    seconds, _, rest = text.partition(".")
    if not rest:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    digits = len(rest) - len(rest.lstrip("0123456789"))
    micros, zone = rest[:digits][:6].ljust(6, "0"), rest[digits:].replace("Z", "+00:00")
    return datetime.fromisoformat(f"{seconds}.{micros}{zone}")
