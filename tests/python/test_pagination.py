"""Pages of lists."""

from __future__ import annotations

import types
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from typing import Any
from unittest.mock import Mock

import pytest
from conftest import Emulator

import replicant as replicate


def test_lists_are_iterated_page_by_page(client: replicate.Client, emulator: Emulator) -> None:
    for _ in range(3):
        client.predictions.create(model="emulator/echo", input={})
    page = client.predictions.list()
    assert len(page) >= 3
    assert page[0] == page.results[0]
    assert page[:2] == page.results[:2]
    assert page.previous is None
    with pytest.raises(ValueError, match="cursor cannot be None"):
        list(replicate.paginate(client.predictions.list, None))
    # The `next` of a last page must not restart the list.
    with pytest.raises(ValueError, match="cursor cannot be None"):
        client.predictions.list(None)
    assert [p.id for p in client.predictions.list("")] == [p.id for p in page]


PAGES = (
    {
        "expect": {"path": "/v1/models"},
        "reply": {
            "json": {
                "next": "{{base}}/models?cursor=2",
                "previous": None,
                "results": [{"owner": "a", "name": "1"}, {"owner": "a", "name": "2"}],
            }
        },
    },
    {
        "expect": {"path": "/v1/models", "query": {"cursor": "2"}},
        "reply": {
            "json": {"next": None, "previous": None, "results": [{"owner": "a", "name": "3"}]}
        },
    },
)


async def test_pages_of_any_list_have_the_options_of_the_client(emulator: Emulator) -> None:
    exchanges = [
        {**page, "expect": {**page["expect"], "headers": {"x-tenant": "t1"}}} for page in PAGES
    ]
    replay = emulator.replay(*exchanges * 2)
    headers = {"x-tenant": "t1"}
    client = replicate.Client(base_url=replay.base_url).with_options(headers=headers)
    assert len(list(client.paginate("/models"))) == 2
    awaited = replicate.AsyncClient(base_url=replay.base_url).with_options(headers=headers)
    assert len([page async for page in awaited.paginate("/models")]) == 2
    replay.check()


def test_a_page_has_the_items_of_one_request(emulator: Emulator) -> None:
    replay = emulator.replay(*PAGES)
    client = replicate.Client(base_url=replay.base_url)
    page = client.models.list()
    assert len(page) == len(list(page)) == 2
    assert [model.name for model in page] == ["1", "2"]
    assert list(page)[:20] == page[:20] == page.results
    assert len(replay.report()["requests"]) == 1, "iterating over a page sends no request"
    assert [model.name for model in page.auto_paging_iter()] == ["1", "2", "3"]
    replay.check()


def test_pages_are_fetched_as_needed(emulator: Emulator) -> None:
    replay = emulator.replay(*PAGES)
    client = replicate.Client(base_url=replay.base_url)
    pages = [[model.name for model in page] for page in replicate.paginate(client.models.list)]
    assert pages == [["1", "2"], ["3"]]
    replay.check()


def test_lists_accept_times(client: replicate.Client) -> None:
    created = client.predictions.create(model="emulator/echo", input={})
    hour = timedelta(hours=1)
    # With a time zone, and local time without one.
    for now in (datetime.now(timezone(5 * hour)), datetime.now()):
        found = [p.id for p in client.predictions.list(created_after=now - hour)]
        assert created.id in found
        assert created.id not in [p.id for p in client.predictions.list(created_before=now - hour)]
        assert not client.predictions.list(
            created_after=(now + hour).astimezone().isoformat()
        ).results


async def test_awaited_lists_are_iterated_page_by_page(emulator: Emulator) -> None:
    replay = emulator.replay(*PAGES)
    client = replicate.AsyncClient(base_url=replay.base_url)
    assert [model.name async for model in client.models.list()] == ["1", "2"]
    assert len(replay.report()["requests"]) == 1
    replay = emulator.replay(*PAGES)
    client = replicate.AsyncClient(base_url=replay.base_url)
    every = client.models.list().auto_paging_iter()
    assert [model.name async for model in every] == ["1", "2", "3"]
    replay = emulator.replay(*PAGES)
    blocking = replicate.Client(base_url=replay.base_url)
    page = await blocking.models.async_list()
    assert isinstance(page, replicate.model.Page)
    assert [model.name for model in page] == ["1", "2"]
    following = await page.get_next_page()
    assert following is not None
    assert [model.name for model in following] == ["3"]
    assert await following.get_next_page() is None
    replay = emulator.replay(*PAGES)
    blocking = replicate.Client(base_url=replay.base_url)
    pages = [page async for page in replicate.async_paginate(blocking.models.async_list)]
    assert [len(page) for page in pages] == [2, 1]


async def test_the_loop_of_1x_over_cursors_works(emulator: Emulator) -> None:
    client = replicate.Client(base_url=emulator.replay(*PAGES).base_url)
    cursor: Any = ...
    names: list[str] = []
    while cursor is not None:
        page = client.models.list(cursor)
        names += [model.name for model in page.results]
        cursor = page.next
    assert names == ["1", "2", "3"]
    client = replicate.Client(base_url=emulator.replay(*PAGES).base_url)
    assert len(await client.models.async_list(cursor=...)) == 2
    awaited = replicate.AsyncClient(base_url=emulator.replay(*PAGES).base_url)
    assert len(await awaited.models.list(...)) == 2


LISTS = "collections deployments files models predictions trainings models.versions models.examples"


@pytest.mark.alone
@pytest.mark.parametrize("name", LISTS.split())
async def test_every_list_begins_with_the_first_page(
    client: replicate.Client, async_client: replicate.AsyncClient, emulator: Emulator, name: str
) -> None:
    emulator.forget()
    of = ["emulator/echo"] if name.startswith("models.") else []
    for each in (client, async_client):
        namespace: Any = each
        for part in name.split("."):
            namespace = getattr(namespace, part)
        for cursor in ("", ...):
            page = namespace.list(*of, cursor=cursor)
            assert isinstance(page if each is client else await page, replicate.model.Page)
    model = client.models.get("emulator/echo")
    assert len(model.versions.list(...)) == 1  # type: ignore[arg-type]
    assert not any(request.get("query") for request in emulator.requests())


async def test_pages_are_fetched_by_the_function_of_the_caller(emulator: Emulator) -> None:
    client = replicate.Client(base_url=emulator.replay(*PAGES).base_url)
    asked: list[Any] = []

    def fetch(cursor: Any) -> replicate.model.Page[replicate.Model]:
        asked.append(cursor)
        page = client.models.list(cursor)
        page.results = [model for model in page.results if model.name != "2"]
        return page

    pages = [[model.name for model in page] for page in replicate.paginate(fetch)]
    assert pages == [["1"], ["3"]]
    assert (asked[0], len(asked)) == (..., 2)
    client = replicate.Client(base_url=emulator.replay(*PAGES).base_url)
    awaited = replicate.async_paginate(lambda cursor: client.models.async_list(cursor))
    assert [len(page) async for page in awaited] == [2, 1]


async def test_pages_of_any_class_can_be_paginated() -> None:
    first, last = types.SimpleNamespace(next="u"), Mock(next=None, results=["x"])
    for found in (first, last):
        found.seen = None
    pages: list[Any] = list(replicate.paginate(lambda cursor: first if cursor is ... else last))
    assert pages == [first, last]

    async def fetch(cursor: Any) -> Any:
        return first if cursor is ... else last

    found: AsyncIterator[Any] = replicate.async_paginate(fetch)
    assert [page async for page in found] == [first, last]
    again = replicate.paginate(lambda cursor: first)
    with pytest.raises(replicate.APIResponseValidationError, match="pagination loop: u"):
        list(again)


async def test_a_page_is_a_list(emulator: Emulator) -> None:
    exchange = {
        "expect": {"path": "/v1/files"},
        "reply": {"json": {"next": None, "results": [{"id": "b"}, {"id": "a"}]}},
    }
    client = replicate.Client(base_url=emulator.replay(exchange).base_url)
    awaited = replicate.AsyncClient(base_url=emulator.replay(exchange).base_url)
    for files in (client.files.list(), await awaited.files.list()):
        plain = list(files)
        assert isinstance(files, list)
        assert files == files.results == plain == files.copy()
        assert files + plain == plain + files == plain * 2
        files.sort(key=lambda file: file.id)
        assert [file.id for file in files.results] == ["a", "b"]
        files.results.append(replicate.File(id="c"))
        assert files.to_dict()["results"] == [{"id": "a"}, {"id": "b"}, {"id": "c"}]
        assert "File(id='c')" in repr(files.results)
        assert (files.next, files.has_next_page()) == (None, False)


async def test_a_page_has_the_methods_of_a_pydantic_model(emulator: Emulator) -> None:
    url = "https://api.replicate.com/v1/files?cursor=2"
    first = {
        "expect": {"path": "/v1/files"},
        "reply": {"json": {"next": url, "results": [{"id": "a", "metadata": {"n": 1}}]}},
    }
    client = replicate.Client(base_url=emulator.replay(first).base_url)
    awaited = replicate.AsyncClient(base_url=emulator.replay(first).base_url)
    for files in (client.files.list(), await awaited.files.list()):
        copied, deep = files.copy(), files.copy(deep=True)
        assert type(copied) is type(files) and copied == files and copied.next == url
        copied.results.append(replicate.File(id="c"))
        assert (len(files), len(copied)) == (1, 2)
        deep[0].metadata["n"] = 2
        assert files[0].metadata == {"n": 1}
        last = files.copy(update={"next": None})
        assert (last.next, last.has_next_page(), files.next) == (None, False, url)
        assert files.model_copy(update={"results": []}) == []
        assert (files.copy(exclude={"next"}).next, len(files.copy(include={"next"}))) == (None, 0)
    for build in (replicate.Page.parse_obj, replicate.Page.model_validate):
        page = build({"results": [1, 2], "next": "n"})
        assert (list(page), page.next, page.previous) == ([1, 2], "n", None)
        assert build(page) is page
        for wrong in ({}, [1]):
            with pytest.raises(ValueError, match="expected a Page or a dictionary with `results`"):
                build(wrong)
    assert replicate.Page.parse_raw('{"results": [1]}') == [1]
    assert replicate.Page.construct(results=[1], next="n").next == "n"


def test_a_copy_of_a_page_fetches_the_following_ones(
    client: replicate.Client, emulator: Emulator
) -> None:
    page = client.models.list().copy()
    assert [each.id for each in page.auto_paging_iter()] == [
        each.id for each in client.models.list().auto_paging_iter()
    ]
