"""The token appears in requests only."""

from __future__ import annotations

import pickle

import pytest
from conftest import TOKEN

import replicant


def test_the_token_is_in_no_repr_and_no_pickle(client: replicant.Client) -> None:
    prediction = client.predictions.create(model="emulator/echo", input={"value": 1})
    with pytest.raises(replicant.NotFoundError) as caught:
        client.predictions.get("nope")
    error = caught.value
    page = client.predictions.list()
    shown = [client, client._native, prediction, error, error.headers, page, vars(error)]
    for thing in shown:
        assert TOKEN not in repr(thing) + str(thing), thing
    for thing in (prediction, error, replicant.FileOutput("https://x/y", client)):
        assert TOKEN.encode() not in pickle.dumps(thing)
    assert TOKEN.encode() not in pickle.dumps(client)
