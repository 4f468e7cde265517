"""Pages of lists."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

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
