"""Objects as plain data and as JSON text, under the names of pydantic's methods."""

from __future__ import annotations

from typing import Any, Callable, ClassVar, Container, Dict, Mapping, Optional, Sequence, cast

# Arguments of the pydantic method `json()` that `json.dumps` does not have.
_IGNORED = ("by_alias", "models_as_dict")


class Dumps:
    """The methods `dict()` and `json()` of objects, pages and events, and their newer names."""

    __slots__ = ()

    # The members that are times, which are text in JSON.
    _times: ClassVar[Sequence[str]] = ()
    # The members that can be missing, with the values that they then have.
    _absent: ClassVar[Dict[str, Any]] = {}

    def _members(self) -> Mapping[str, Any]:
        raise NotImplementedError

    def _sent(self) -> Container[str]:
        return self._members()

    def dict(
        self,
        *,
        include: Any = None,
        exclude: Any = None,
        exclude_none: bool = False,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        skip_defaults: bool = False,
        **_: Any,
    ) -> Dict[str, Any]:
        """Returns the members as plain data, in a new dictionary.

        Args:
            include: The names of the members to return. Defaults to all. A dictionary selects inside
                members: `{"urls": {"get"}}`.
            exclude: The names of members to omit, in the same form.
            exclude_none: Whether to omit members that are None.
            exclude_unset: Whether to omit known members that were not sent, which are None otherwise.
            exclude_defaults: Whether to omit known members with the value that they have if they are not sent.
            skip_defaults: An alias of `exclude_unset`.
            _: Ignored: the other arguments of the pydantic method of that name.
        """

        return self._plain(
            True,
            include,
            exclude,
            exclude_none=exclude_none,
            exclude_unset=exclude_unset or skip_defaults,
            exclude_defaults=exclude_defaults,
        )

    def _plain(
        self,
        times: bool,
        include: Any,
        exclude: Any,
        *,
        exclude_none: bool,
        exclude_unset: bool,
        exclude_defaults: bool,
    ) -> Dict[str, Any]:
        def kept(value: Dumps) -> Mapping[str, Any]:
            members, sent, absent = value._members(), value._sent(), value._absent
            if times and value._times:
                members = {
                    n: getattr(value, n) if n in value._times else members[n] for n in members
                }
            if exclude_unset:
                members = {n: each for n, each in members.items() if n in sent}
            if exclude_defaults:
                members = {
                    n: each for n, each in members.items() if n not in absent or each != absent[n]
                }
            if exclude_none:
                members = {n: each for n, each in members.items() if each is not None}
            return members

        found: Dict[str, Any] = plain(self, kept, include, exclude)
        return found

    def model_dump(self, *, mode: str = "python", **options: Any) -> Dict[str, Any]:
        """Returns the members as plain data: an alias of `dict()`.

        Args:
            mode: `json` for values that JSON has: times are text.
            options: The arguments of `dict()`.
        """
        if mode != "json":
            return self.dict(**options)
        import json

        members: Dict[str, Any] = json.loads(self.json(**options))
        return members

    def to_dict(self) -> Dict[str, Any]:
        """Returns the members that were sent as plain data: `dict(exclude_unset=True)`."""
        return self.dict(exclude_unset=True)

    def json(
        self,
        *,
        include: Any = None,
        exclude: Any = None,
        exclude_none: bool = False,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        skip_defaults: bool = False,
        **options: Any,
    ) -> str:
        """Returns the members as JSON text.

        Args:
            include: The names of the members to return, as for `dict()`.
            exclude: The names of members to omit, as for `dict()`.
            exclude_none: Whether to omit members that are None.
            exclude_unset: Whether to omit known members that were not sent, as for `dict()`.
            exclude_defaults: Whether to omit known members with their default, as for `dict()`.
            skip_defaults: An alias of `exclude_unset`.
            options: Options of `json.dumps`, such as `indent`.
        """
        import json

        for name in _IGNORED:
            options.pop(name, None)
        options["default"] = options.pop("encoder", None) or options.get("default", str)
        members = self._plain(
            False,
            include,
            exclude,
            exclude_none=exclude_none,
            exclude_unset=exclude_unset or skip_defaults,
            exclude_defaults=exclude_defaults,
        )
        return json.dumps(members, **options)

    def model_dump_json(self, **options: Any) -> str:
        """Returns the members as JSON text: an alias of `json()`."""
        return self.json(**options)

    def to_json(self, *, indent: Optional[int] = None) -> str:
        """Returns the members that were sent as JSON text: `json(exclude_unset=True)`."""
        return self.json(exclude_unset=True, indent=indent)


def plain(
    value: Any,
    kept: Callable[[Dumps], Mapping[str, Any]],
    include: Any = None,
    exclude: Any = None,
) -> Any:
    """Returns a copy of `value` in which objects of the API are dictionaries, and files their URLs."""
    if isinstance(value, Dumps):
        value = kept(value)
    if isinstance(value, Mapping):
        members = _picked(cast(Mapping[str, Any], value).items(), include, exclude)
        return {name: plain(item, kept, *rules) for name, item, rules in members}
    if isinstance(value, (list, tuple)):
        items = _picked(enumerate(cast(Sequence[Any], value)), include, exclude)
        return [plain(item, kept, *rules) for _, item, rules in items]
    url = getattr(value, "__url__", None)
    return value if url is None else url


def _picked(members: Any, include: Any, exclude: Any) -> Any:
    """Yields the members to keep, each with the rules for its own members."""
    for name, item in members:
        keep, drop = True if include is None else _rule(include, name), _rule(exclude, name)
        if keep is not None and drop is not True:
            yield name, item, (None if keep is True else keep, drop)


def _rule(rules: Any, name: Any) -> Any:
    """Returns the rule for a member: True for all of it, None for nothing, or the rules for its members."""
    if rules is None:
        return None
    get = getattr(rules, "get", None)
    if get is not None:
        found: Any = get(name, get("__all__"))
        return True if found is ... else found or None
    return True if name in rules or "__all__" in rules else None
