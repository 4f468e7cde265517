"""all-MiniLM-L6-v2 in NumPy: a BERT of six layers, whose outputs are averaged over the tokens."""

import json
import math
from pathlib import Path
from typing import Dict, List, Sequence

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

Array = np.ndarray

LONGEST = 256
erf = np.frompyfunc(math.erf, 1, 1)


class MiniLM:
    """The model in `folder`, as Hugging Face lays it out."""

    def __init__(self, folder: Path) -> None:
        self.config = json.loads((folder / "config.json").read_text())
        self.weights: Dict[str, Array] = load_file(folder / "model.safetensors")
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(LONGEST)

    def embed(self, texts: Sequence[str]) -> List[List[float]]:
        """Returns a vector of length 1 per text."""
        return [self._vector(self.tokenizer.encode(text).ids) for text in texts]

    def _vector(self, tokens: List[int]) -> List[float]:
        named = "embeddings.{}_embeddings.weight".format
        hidden = self.weights[named("word")][tokens]
        hidden = hidden + self.weights[named("position")][: len(tokens)]
        hidden = self._norm("embeddings", hidden + self.weights[named("token_type")][0])
        for layer in range(self.config["num_hidden_layers"]):
            hidden = self._layer(f"encoder.layer.{layer}", hidden)
        mean = hidden.mean(axis=0)
        vector: List[float] = (mean / np.linalg.norm(mean)).tolist()
        return vector

    def _layer(self, name: str, hidden: Array) -> Array:
        attended = self._dense(f"{name}.attention.output.dense", self._attention(name, hidden))
        hidden = self._norm(f"{name}.attention.output", hidden + attended)
        inner = self._dense(f"{name}.intermediate.dense", hidden)
        inner = inner * 0.5 * (1 + erf(inner / math.sqrt(2)).astype(np.float32))
        return self._norm(f"{name}.output", hidden + self._dense(f"{name}.output.dense", inner))

    def _attention(self, name: str, hidden: Array) -> Array:
        heads = self.config["num_attention_heads"]

        def split(part: str) -> Array:
            projected = self._dense(f"{name}.attention.self.{part}", hidden)
            return projected.reshape(len(hidden), heads, -1).swapaxes(0, 1)

        query, key, value = split("query"), split("key"), split("value")
        scores = query @ key.swapaxes(1, 2) / math.sqrt(query.shape[-1])
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = scores / scores.sum(axis=-1, keepdims=True) @ value
        return mixed.swapaxes(0, 1).reshape(hidden.shape)

    def _dense(self, name: str, hidden: Array) -> Array:
        return hidden @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def _norm(self, name: str, hidden: Array) -> Array:
        centered = hidden - hidden.mean(axis=-1, keepdims=True)
        deviation = np.sqrt(
            (centered**2).mean(axis=-1, keepdims=True) + self.config["layer_norm_eps"]
        )
        scale, shift = (self.weights[f"{name}.LayerNorm.{part}"] for part in ("weight", "bias"))
        return centered / deviation * scale + shift
