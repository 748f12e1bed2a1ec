"""Pictures show the tokens they are given, one color a token."""

import io

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from nca_assets.data_folder import DataFolder
from nca_assets.figures.animation import FORMATS, animated_gif, frame_sheet, video
from nca_assets.figures.chart import CLASS_COLORS
from nca_assets.figures.images import indexed, written
from nca_assets.figures.palette import (
    colored,
    colors_of,
    distinct_colors,
    gray_levels,
    hexadecimal,
    vocabulary_colors,
)
from nca_assets.figures.sheet import GAP, SMALL, contact_sheet, moving_sheet
from nca_assets.vocabulary.centroids import read_centroids, save_centroids
from nca_assets_tests.conftest import GOLDEN

COLORS = distinct_colors()
ROLLOUTS = [np.random.default_rng(seed).integers(0, 32, (10, 8 + seed, 12), dtype=np.uint8) for seed in range(3)]


RECEPTORS = {
    "all": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}
"""Machado, Oliveira and Fernandes (2009), severity 1, for linear RGB."""


def apart(colors: NDArray[np.uint8], seen_with: str = "all") -> NDArray[np.float64]:
    """How far colors (n, 3) are from each other in CIELAB, where about 2 is the least that one sees: (n, n)."""
    srgb = colors / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(RECEPTORS[seen_with]).T, 0, 1)
    to_xyz = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                       [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip
    x, y, z = (np.where(v > 216 / 24389, np.cbrt(v), (24389 / 27 * v + 16) / 116)
               for v in (seen @ to_xyz.T / [0.95047, 1, 1.08883]).T)  # fmt: skip
    lab = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)
    return np.linalg.norm(lab[:, None] - lab[None], axis=-1)


def nearest(distances: NDArray[np.float64]) -> float:
    return float(distances[~np.eye(len(distances), dtype=bool)].min())


@pytest.mark.parametrize("seen_with", RECEPTORS)
def test_everyone_can_tell_classes_and_the_tokens_of_imported_sets_apart(seen_with: str) -> None:
    assert nearest(apart(COLORS, seen_with)) > 17
    classes = np.array([list(bytes.fromhex(color[1:])) for color in CLASS_COLORS.values()], dtype=np.uint8)
    assert nearest(apart(classes, seen_with)) > 16


def unlike(seed: int) -> NDArray[np.float64]:
    """A vocabulary of 32 directions at random."""
    centroids = np.random.default_rng(seed).normal(size=(32, 16))
    return centroids / np.linalg.norm(centroids, axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(4))
def test_tokens_of_any_vocabulary_can_be_told_apart(seed: int) -> None:
    centroids = unlike(seed)
    assert nearest(apart(vocabulary_colors(centroids))) > 5
    centroids[1] = centroids[2]
    assert nearest(apart(vocabulary_colors(centroids))) > 5


def test_the_ground_is_dark() -> None:
    centroids = read_centroids(GOLDEN / "centroids.pt").numpy()
    centroids[0] = -0.25
    luminance = vocabulary_colors(centroids) @ [0.2126, 0.7152, 0.0722]
    assert luminance[0] < 40


def test_the_phases_of_a_wave_go_round_a_ring_of_colors() -> None:
    """The next phase looks more alike than the opposite one."""
    angles = 2 * np.pi * np.arange(12) / 12
    centroids = unlike(0)
    centroids[:12] = -0.25
    centroids[:12, 0:8:2], centroids[:12, 1:8:2] = np.cos(angles)[:, None] / 3, np.sin(angles)[:, None] / 3
    distances = apart(vocabulary_colors(centroids))
    for phase in range(12):
        here = distances[phase, :12]
        assert max(here[phase - 1], here[(phase + 1) % 12]) < here[phase - 6]


def test_the_vocabulary_decides_the_colors_of_our_sets_alone(data: DataFolder) -> None:
    centroids = read_centroids(GOLDEN / "centroids.pt")
    save_centroids(centroids, data, "learned")
    for name in data.sets:
        np.testing.assert_array_equal(colors_of(name, data), vocabulary_colors(centroids.numpy()))
    np.testing.assert_array_equal(colors_of("life", data), distinct_colors())


def test_grays_go_from_black_to_white() -> None:
    assert hexadecimal(gray_levels())[:: len(gray_levels()) - 1] == ["#000000", "#ffffff"]


def test_tokens_above_31_begin_anew() -> None:
    assert (colored(np.array([[33]], dtype=np.uint8), COLORS) == COLORS[1]).all()


def test_a_picture_with_a_palette_has_the_very_colors() -> None:
    pixels = colored(ROLLOUTS[0][0], COLORS)
    image = indexed(pixels, 2)
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image.convert("RGB"))[::2, 1::2], pixels)


NAMES = ["set1/000000", "set1/000001", "set1/000002\nradiating"]
CAPTION = written(NAMES[1] + "\nframe 0", SMALL)
LEFT = CAPTION.shape[1] + GAP
"""Where the second of the grids begins, which are narrower than their captions."""


def test_the_contact_sheet_shows_each_rollout_in_a_column_below_its_name() -> None:
    sheet = contact_sheet([colored(tokens, COLORS) for tokens in ROLLOUTS], frames=(0, 9), names=NAMES)
    pixels = np.asarray(Image.open(io.BytesIO(sheet)).convert("RGB"))
    top, width = CAPTION.shape
    np.testing.assert_array_equal(pixels[:top, LEFT : LEFT + width, 0], CAPTION)
    np.testing.assert_array_equal(pixels[top : top + 27 : 3, LEFT : LEFT + 36 : 3], COLORS[ROLLOUTS[1][0]])
    assert (pixels[:, LEFT - GAP : LEFT] == 255).all()
    last = written("frame 9", SMALL)
    np.testing.assert_array_equal(pixels[-30 - last.shape[0] : -30, LEFT : LEFT + last.shape[1], 0], last)
    np.testing.assert_array_equal(pixels[-30:-3:3, LEFT : LEFT + 36 : 3], COLORS[ROLLOUTS[1][9]])


def test_a_contact_sheet_of_a_real_shard_stays_small() -> None:
    """Even if all six of its rollouts are noise on grids of average size: it is stored with every materialization."""
    noisy = [COLORS[np.random.default_rng(seed).integers(0, 32, (1, 27, 27))] for seed in range(6)]
    assert len(contact_sheet(noisy, frames=(0, 0), names=[f"set1/00001{seed}" for seed in range(6)])) < 15_000


def animated(tokens: NDArray[np.uint8], colors: NDArray[np.uint8], **options: int) -> Image.Image:
    return Image.open(io.BytesIO(animated_gif(tokens, colors, "set1/000001, radiating", **options)))


def test_the_animation_has_a_frame_a_step_in_the_tokens_colors() -> None:
    tokens = ROLLOUTS[0]
    for colors in (COLORS, gray_levels()):
        image = animated(tokens, colors, scale=3, fps=20)
        assert image.n_frames == 10  # pyright: ignore[reportAttributeAccessIssue]
        for frame in (0, 4, 9):
            image.seek(frame)
            pixels = np.asarray(image.convert("RGB"))[1:24:3, 1:36:3]
            np.testing.assert_array_equal(pixels, colors[tokens[frame]])
        assert image.info["duration"] == 50


def test_the_animation_says_which_rollout_and_frame_it_shows() -> None:
    image = animated(ROLLOUTS[0], COLORS, scale=3)
    title = written("set1/000001, radiating", 14)
    for frame in (0, 9):
        image.seek(frame)
        caption = np.asarray(image.convert("L"))[24:]
        number = written(f"frame {frame}", 14)
        np.testing.assert_array_equal(caption[6:-6, 6 : 6 + title.shape[1]], title)
        np.testing.assert_array_equal(caption[6:-6, -6 - number.shape[1] : -6], number)


@pytest.mark.parametrize(("sides", "scale"), [((8, 8), 64), ((48, 20), 10), ((37, 48), 10), ((600, 4), 1)])
def test_the_animation_of_any_grid_is_of_a_size_that_one_can_see(sides: tuple[int, int], scale: int) -> None:
    image = animated(np.zeros((2, *sides), dtype=np.uint8), COLORS)
    expected = sides[0] * scale, max(sides[1] * scale, 232)
    assert (image.height - 32, image.width) == pytest.approx(expected, abs=30 if sides[1] < 30 else 0)


def test_the_moving_sheet_shows_rollouts_beside_each_other() -> None:
    moving = moving_sheet([colored(tokens, COLORS) for tokens in ROLLOUTS], range(4, 10), NAMES)
    image = Image.open(io.BytesIO(moving))
    assert image.n_frames == 6  # pyright: ignore[reportAttributeAccessIssue]
    image.seek(5)
    below = np.asarray(image.convert("RGB"))[CAPTION.shape[0] :]
    np.testing.assert_array_equal(below[:27:3, LEFT : LEFT + 36 : 3], COLORS[ROLLOUTS[1][9]])


@pytest.mark.parametrize("colors", [COLORS, gray_levels()], ids=["color", "gray"])
@pytest.mark.parametrize("scale", [5, 8])
def test_a_video_has_a_frame_a_step_in_nearly_the_tokens_colors(colors: NDArray[np.uint8], scale: int) -> None:
    """Nearly: video stores color at half the resolution, and compressed."""
    tokens = ROLLOUTS[1]
    frames = [
        frame.to_ndarray(format="rgb24")
        for frame in av.open(io.BytesIO(video(tokens, colors, "", scale, fps=20)), "r").decode(video=0)
    ]
    assert len(frames) == len(tokens)
    for frame, grid in zip(frames, tokens, strict=True):
        assert all(side % 2 == 0 for side in frame.shape[:2])
        centers = frame[scale // 2 : 9 * scale : scale, scale // 2 : 12 * scale : scale].astype(int)
        assert np.abs(centers - colors[grid]).mean() < 12


def test_a_sheet_of_frames_begins_with_the_first_and_ends_with_the_last() -> None:
    tokens = np.random.default_rng(1).integers(0, 32, (50, 8, 10), dtype=np.uint8)
    image = Image.open(io.BytesIO(frame_sheet(tokens, COLORS, "set1/000001", scale=8))).convert("RGB")
    pixels = np.asarray(image)
    title, caption = written("set1/000001", 16), written("frame 49", 14)
    np.testing.assert_array_equal(pixels[: title.shape[0], : title.shape[1], 0], title)
    top = title.shape[0] + GAP + caption.shape[0]
    np.testing.assert_array_equal(pixels[top : top + 64 : 8, :80:8], COLORS[tokens[0]])
    np.testing.assert_array_equal(pixels[-64::8, -80::8], COLORS[tokens[-1]])
    shown = pixels[-64 - caption.shape[0] : -64, -80 : -80 + caption.shape[1], 0]
    np.testing.assert_array_equal(shown, caption)


@pytest.mark.parametrize("file_format", FORMATS)
def test_tokens_above_31_can_be_looked_at(file_format: str) -> None:
    tokens = np.full((3, 8, 8), 200, dtype=np.uint8)
    assert FORMATS[file_format](tokens, COLORS, "", 2) == FORMATS[file_format](tokens % 32, COLORS, "", 2)
