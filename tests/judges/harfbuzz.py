"""HarfBuzz judges the glyphs of each cluster, and how far each moves the pen.

The canvas shapes with harfrust, which is a port of HarfBuzz; this is the original."""

import statistics
import unicodedata
from functools import cache
from pathlib import Path

import uharfbuzz as hb

# Of a thousandth of the font size. Positions are whole units of the font on both sides.
TOLERANCE = 2.0
# The scripts, as the names of their characters begin.
SCRIPTS = {
    "LATIN": "Latn", "GREEK": "Grek", "CYRILLIC": "Cyrl", "DEVANAGARI": "Deva", "BENGALI": "Beng",
    "GURMUKHI": "Guru", "GUJARATI": "Gujr", "ORIYA": "Orya", "TAMIL": "Taml", "TELUGU": "Telu",
    "KANNADA": "Knda", "MALAYALAM": "Mlym", "SINHALA": "Sinh", "OL": "Olck", "MEETEI": "Mtei",
    "ARABIC": "Arab", "HEBREW": "Hebr", "THAANA": "Thaa", "THAI": "Thai", "LAO": "Laoo",
    "KHMER": "Khmr", "MYANMAR": "Mymr", "ETHIOPIC": "Ethi", "GEORGIAN": "Geor",
    "ARMENIAN": "Armn", "CJK": "Hani", "HIRAGANA": "Hira", "KATAKANA": "Kana", "HANGUL": "Hang",
}


def judge(texts, faces):
    """Yields (text, what differs) for each text in which anything does."""
    fonts = Fonts(faces)
    for text in texts:
        problems = differences(text, fonts)
        if problems:
            yield text, problems


class Fonts:
    def __init__(self, folder):
        self.folder = Path(folder)

    @cache
    def font(self, face):
        blob = hb.Blob.from_file_path(str(self.folder / f"{face}.ttf"))
        return hb.Font(hb.Face(blob))


def differences(text, fonts):
    runs = list(runs_of(text))
    shaped = [shape(text, run, fonts, {}) for run in runs]
    text.tracking = tracking(text, runs, shaped)
    if abs(text.tracking) > 0.5:
        # Letters that are apart are not ligatures.
        apart = {"liga": False, "clig": False}
        shaped = [shape(text, run, fonts, apart) for run in runs]
    problems = []
    for run, theirs in zip(runs, shaped):
        for cluster, (glyphs, advance) in zip(run, theirs):
            what = f"{text.of(cluster)!r} in {cluster.face}"
            if not cluster.glyphs and cluster.advance == 0.0:
                continue  # A mark that is not drawn.
            advance += text.added_to(cluster)
            if cluster.glyphs != glyphs:
                problems.append(f"{what}: glyphs {cluster.glyphs}, HarfBuzz has {glyphs}")
            elif abs(cluster.advance - text.tracking - advance) > TOLERANCE:
                problems.append(
                    f"{what}: advance {cluster.advance - text.tracking:.0f}, HarfBuzz has"
                    f" {advance:.0f}"
                )
    return problems


def tracking(text, runs, shaped):
    apart = [
        cluster.advance - text.added_to(cluster) - advance
        for run, theirs in zip(runs, shaped)
        for cluster, (glyphs, advance) in zip(run, theirs)
        if cluster.glyphs == glyphs and len(glyphs) == 1
    ]
    return statistics.median(apart) if apart else 0.0


def runs_of(text):
    """What is shaped at once: clusters of a face, a level and a script, in reading order. A line
    may break within."""
    run, kind = [], None
    script = first_script(text.text)
    for cluster in sorted(text.clusters, key=lambda cluster: cluster.start):
        script = script_of(text.of(cluster)) or script
        now = (cluster.face, cluster.level, script)
        if now != kind and run:
            yield run
            run = []
        kind = now
        cluster.script = script
        run.append(cluster)
    if run:
        yield run


def script_of(text):
    for c in text:
        name = unicodedata.name(c, "").split(" ")[0]
        if name in SCRIPTS and unicodedata.category(c)[0] in "LMN":
            return SCRIPTS[name]
    return None


def first_script(text):
    return next(filter(None, map(script_of, text)), "Latn")


def shape(text, run, fonts, features):
    """For each cluster of `run`, HarfBuzz's glyphs from left to right, and their advance."""
    font = fonts.font(run[0].face)
    if text.is_tight(run[0].face):
        features = {"palt": True}
    whole = shaped(text, run, font, features, hb.BufferClusterLevel.MONOTONE_GRAPHEMES)
    begins = {info.cluster for info in whole.glyph_infos}
    for cluster in run:
        cluster.begins = cluster.start in begins
    buffer = shaped(text, run, font, features, hb.BufferClusterLevel.MONOTONE_CHARACTERS)
    scale = 1000.0 / font.face.upem
    at = {byte: cluster.start for cluster in run for byte in range(cluster.start, cluster.end)}
    by_cluster = {cluster.start: ([], 0.0) for cluster in run}
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions):
        # A space at the end of a line is in no cluster.
        if info.cluster in at:
            glyphs, advance = by_cluster[at[info.cluster]]
            advance += position.x_advance * scale
            by_cluster[at[info.cluster]] = (glyphs + [info.codepoint], advance)
    return [by_cluster[cluster.start] for cluster in run]


def shaped(text, run, font, features, level):
    start, end = run[0].start, run[-1].end
    buffer = hb.Buffer()
    buffer.cluster_level = level
    # With what stands before and after it, which letters may join.
    buffer.add_utf8(text.bytes, start, end - start)
    buffer.direction = "rtl" if run[0].level % 2 else "ltr"
    buffer.script = run[0].script
    buffer.language = text.locale
    hb.shape(font, buffer, features)
    return buffer
