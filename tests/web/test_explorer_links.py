"""Links of all kinds: whatever a link says, the explorer shows it or says in words why not."""

from __future__ import annotations

import random

NUMBERS = [
    *["0", "1", "2", "3", "5", "8", "16", "99", "-1", "1.5", "1e3", "x", "NaN", "2x3", "3x2x1", "٤"],
    "",
]
VALUES = [
    "ones",
    "count",
    "impulse",
    "random:3",
    "random:-1",
    "learned:2",
    "1,2,3",
    "1,,2",
    "bilinear",
    "own",
    "%F0",
]
CHOICES = {
    "dims": ["2", "1", "3", "", "1x"],
    "words": ["keras", "torch", "onnx", "caffe", "jax", ""],
    "padding": [
        "same",
        "valid",
        "0",
        "1",
        "2",
        "1:2",
        "1:0x0:1",
        "-1",
        "same_upper",
        "same_lower",
        "nothing",
        "9",
    ],
    "values": VALUES,
    "weights": VALUES,
}
NAMES = ["input", "kernel", "stride", "dilation", "output_padding", "output_shape"]


def link(rng):
    """A random link; a good part of them can be shown."""
    usual = ["2", "3", "4", "2x3"]
    entries = {name: rng.choice(usual if rng.random() < 0.95 else NUMBERS) for name in NAMES[:4]}
    entries["dims"] = "2"
    for name in NAMES[4:]:
        if rng.random() < 0.15:
            entries[name] = rng.choice(NUMBERS)
    for name, choices in CHOICES.items():
        if rng.random() < 0.4:
            entries[name] = rng.choice(choices[: 1 if rng.random() < 0.6 else None])
    if rng.random() < 0.05:
        entries[rng.choice(["__proto__", "state", "<b>"])] = "1"
    items = list(entries.items())
    rng.shuffle(items)
    return "&".join(f"{name}={value}" for name, value in items)


VISIT = """async (link) => {
    const explorer = document.querySelector("upsampling-explorer");
    const changed = new Promise((ready) => addEventListener("hashchange", ready, { once: true }));
    location.hash = link;
    await changed;
    const error = explorer.error.textContent;
    const readout = explorer.readout.textContent;
    const written = explorer.written;
    if (!error) explorer.point(0, 0);
    return { error, readout, written };
}"""


def test_random_links(explorer, explorer_server):
    """Two hundred of them: a sum or words, no exception, and what is shown can be linked to again."""
    rng = random.Random(17)
    shown, refused = [], []
    page = explorer()
    for _ in range(200):
        text = link(rng)
        answer = page.evaluate(VISIT, text)
        (refused if answer["error"] else shown).append((text, answer))
    for text, answer in refused:
        assert len(answer["error"]) > 20, text
        assert "undefined" not in answer["error"], text
    for text, answer in shown:
        assert "NaN" not in answer["readout"] + answer["written"], text
    assert min(len(shown), len(refused)) > 40, (len(shown), len(refused))
    for _, answer in shown[:30]:
        page.goto(f"{explorer_server.url}#dims=1")
        assert page.evaluate(VISIT, answer["written"])["written"] == answer["written"]
