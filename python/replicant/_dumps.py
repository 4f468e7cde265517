"""Objects as plain data and as JSON text, under the names of pydantic's methods."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Sequence, cast

# Arguments of the pydantic method `json()` that `json.dumps` does not have.
_IGNORED = ("by_alias", "skip_defaults", "exclude_unset", "exclude_defaults", "models_as_dict")


class Dumps:
    """The methods `dict()` and `json()` of objects, pages and events, and their newer names."""

    __slots__ = ()

    def _members(self) -> Mapping[str, Any]:
        raise NotImplementedError

    def dict(
        self, *, include: Any = None, exclude: Any = None, exclude_none: bool = False, **_: Any
    ) -> Dict[str, Any]:
        """Returns the members as plain data, in a new dictionary.

        Args:
            include: The names of the members to return. Defaults to all. A dictionary selects inside
                members: `{"urls": {"get"}}`.
            exclude: The names of members to omit, in the same form.
            exclude_none: Whether to omit members that are None.
            _: Ignored: the other arguments of the pydantic method of that name.
        """
        members = self._members()
        if exclude_none:
            members = {name: value for name, value in members.items() if value is not None}
        found: Dict[str, Any] = plain(members, include, exclude)
        return found

    def model_dump(self, **options: Any) -> Dict[str, Any]:
        """Returns the members as plain data: an alias of `dict()`."""
        return self.dict(**options)

    def to_dict(self) -> Dict[str, Any]:
        """Returns the members as plain data: an alias of `dict()`."""
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
            include: The names of the members to return, as for `dict()`.
            exclude: The names of members to omit, as for `dict()`.
            exclude_none: Whether to omit members that are None.
            options: Options of `json.dumps`, such as `indent`.
        """
        import json

        for name in _IGNORED:
            options.pop(name, None)
        options["default"] = options.pop("encoder", None) or options.get("default", str)
        members = self.dict(include=include, exclude=exclude, exclude_none=exclude_none)
        return json.dumps(members, **options)

    def model_dump_json(self, **options: Any) -> str:
        """Returns the members as JSON text: an alias of `json()`."""
        return self.json(**options)

    def to_json(self, *, indent: Optional[int] = None) -> str:
        """Returns the members as JSON text: an alias of `json()`."""
        return self.json(indent=indent)


def plain(value: Any, include: Any = None, exclude: Any = None) -> Any:
    """Returns a copy of `value` in which objects of the API are dictionaries, and files their URLs."""
    if isinstance(value, Dumps):
        value = value._members()
    if isinstance(value, Mapping):
        members = cast(Mapping[str, Any], value).items()
        return {
            name: plain(item, *rules) for name, item, rules in _picked(members, include, exclude)
        }
    if isinstance(value, (list, tuple)):
        items = enumerate(cast(Sequence[Any], value))
        return [plain(item, *rules) for _, item, rules in _picked(items, include, exclude)]
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
