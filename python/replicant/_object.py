"""The base of all objects of the API: their data, copies, pickles and validation."""

from __future__ import annotations

from sys import modules
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Dict,
    Iterator,
    List,
    Mapping,
    Optional,
    Set,
    Tuple,
    Type,
    TypeVar,
    Union,
    cast,
)

from ._dumps import Dumps
from ._guarded import unknown
from ._members import Part, response_of

if TYPE_CHECKING:
    from ._client_base import AnyClient
    from ._response import APIResponse

Json = Dict[str, Any]
T = TypeVar("T", bound="APIObject")


def _unshared(default: Any) -> Any:
    """Returns the default of a member, which objects do not share."""
    if isinstance(default, (list, dict, set)):
        from copy import deepcopy

        return deepcopy(cast(Any, default))
    return default


class APIObject(Dumps):
    """An object of the API, with its members as attributes.

    Members that this package does not know are attributes, too. A known member that the API omitted is None.
    """

    __slots__ = ("__weakref__", "_data", "_owner", "_webhook_id")

    _data: Json
    _owner: Optional[AnyClient]
    _webhook_id: str
    __fields__: ClassVar[Dict[str, Any]] = {}
    """The known members and their types."""
    model_fields: ClassVar[Dict[str, Any]] = {}
    """An alias of `__fields__`."""

    _shown: ClassVar[Tuple[str, ...]] = ()
    # The members that every object of this class has.
    _required: ClassVar[Tuple[str, ...]] = ()
    # The members that properties convert to objects.
    _built: ClassVar[Tuple[str, ...]] = ()
    # The first members in the order of 1.x, if properties are among them.
    _order: ClassVar[Tuple[str, ...]] = ()

    # Positional-only, so that a member of any name can be a keyword.
    def __init__(
        self, _data: Optional[Json] = None, _client: Optional[AnyClient] = None, /, **members: Any
    ) -> None:
        if isinstance(_data, APIObject):
            # Passed as a member: `Model(..., latest_version=Version(...))`.
            _data = _data._data
        if _data is None:
            _data = members
        elif members:
            _data = {**_data, **members}
        object.__setattr__(self, "_data", _data)
        object.__setattr__(self, "_owner", _client)

    def __init_subclass__(cls) -> None:
        declared = {
            **dict.fromkeys(cls._order, Any),
            **getattr(cls, "__annotations__", {}),
            **dict.fromkeys(cls._built, Any),
        }
        # Not private attributes, types and class variables.
        known = {
            name: kind
            for name, kind in declared.items()
            if name[0].islower() and not str(kind).partition("[")[0].endswith("ClassVar")
        }
        cls.__fields__ = cls.model_fields = {**cls.__fields__, **known}
        defaults = {
            name: value
            for name, value in vars(cls).items()
            if name in cls.__fields__ and not hasattr(value, "__get__")
        }
        cls._absent = {name: defaults.get(name, cls._absent.get(name)) for name in cls.__fields__}
        for name in defaults:
            # It would hide the member of an object.
            delattr(cls, name)

    @property
    def _response(self: T) -> Optional[APIResponse[T]]:
        """The response that this object came in, with its status, headers and rate limit; None for an object
        that is a part of another or was built by the program."""
        from ._response import APIResponse

        response = response_of(self._data)
        return APIResponse(self, *response) if response else None

    @property
    def request_id(self) -> Optional[str]:
        """The id of the request that returned this object, for support tickets."""
        if "request_id" in self._data:
            return cast(Optional[str], self._data["request_id"])
        response = self._response
        return None if response is None else response.request_id

    @property
    def _client(self) -> Optional[AnyClient]:
        # The name of `_owner` in 1.x.
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
            if name in self._absent:
                absent = self._absent[name]
                default = _unshared(absent)
                if default is not absent:
                    # What is changed in it belongs to this object.
                    self._data[name] = default
                return default
        raise AttributeError(f"{type(self).__name__} has no member {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name[0] == "_":
            object.__setattr__(self, name, value)
        elif name in self._data or name in self.__fields__:
            self._data[name] = value
        elif isinstance(getattr(type(self), name, None), property):
            object.__setattr__(self, name, value)
        elif hasattr(type(self), name):
            cls = type(self).__name__
            raise AttributeError(
                f"{cls}.{name} is a method; replace it on the class: `patch.object({cls}, {name!r})`"
            )
        else:
            known = {**self.__fields__, **self._data}
            raise AttributeError(unknown(type(self), name, known))

    def __dir__(self) -> List[str]:
        return sorted({*super().__dir__(), *self.__fields__, *self._data})

    def __repr__(self) -> str:
        shown = ", ".join(f"{n}={_short(self._data[n])}" for n in self._shown if n in self._data)
        return f"{type(self).__name__}({shown})"

    def __str__(self) -> str:
        if type(self).__repr__ is not APIObject.__repr__:
            return repr(self)
        members = self._members()
        # Without the webhooks, whose URLs can contain a secret.
        names = [n for n in self.__fields__ if n in self._data and not n.startswith("webhook")]
        return " ".join(f"{name}={_short(members[name])}" for name in names)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, APIObject)
        return self._members() == other._members()

    def __reduce__(self) -> Tuple[Any, ...]:
        # Without the client, which holds the token; the copy uses the default client.
        return type(self), (self._data,)

    def __copy__(self: T) -> T:
        from copy import copy

        return type(self)(copy(self._data), self._owner)

    def __deepcopy__(self: T, memo: Any) -> T:
        from copy import deepcopy

        return type(self)(deepcopy(self._data, memo), self._owner)

    def __iter__(self) -> Iterator[Any]:
        # Like a pydantic model, so that `dict(prediction)` works.
        return iter(self._members().items())

    def _members(self) -> Json:
        data = self._data
        if isinstance(data, Part):
            members = dict(data)
        else:
            members = {name: _unshared(value) for name, value in self._absent.items()}
            members.update(data)
        for name in self._built:
            # Times stay text.
            if name in members and not isinstance(members[name], str):
                members[name] = getattr(self, name)
        return members

    def _sent(self) -> Json:
        return self._data

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
            update: Members to change in the copy.
            include: The names of the members to copy. Defaults to all.
            exclude: The names of members to omit.
            deep: Whether to copy the values, too.
        """
        from copy import deepcopy

        kept = {
            name: deepcopy(value) if deep else value
            for name, value in self._data.items()
            if (include is None or name in include) and (exclude is None or name not in exclude)
        }
        partial = isinstance(self._data, Part) or include is not None or exclude is not None
        kind: Type[Json] = Part if partial else dict
        return type(self)(kind({**kept, **(update or {})}), self._owner)

    def model_copy(self: T, *, update: Optional[Mapping[str, Any]] = None, deep: bool = False) -> T:
        """Returns a copy: an alias of `copy()`."""
        return self.copy(update=update, deep=deep)

    @classmethod
    def parse_obj(cls: Type[T], obj: Any) -> T:
        """Builds an object from a dictionary.

        Args:
            obj: The members by name, or an object of this class.
        """
        return cls._validate(obj)

    @classmethod
    def model_validate(cls: Type[T], obj: Any, **_: Any) -> T:
        """Builds an object from a dictionary: an alias of `parse_obj()`."""
        return cls._validate(obj)

    @classmethod
    def parse_raw(cls: Type[T], b: Union[str, bytes], **_: Any) -> T:
        """Builds an object from JSON text.

        Args:
            b: The text.
            _: Ignored: the other arguments of the pydantic method of that name.
        """
        import json

        return cls._validate(json.loads(b))

    @classmethod
    def model_validate_json(cls: Type[T], json_data: Union[str, bytes], **_: Any) -> T:
        """Builds an object from JSON text: an alias of `parse_raw()`."""
        return cls.parse_raw(json_data)

    @classmethod
    def construct(cls: Type[T], _fields_set: Any = None, **members: Any) -> T:
        """Builds an object from its members."""
        return cls(members)

    @classmethod
    def model_construct(cls: Type[T], _fields_set: Any = None, **members: Any) -> T:
        """Builds an object from its members."""
        return cls(members)

    @classmethod
    def schema(cls, **_: Any) -> Json:
        """Returns a JSON schema with the names of the members that this package knows.

        Args:
            _: Ignored: the arguments of the pydantic method of that name.
        """
        properties: Json = {name: {} for name in cls.__fields__}
        return {**cls.__get_pydantic_json_schema__(None, None), "properties": properties}

    @classmethod
    def model_json_schema(cls, **_: Any) -> Json:
        """Returns a JSON schema: an alias of `schema()`."""
        return cls.schema()

    @property
    def model_fields_set(self) -> Set[str]:
        """The names of the members that the API sent or the program set."""
        return set(self._data)

    __fields_set__ = model_fields_set

    # What `vars(prediction)` returns.
    __dict__ = property(  # pyright: ignore[reportAssignmentType]
        lambda self: _Vars(self)
    )

    @classmethod
    def _of(cls: Type[T], value: Any, client: Optional[AnyClient] = None) -> Optional[T]:
        """Returns `value` as an object; None for None."""
        return None if value is None else cls(value, client)

    @classmethod
    def _validate(cls: Type[T], value: Any) -> T:
        if isinstance(value, cls):
            return value
        if isinstance(value, dict):
            members = cast(Json, value)
            for name in cls._required:
                if name not in members:
                    raise ValueError(f"`{name}` is missing: it is a member of every {cls.__name__}")
            return cls(members)
        raise ValueError(f"expected a {cls.__name__} or a dictionary, not {type(value).__name__}")

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            cls._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                cls._serialize, info_arg=True
            ),
        )

    def _serialize(self, info: Any) -> Json:
        return self.dict(
            include=info.include,
            exclude=info.exclude,
            exclude_none=info.exclude_none,
            exclude_unset=info.exclude_unset,
            exclude_defaults=info.exclude_defaults,
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> Json:
        return {"type": "object", "title": cls.__name__, "additionalProperties": True}

    @classmethod
    def __get_validators__(cls) -> Iterator[Any]:
        is_v1 = getattr(modules.get("pydantic"), "VERSION", "").startswith("1.")
        encoders: Any = modules.get("pydantic.json" if is_v1 else "pydantic.v1.json")
        if encoders is not None:
            # For `json()` of a model of pydantic 1 that contains our object.
            encoders.ENCODERS_BY_TYPE[APIObject] = APIObject.dict
        yield cls._validate

    @classmethod
    def __modify_schema__(cls, schema: Json) -> None:
        schema.update(cls.__get_pydantic_json_schema__(None, None))


class _Vars(Dict[str, Any]):
    """The members of an object. Setting one sets that of the object."""

    __slots__ = ("_of",)

    def __init__(self, of: APIObject) -> None:
        super().__init__(of._members())
        self._of = of._data

    def __setitem__(self, name: str, value: Any) -> None:
        self._of[name] = value
        super().__setitem__(name, value)

    def update(self, *members: Any, **named: Any) -> None:
        for name, value in dict(*members, **named).items():
            self[name] = value

    def setdefault(self, name: str, default: Any = None) -> Any:
        if name not in self:
            self[name] = default
        return self[name]

    if not TYPE_CHECKING:

        def __ior__(self, members):
            self.update(members)
            return self

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


def _short(value: Any) -> str:
    """Returns the `repr` of a value, truncated: an output can be a whole book or file."""
    text = repr(value)
    return text if len(text) <= 1000 else f"{text[:500]}...({len(text)} characters)"
