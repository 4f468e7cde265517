"""What every object of the API has in common: open data, copies, pickling, validation."""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Dict,
    Iterator,
    List,
    Optional,
    Sequence,
    Tuple,
    Type,
    TypeVar,
    cast,
)

if TYPE_CHECKING:
    from ._base import AnyClient

Json = Dict[str, Any]
T = TypeVar("T", bound="APIObject")


class APIObject:
    """An object as the API sent it, with its members as attributes.

    Members this package does not know yet can be reached as well; a known member that the API left
    out is None.
    """

    __slots__ = ("__weakref__", "_data", "_owner")

    _data: Json
    _owner: Optional[AnyClient]
    _known: ClassVar[frozenset[str]] = frozenset()
    _shown: ClassVar[Tuple[str, ...]] = ()

    # The names begin with an underscore so that every member of the API can be a keyword.
    def __init__(
        self, _data: Optional[Json] = None, _client: Optional[AnyClient] = None, /, **members: Any
    ) -> None:
        object.__setattr__(
            self, "_data", {**_data, **members} if _data and members else _data or members
        )
        object.__setattr__(self, "_owner", _client)

    def __init_subclass__(cls) -> None:
        names = {name for name in getattr(cls, "__annotations__", ()) if name[0] != "_"}
        cls._known = cls._known | names

    def __getattr__(self, name: str) -> Any:
        if name[0] == "_":
            raise AttributeError(name)
        try:
            return self._data[name]
        except KeyError:
            if name in self._known:
                return None
        raise AttributeError(f"{type(self).__name__} has no member {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name[0] == "_":
            object.__setattr__(self, name, value)
        else:
            self._data[name] = value

    def __dir__(self) -> List[str]:
        return sorted({*super().__dir__(), *self._known, *self._data})

    def __repr__(self) -> str:
        shown = ", ".join(f"{n}={_short(self._data[n])}" for n in self._shown if n in self._data)
        return f"{type(self).__name__}({shown})"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, APIObject)
        return self._data == other._data

    def __reduce__(self) -> Tuple[Any, ...]:
        # Without the client, which holds the token; the copy uses the default client.
        return type(self), (self._data,)

    def __copy__(self: T) -> T:
        return type(self)(dict(self._data), self._owner)

    def __deepcopy__(self: T, memo: Any) -> T:
        from copy import deepcopy

        return type(self)(deepcopy(self._data, memo), self._owner)

    def dict(self) -> Json:
        """The members as plain data, in a new dictionary."""
        return {name: plain(value) for name, value in self._data.items()}

    def model_dump(
        self, *, exclude_none: bool = False, include: Any = None, exclude: Any = None, **_: Any
    ) -> Json:
        """The same as `dict()`; takes the arguments of pydantic's method of that name."""
        return {
            name: value
            for name, value in self.dict().items()
            if not (exclude_none and value is None)
            and (include is None or name in include)
            and (exclude is None or name not in exclude)
        }

    def to_dict(self) -> Json:
        """The same as `dict()`."""
        return self.dict()

    def json(self, **options: Any) -> str:
        """The members as JSON text; `options` are those of `json.dumps`."""
        import json

        return json.dumps(self.dict(), **options)

    def model_dump_json(self, *, indent: Optional[int] = None, **options: Any) -> str:
        """The same as `json()`; takes the arguments of pydantic's method of that name."""
        import json

        return json.dumps(self.model_dump(**options), indent=indent)

    def to_json(self, *, indent: Optional[int] = None) -> str:
        """The same as `json()`."""
        return self.json(indent=indent)

    @classmethod
    def _of(cls: Type[T], value: Any, client: Optional[AnyClient] = None) -> Optional[T]:
        """An object around `value`, if there is one."""
        return None if value is None else cls(value, client)

    @classmethod
    def _validate(cls: Type[T], value: Any) -> T:
        if isinstance(value, cls):
            return value
        if isinstance(value, dict):
            return cls(cast(Json, value))
        raise ValueError(f"expected a {cls.__name__} or a dictionary, not {type(value).__name__}")

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            cls._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(cls.dict),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> Json:
        return {"type": "object", "title": cls.__name__, "additionalProperties": True}

    @classmethod
    def __get_validators__(cls) -> Iterator[Any]:
        yield cls._validate


def _short(value: Any) -> str:
    """The `repr` of a value; of a long one the beginning, as an output can be a whole book or file."""
    text = repr(value)
    return text if len(text) <= 1000 else f"{text[:500]}...({len(text)} characters)"


def plain(value: Any) -> Any:
    """A copy of `value` in which objects of the API are dictionaries, and files their URLs."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in cast(Json, value).items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in cast(Sequence[Any], value)]
    if isinstance(value, APIObject):
        return value.dict()
    url = getattr(value, "__url__", None)
    return value if url is None else url
