"""What every object of the API has in common: open data, copies, pickling, validation."""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Dict,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
    Type,
    TypeVar,
    Union,
    cast,
)

if TYPE_CHECKING:
    from ._base import AnyClient

Json = Dict[str, Any]
# Arguments of pydantic's `json()` that `json.dumps` has not.
_IGNORED = ("by_alias", "skip_defaults", "exclude_unset", "exclude_defaults", "models_as_dict")
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

    @property
    def _client(self) -> Optional[AnyClient]:
        # The name that `_owner` has in 1.x.
        return self._owner

    @_client.setter
    def _client(self, client: Optional[AnyClient]) -> None:
        self._owner = client

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

    def __iter__(self) -> Iterator[Any]:
        # As of pydantic's models, so that `dict(prediction)` works.
        return iter(self._data.items())

    def dict(
        self, *, include: Any = None, exclude: Any = None, exclude_none: bool = False, **_: Any
    ) -> Json:
        """Returns the members as plain data, in a new dictionary.

        Args:
            include: the names of the members to return; all by default.
            exclude: the names of members to leave out.
            exclude_none: whether to leave out members that are None.
            _: the other arguments of pydantic's method of that name, which make no difference here.
        """
        return {
            name: plain(value)
            for name, value in self._data.items()
            if not (exclude_none and value is None)
            and (include is None or name in include)
            and (exclude is None or name not in exclude)
        }

    def model_dump(self, **options: Any) -> Json:
        """Returns the same as `dict()`."""
        return self.dict(**options)

    def to_dict(self) -> Json:
        """Returns the same as `dict()`."""
        return self.dict()

    def json(
        self,
        *,
        include: Any = None,
        exclude: Any = None,
        exclude_none: bool = False,
        **options: Any,
    ) -> str:
        """Returns the members as JSON text.

        Args:
            include: the names of the members to return; all by default.
            exclude: the names of members to leave out.
            exclude_none: whether to leave out members that are None.
            options: options of `json.dumps`, such as `indent`.
        """
        import json

        for name in _IGNORED:
            options.pop(name, None)
        options["default"] = options.pop("encoder", None) or options.get("default", str)
        members = self.dict(include=include, exclude=exclude, exclude_none=exclude_none)
        return json.dumps(members, **options)

    def model_dump_json(self, **options: Any) -> str:
        """Returns the same as `json()`."""
        return self.json(**options)

    def to_json(self, *, indent: Optional[int] = None) -> str:
        """Returns the same as `json()`."""
        return self.json(indent=indent)

    def copy(
        self: T,
        *,
        update: Optional[Mapping[str, Any]] = None,
        include: Any = None,
        exclude: Any = None,
        deep: bool = False,
    ) -> T:
        """Returns a copy.

        Args:
            update: members to change in the copy.
            include: the names of the members to copy; all by default.
            exclude: the names of members to leave out.
            deep: whether to copy the values, too.
        """
        from copy import deepcopy

        kept = {
            name: deepcopy(value) if deep else value
            for name, value in self._data.items()
            if (include is None or name in include) and (exclude is None or name not in exclude)
        }
        return type(self)({**kept, **(update or {})}, self._owner)

    def model_copy(self: T, *, update: Optional[Mapping[str, Any]] = None, deep: bool = False) -> T:
        """Returns the same as `copy()`."""
        return self.copy(update=update, deep=deep)

    @classmethod
    def parse_obj(cls: Type[T], obj: Any) -> T:
        """Builds an object from a dictionary.

        Args:
            obj: the members by name, or an object of this class.
        """
        return cls._validate(obj)

    @classmethod
    def model_validate(cls: Type[T], obj: Any, **_: Any) -> T:
        """Builds an object from a dictionary, as `parse_obj()` does."""
        return cls._validate(obj)

    @classmethod
    def parse_raw(cls: Type[T], b: Union[str, bytes], **_: Any) -> T:
        """Builds an object from JSON text.

        Args:
            b: the text.
            _: the other arguments of pydantic's method of that name, which make no difference here.
        """
        import json

        return cls._validate(json.loads(b))

    @classmethod
    def model_validate_json(cls: Type[T], json_data: Union[str, bytes], **_: Any) -> T:
        """Builds an object from JSON text, as `parse_raw()` does."""
        return cls.parse_raw(json_data)

    @classmethod
    def construct(cls: Type[T], _fields_set: Any = None, **members: Any) -> T:
        """Builds an object from its members."""
        return cls(members)

    @classmethod
    def model_construct(cls: Type[T], _fields_set: Any = None, **members: Any) -> T:
        """Builds an object from its members."""
        return cls(members)

    @property
    def model_fields_set(self) -> Set[str]:
        """The names of the members that the API sent."""
        return set(self._data)

    # What `vars(prediction)` returns.
    __dict__ = property(lambda self: dict(self))

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
