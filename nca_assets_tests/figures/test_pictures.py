"""Pictures show the tokens they are given, one color a token."""

import io

import av
import numpy as np
import pytest
from PIL import Image

from nca_assets.figures.animation import FORMS, animated_gif, frame_sheet, video
from nca_assets.figures.contact_sheet import contact_sheet, moving_sheet
from nca_assets.figures.palette import colored, gray_levels, token_colors

ROLLOUTS = [np.random.default_rng(seed).integers(0, 32, (10, 8 + seed, 12), dtype=np.uint8) for seed in range(3)]


def test_the_palette_has_32_distinct_colors() -> None:
    assert len(set(token_colors())) == 32
    assert gray_levels()[0] == (0, 0, 0)
    assert gray_levels()[-1] == (255, 255, 255)


RECEPTORS = {
    "all": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}
"""Machado, Oliveira and Fernandes (2009), severity 1, for linear RGB."""


@pytest.mark.parametrize("seen_with", RECEPTORS)
def test_everyone_can_tell_any_two_tokens_apart(seen_with: str) -> None:
    """By 17 or more in CIELAB, where about 2 is the least that one sees."""
    srgb = np.array(token_colors()) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(RECEPTORS[seen_with]).T, 0, 1)
    to_xyz = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                       [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip
    x, y, z = (np.where(v > 216 / 24389, np.cbrt(v), (24389 / 27 * v + 16) / 116)
               for v in (seen @ to_xyz.T / [0.95047, 1, 1.08883]).T)  # fmt: skip
    lab = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    assert apart[~np.eye(32, dtype=bool)].min() > 17


def test_tokens_of_imported_sets_have_a_color_too() -> None:
    assert (colored(np.array([[33]], dtype=np.uint8)) == token_colors()[1]).all()


def test_the_contact_sheet_shows_each_rollout_in_a_column() -> None:
    image = Image.open(io.BytesIO(contact_sheet(ROLLOUTS, frames=(0, 9)))).convert("RGB")
    assert image.size == (3 * (3 * 12 + 2 * 2), 3 * (2 * 10 + 2))
    pixels = np.asarray(image)[::3, ::3]
    colors = np.array(token_colors())
    np.testing.assert_array_equal(pixels[:9, 14:26], colors[ROLLOUTS[1][0]])
    np.testing.assert_array_equal(pixels[12:21, 14:26], colors[ROLLOUTS[1][9]])
    assert (pixels[9:12, 14:26] == 255).all()


def test_a_contact_sheet_of_a_real_shard_stays_small() -> None:
    """Even if all six of its rollouts are noise on grids of average size: it is stored with every materialization."""
    noisy = [np.random.default_rng(seed).integers(0, 32, (1, 27, 27), dtype=np.uint8) for seed in range(6)]
    assert len(contact_sheet(noisy, frames=(0, 0))) < 12_000


def test_the_animation_has_a_frame_a_step_in_the_tokens_colors() -> None:
    tokens = ROLLOUTS[0]
    for gray, palette in [(False, token_colors()), (True, gray_levels())]:
        image = Image.open(io.BytesIO(animated_gif(tokens, scale=3, fps=20, gray=gray)))
        assert image.n_frames == 10  # pyright: ignore[reportAttributeAccessIssue]
        for frame in (0, 4, 9):
            image.seek(frame)
            pixels = np.asarray(image.convert("RGB"))[1::3, 1::3]
            np.testing.assert_array_equal(pixels, np.array(palette)[tokens[frame]])
        assert image.info["duration"] == 50


def test_the_moving_sheet_shows_rollouts_beside_each_other() -> None:
    image = Image.open(io.BytesIO(moving_sheet(ROLLOUTS, range(4, 10))))
    assert image.n_frames == 6  # pyright: ignore[reportAttributeAccessIssue]
    image.seek(5)
    pixels = np.asarray(image.convert("RGB"))[1::3, 1::3]
    colors = np.array(token_colors())
    np.testing.assert_array_equal(pixels[:9, 14:26], colors[ROLLOUTS[1][9]])


@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("scale", [5, 8])
def test_a_video_has_a_frame_a_step_in_nearly_the_tokens_colors(gray: bool, scale: int) -> None:
    """Nearly: video stores color at half the resolution, and compressed."""
    tokens = ROLLOUTS[1]
    frames = [
        frame.to_ndarray(format="rgb24")
        for frame in av.open(io.BytesIO(video(tokens, scale=scale, fps=20, gray=gray)), "r").decode(video=0)
    ]
    assert len(frames) == len(tokens)
    palette = np.array(gray_levels() if gray else token_colors())
    for frame, grid in zip(frames, tokens, strict=True):
        assert frame.shape == (9 * scale + 9 * scale % 2, 12 * scale, 3)
        centres = frame[scale // 2 :: scale, scale // 2 :: scale][:9].astype(int)
        assert np.abs(centres - palette[grid]).mean() < 12


def test_a_sheet_of_frames_begins_with_the_first_and_ends_with_the_last() -> None:
    tokens = np.random.default_rng(1).integers(0, 32, (50, 8, 10), dtype=np.uint8)
    image = Image.open(io.BytesIO(frame_sheet(tokens, scale=4))).convert("RGB")
    pixels = np.asarray(image)[::4, ::4]
    assert pixels.shape[:2] == (3 * 8 + 2 * 2, 4 * 10 + 3 * 2)
    colors = np.array(token_colors())
    np.testing.assert_array_equal(pixels[:8, :10], colors[tokens[0]])
    np.testing.assert_array_equal(pixels[-8:, -10:], colors[tokens[-1]])


@pytest.mark.parametrize("form", FORMS)
def test_tokens_above_31_can_be_looked_at(form: str) -> None:
    tokens = np.full((3, 8, 8), 200, dtype=np.uint8)
    assert len(FORMS[form](tokens, 2)) > 100
    assert len(FORMS[form](tokens, 2, gray=True)) > 100
