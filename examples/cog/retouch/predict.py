"""An image model: applies effects to a picture, one after the other, with Pillow."""

import tempfile
import time
from typing import Iterator

from cog import BasePredictor, Input, Path
from PIL import Image, ImageFilter, ImageOps

EFFECTS = {
    "grayscale": ImageOps.grayscale,
    "mirror": ImageOps.mirror,
    "posterize": lambda image: ImageOps.posterize(image, 2),
    "blur": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "outline": lambda image: image.filter(ImageFilter.CONTOUR),
}


class Predictor(BasePredictor):
    def setup(self) -> None:
        self.folder = tempfile.mkdtemp()

    def predict(
        self,
        image: Path = Input(description="The picture"),
        effects: str = Input(description="Names, separated by commas", default="grayscale,outline"),
        pause: float = Input(description="Seconds before each effect", default=0, ge=0, le=60),
    ) -> Iterator[Path]:
        """Yields the picture after each effect."""
        picture = Image.open(str(image)).convert("RGB")
        for step, name in enumerate(effects.split(","), 1):
            print(f"step {step}: {name}")
            time.sleep(pause)
            if name not in EFFECTS:
                raise ValueError(f"unknown effect {name!r}: use {', '.join(EFFECTS)}")
            picture = EFFECTS[name](picture)
            path = f"{self.folder}/{time.monotonic_ns()}.png"
            picture.save(path)
            yield Path(path)
