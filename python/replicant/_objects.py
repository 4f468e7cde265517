"""Objects that have no methods of their own, the same for both clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Union

from ._object import APIObject

if TYPE_CHECKING:
    from datetime import datetime

Time = Union[str, "datetime"]
"""A time as ISO 8601 text or as a `datetime`, where one without a zone is local."""


class Account(APIObject):
    """The account a token belongs to."""

    __slots__ = ()
    _shown = ("type", "username", "name")
    _required = ("username",)

    type: str
    """`user` or `organization`."""
    username: str
    """The name in URLs."""
    name: Optional[str]
    """The name that is shown."""
    github_url: Optional[str]
    """The account on GitHub."""
    avatar_url: Optional[str]
    """A picture of the account."""


class Hardware(APIObject):
    """A kind of machine that models run on."""

    __slots__ = ()
    _shown = ("sku", "name")
    _required = ("sku",)

    sku: str
    """What it is called in requests."""
    name: str
    """What it is called on the web site."""

    @property
    def id(self) -> str:
        """The same as `sku`."""
        return self.sku


class File(APIObject):
    """A file that was uploaded."""

    __slots__ = ()
    _shown = ("id", "name", "content_type", "size")
    _required = ("id",)

    id: str
    """The file's id."""
    name: Optional[str]
    """The file's name."""
    content_type: str
    """The file's media type."""
    size: int
    """The size in bytes."""
    etag: Optional[str]
    """The entity tag of the content."""
    checksums: Dict[str, str]
    """Checksums of the content, such as `sha256`."""
    metadata: Dict[str, Any]
    """What was given as metadata."""
    created_at: str
    """When it was uploaded."""
    expires_at: Optional[str]
    """When it will be gone."""
    urls: Dict[str, str]
    """`get`: the URL that can be given to models as an input."""

    @property
    def __url__(self) -> str:
        return self.urls["get"]


class Version(APIObject):
    """A version of a model."""

    __slots__ = ()
    _shown = ("id",)
    _required = ("id",)
    _built = ("created_at",)

    id: str
    """The version's id, 64 hexadecimal digits."""
    cog_version: Optional[str]
    """The version of Cog it was built with."""
    openapi_schema: Optional[Dict[str, Any]]
    """The schema of its input and output."""

    @property
    def created_at(self) -> datetime:
        """When it was created."""
        created: Any = self.__getattr__("created_at")
        return parse_time(created) if isinstance(created, str) else created


class WebhookSigningSecret(APIObject):
    """The secret that webhooks are signed with."""

    __slots__ = ()

    key: str
    """The secret, beginning with `whsec_`."""

    # The key is a secret, so it is kept out of logs.
    def __repr__(self) -> str:
        return "WebhookSigningSecret(key='whsec_...')"


class Release(APIObject):
    """What a deployment runs at present."""

    __slots__ = ()
    _shown = ("number", "model", "version")
    _built = ("created_by", "configuration")

    class Configuration(APIObject):
        """The machines a deployment runs on."""

        __slots__ = ()
        _shown = ("hardware", "min_instances", "max_instances")

        hardware: str
        """The SKU of the machines."""
        min_instances: int
        """How many machines run at least."""
        max_instances: int
        """How many machines run at most."""

    number: int
    """Counts the changes of the deployment."""
    model: str
    """The model, as `owner/name`."""
    version: str
    """The id of the version."""
    created_at: str
    """When the deployment was changed last."""

    @property
    def created_by(self) -> Optional[Account]:
        """Who changed it."""
        return Account._of(self._data.get("created_by"))

    @property
    def configuration(self) -> Configuration:
        """The machines it runs on."""
        return Release.Configuration(self._data["configuration"])


class SearchResults(APIObject):
    """What was found by a search."""

    __slots__ = ()
    _shown = ("query",)

    query: str
    """What was searched for."""
    models: List[Dict[str, Any]]
    """The models found: `model` and `metadata` of each."""
    collections: List[Dict[str, Any]]
    """The collections found."""
    pages: List[Dict[str, Any]]
    """The pages of the web site found."""


def time_text(time: Optional[Time]) -> Optional[str]:
    """The RFC 3339 text for a time; one without a zone is local, as everywhere in Python."""
    return time if time is None or isinstance(time, str) else time.astimezone().isoformat()


def parse_time(text: str) -> datetime:
    """The time that an RFC 3339 text says, with as many digits as Python keeps."""
    from datetime import datetime, timezone

    seconds, _, rest = text.partition(".")
    if not rest:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    digits = len(rest) - len(rest.lstrip("0123456789"))
    micros, zone = rest[:digits][:6].ljust(6, "0"), rest[digits:].replace("Z", "+00:00")
    time = datetime.fromisoformat(f"{seconds}.{micros}{zone}")
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)
