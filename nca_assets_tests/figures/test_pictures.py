"""Pictures show the tokens they are given, one colour a token."""

import io

import numpy as np
from PIL import Image

from nca_assets.figures.animation import animated_gif
from nca_assets.figures.contact_sheet import contact_sheet
from nca_assets.figures.palette import gray_levels, token_colours

ROLLOUTS = [np.random.default_rng(seed).integers(0, 32, (10, 8 + seed, 12), dtype=np.uint8) for seed in range(3)]


def test_the_palette_has_32_distinct_colours() -> None:
    assert len(set(token_colours())) == 32
    assert gray_levels()[0] == (0, 0, 0)
    assert gray_levels()[-1] == (255, 255, 255)


def test_the_contact_sheet_shows_each_rollout_in_a_column() -> None:
    image = Image.open(io.BytesIO(contact_sheet(ROLLOUTS, frames=(0, 9)))).convert("RGB")
    assert image.size == (3 * (3 * 12 + 2 * 2), 3 * (2 * 10 + 2))
    pixels = np.asarray(image)[::3, ::3]
    colours = np.array(token_colours())
    np.testing.assert_array_equal(pixels[:9, 14:26], colours[ROLLOUTS[1][0]])
    np.testing.assert_array_equal(pixels[12:21, 14:26], colours[ROLLOUTS[1][9]])
    assert (pixels[9:12, 14:26] == 255).all()


def test_a_contact_sheet_of_a_real_shard_stays_small() -> None:
    """Even if all six of its rollouts are noise on grids of average size: it is stored with every materialization."""
    noisy = [np.random.default_rng(seed).integers(0, 32, (1, 27, 27), dtype=np.uint8) for seed in range(6)]
    assert len(contact_sheet(noisy, frames=(0, 0))) < 12_000


def test_the_animation_has_a_frame_a_step_in_the_tokens_colours() -> None:
    tokens = ROLLOUTS[0]
    for gray, palette in [(False, token_colours()), (True, gray_levels())]:
        image = Image.open(io.BytesIO(animated_gif(tokens, scale=3, fps=20, gray=gray)))
        assert image.n_frames == 10  # pyright: ignore[reportAttributeAccessIssue]
        for frame in (0, 4, 9):
            image.seek(frame)
            pixels = np.asarray(image.convert("RGB"))[1::3, 1::3]
            np.testing.assert_array_equal(pixels, np.array(palette)[tokens[frame]])
        assert image.info["duration"] == 50
