"""Whether small things that stand still are kept, such as a goal that lies elsewhere each time.

By pixels they weigh next to nothing beside all else that stands still, so each counts as one.
Shapes: B frames, H W image.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from worldvae.json_files import Content

CLEAR = (60 / 255) ** 2
"""A pixel of a thing deviates by more from the mean image (squared; black is 0, white is 1)."""
SMALLEST_THING = 4
"""The least pixels of a thing; fewer are the rim of another."""
HALF = 0.5
"""A thing is lost if more than this share of its squared deviation is."""
ENOUGH = 20
"""The least things of which a share is told."""


class Things(Content):
    """Things that stand still and differ clearly from the mean training image.

    A thing is a patch of connected pixels (diagonally, too), none of which changed since the frame
    before.
    """

    per_frame: float = Field(description="How many there are in a frame.")
    lost: float = Field(description="The share of them of which more than half is lost.")


def measure_still_things(
    deviation: NDArray[np.float32], error: NDArray[np.float32], moved: NDArray[np.bool_]
) -> Things | None:
    """Return how many of the still things in B frames are lost; None if they are few.

    Args:
        deviation: Squared deviations from the mean training image, mean over channels, (B, H, W).
        error: Squared errors of the reconstruction, mean over channels, (B, H, W).
        moved: True for pixels that changed since the frame before, (B, H, W).
    """
    lost = np.concatenate([_lost(*frame) for frame in zip(deviation, error, moved, strict=True)])
    if len(lost) < ENOUGH:
        return None
    return Things(per_frame=len(lost) / len(deviation), lost=float((lost > HALF).mean()))


def _lost(
    deviation: NDArray[np.float32], error: NDArray[np.float32], moved: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the share that is lost of each still thing in one frame: (H, W) -> (things,)."""
    count, labels = cv2.connectedComponents((deviation > CLEAR).astype(np.uint8))
    pixels, moving, spread, wrong = (
        np.bincount(labels.ravel(), weights, count)[1:]  # 0 is what belongs to no thing
        for weights in (None, moved.ravel(), deviation.ravel(), error.ravel())
    )
    still = (pixels >= SMALLEST_THING) & (moving == 0)
    return np.asarray(wrong[still] / spread[still])
