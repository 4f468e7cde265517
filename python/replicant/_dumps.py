"""Objects as plain data and as JSON text, under the names of pydantic's methods."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Sequence, cast

# Arguments of pydantic's `json()` that `json.dumps` does not have.
_IGNORED = ("by_alias", "skip_defaults", "exclude_unset", "exclude_defaults", "models_as_dict")


class Dumps:
    """What objects, pages and events have in common: `dict()`, `json()` and their newer names."""

    __slots__ = ()

    def _members(self) -> Mapping[str, Any]:
        raise NotImplementedError

    def dict(
        self, *, include: Any = None, exclude: Any = None, exclude_none: bool = False, **_: Any
    ) -> Dict[str, Any]:
        """Returns the members as plain data, in a new dictionary.

        Args:
            include: the names of the members to return; all by default. A dictionary selects inside of
                members: `{"urls": {"get"}}`.
            exclude: the names of members to leave out, in the same form.
            exclude_none: whether to leave out members that are None.
            _: the other arguments of pydantic's method of that name, which make no difference here.
        """
        members = self._members()
        if exclude_none:
            members = {name: value for name, value in members.items() if value is not None}
        found: Dict[str, Any] = plain(members, include, exclude)
        return found

    def model_dump(self, **options: Any) -> Dict[str, Any]:
        """Returns the same as `dict()`."""
        return self.dict(**options)

    def to_dict(self) -> Dict[str, Any]:
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
            include: the names of the members to return, as for `dict()`.
            exclude: the names of members to leave out, as for `dict()`.
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
    """Yields the members to keep, each with what to include and to exclude inside of it."""
    for name, item in members:
        keep, drop = True if include is None else _rule(include, name), _rule(exclude, name)
        if keep is not None and drop is not True:
            yield name, item, (None if keep is True else keep, drop)


def _rule(rules: Any, name: Any) -> Any:
    """What `rules` say about a member: True for the whole, None for nothing, or rules for its inside."""
    if rules is None:
        return None
    if isinstance(rules, Mapping):
        found: Any = rules.get(name, rules.get("__all__"))
        return True if found is ... else found or None
    return True if name in rules or "__all__" in rules else None
