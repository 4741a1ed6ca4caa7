"""Pages of text: paragraphs, tables and windows, as screens show them and scanners read them."""

from __future__ import annotations

import numpy as np

from tfdeconv.training.drawings.paper import SIDE, Image, Paper, any_colour, any_family, paper_and_ink

_LETTERS = "eeeeeetttttaaaaooooiiiinnnnsssshhhrrrddllccuummwwffggyyppbbvkjxqzäöüéèçßłωπλδжюя"
_SIGNS = "0123456789.,;:!?()[]{}+-=*/%&@#$\"'<>|_~"


def words(rng: np.random.Generator, count: int) -> str:
    """Return words without a meaning, with capitals, numbers and punctuation among them."""
    text = []
    for _ in range(count):
        source = _SIGNS if rng.random() < 0.15 else _LETTERS
        word = "".join(rng.choice(list(source), rng.integers(1, 10)))
        text.append(word.capitalize() if rng.random() < 0.2 else word)
        if rng.random() < 0.05:
            text[-1] = text[-1].upper()
    return " ".join(text)


def text_page(rng: np.random.Generator) -> Image:
    """Return a page ``[512, 512, 3]``: blocks of text, of a table or with a frame, one below another."""
    sheet, ink = paper_and_ink(rng)
    paper = Paper(sheet, fineness=int(rng.choice([1, 4])))
    top = float(rng.uniform(-20, 20))
    while top < SIDE:
        size = float(np.exp(rng.uniform(np.log(8), np.log(48))))
        block = [_paragraph, _paragraph, _table, _window][rng.integers(4)]
        top = block(paper, rng, top, size, ink) + rng.uniform(4, 24)
    return paper.pixels()


def _paragraph(
    paper: Paper, rng: np.random.Generator, top: float, size: float, ink: tuple[int, int, int]
) -> float:
    """Lines of one font."""
    family, left = any_family(rng), rng.uniform(-30, 60)
    colour = ink if rng.random() < 0.7 else any_colour(rng)
    leading = size * rng.uniform(1.05, 1.6)
    for _ in range(rng.integers(1, 9)):
        paper.text((left, top), words(rng, 1 + int(900 / size / 4)), colour, family, size)
        top += leading
    return top


def _table(
    paper: Paper, rng: np.random.Generator, top: float, size: float, ink: tuple[int, int, int]
) -> float:
    """Cells with rules between them; every other row may be shaded."""
    size = min(size, 22.0)
    columns, rows, height = int(rng.integers(2, 7)), int(rng.integers(2, 7)), size * 1.7
    family, shade, rule = any_family(rng), any_colour(rng, 120, 250), float(rng.choice([1, 1, 2, 3]))
    lefts = np.linspace(rng.uniform(0, 20), rng.uniform(SIDE - 30, SIDE + 60), columns + 1)
    shaded = rng.random() < 0.5
    for row in range(rows):
        y = top + row * height
        if shaded and row % 2:
            paper.area(
                [(lefts[0], y), (lefts[-1], y), (lefts[-1], y + height), (lefts[0], y + height)], shade
            )
        for left in lefts[:-1]:
            paper.text((left + 5, y + size * 0.3), words(rng, 1)[:8], ink, family, size)
    for row in range(rows + 1):
        y = top + row * height
        paper.line([(lefts[0], y), (lefts[-1], y)], ink, rule)
    for left in lefts:
        paper.line([(left, top), (left, top + rows * height)], ink, rule)
    return top + rows * height


def _window(
    paper: Paper, rng: np.random.Generator, top: float, size: float, ink: tuple[int, int, int]
) -> float:
    """A filled frame with a title and buttons."""
    left, width, height = rng.uniform(0, 60), rng.uniform(200, 440), rng.uniform(60, 200)
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    size = min(size, 24.0)
    body, bar = any_colour(rng), any_colour(rng)
    text = (0, 0, 0) if sum(body) > 380 else (255, 255, 255)
    frame = corners * (width, height) + (left, top)
    paper.area(frame, body)
    paper.area(corners * (width, size * 1.8) + (left, top), bar)
    paper.line(np.vstack([frame, frame[:1]]), ink, float(rng.choice([1, 2])))
    title = (0, 0, 0) if sum(bar) > 380 else (255, 255, 255)
    paper.text((left + 8, top + size * 0.3), words(rng, 2), title, "Sans-Bold", size)
    for index in range(int(rng.integers(1, 4))):
        place = (left + 10 + index * width / 3, top + height - size * 2)
        button = corners * (width / 3 - 20, size * 1.6) + place
        paper.area(button, any_colour(rng, 100, 255))
        paper.line(np.vstack([button, button[:1]]), ink, 1.0)
        paper.text(np.add(place, (6, size * 0.2)), words(rng, 1)[:7], (0, 0, 0), "Sans", size)
    for line in range(int((height - size * 4) / (size * 1.3))):
        paper.text((left + 8, top + size * (2 + 1.3 * line)), words(rng, 6)[:40], text, "Sans", size)
    return float(top + height)
