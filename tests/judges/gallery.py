"""The texts that `make gallery` has shaped, as the judges read them."""

import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path

# Texts that are set in a display face, where Chinese, Japanese and Korean are set close.
DISPLAY = {"title", "days"}
CHINESE_JAPANESE_KOREAN = {"Noto Sans JP", "Noto Sans SC", "Noto Sans TC", "Noto Sans KR"}
# The ends of words hang over the next ones there, so the canvas sets them further apart.
NASTALIQ = "Noto Nastaliq Urdu Medium"
NASTALIQ_SPACE = 140.0
RIGHT_TO_LEFT = {"ar", "fa", "ckb", "ps", "sd", "ug", "ur", "ks", "he", "dv"}


@dataclass
class Cluster:
    """Characters that cannot be told apart in their glyphs. `start` and `end` are bytes."""

    start: int
    end: int
    face: str
    level: int
    glyphs: list
    x: float
    advance: float
    # Of HarfBuzz's judge: the script, and whether a browser can measure where it begins.
    script: str = ""
    begins: bool = True


@dataclass
class Text:
    """A text of a picture. Its lines have clusters from left to right."""

    picture: str
    role: str
    text: str
    locale: str
    lines: list
    read: dict | None = None
    # What is between two letters, in thousandths of the font size. HarfBuzz's judge measures it.
    tracking: float = 0.0

    def __post_init__(self):
        self.bytes = self.text.encode()

    @property
    def language(self):
        return self.locale.split("-")[0]

    @property
    def clusters(self):
        return [cluster for line in self.lines for cluster in line]

    def of(self, cluster):
        return self.bytes[cluster.start : cluster.end].decode()

    def is_tight(self, face):
        return self.role in DISPLAY and face in CHINESE_JAPANESE_KOREAN

    def added_to(self, cluster):
        """What the canvas adds to the space between two words, in thousandths of the font size."""
        is_between_words = cluster.face == NASTALIQ and self.of(cluster) in " \u00a0"
        return NASTALIQ_SPACE if is_between_words else 0.0

    @property
    def base(self):
        """The base direction: that of the reader's language. A text without a letter of that
        direction keeps its own, and so does every text for a reader from left to right."""
        if self.language not in RIGHT_TO_LEFT:
            return "auto"
        strong = [
            unicodedata.bidirectional(c) for c in self.text if unicodedata.category(c)[0] == "L"
        ]
        return "rtl" if not strong or {"R", "AL"} & set(strong) else "ltr"


def is_space(text):
    return all(c.isspace() or unicodedata.category(c) == "Cf" for c in text)


def read(folder):
    """The texts of a folder of `make gallery`."""
    texts = json.loads((Path(folder) / "texts.json").read_text(encoding="utf-8"))
    return [_text(text) for text in texts]


def _text(text):
    lines = [
        [
            Cluster(
                *cluster["range"], run["face"], run["level"], cluster["glyphs"], cluster["x"],
                cluster["advance"],
            )
            for run in line["runs"]
            for cluster in run["clusters"]
        ]
        for line in text["lines"]
    ]
    fields = ("picture", "role", "text", "locale")
    return Text(*(text[field] for field in fields), lines, text["read"])
