"""Each judge is shown texts that are wrong on purpose, made from those of the gallery: it must see it.

    GALLERY=target/gallery python -m unittest discover --start-directory tests/judges
"""

import copy
import os
import shutil
import tempfile
import unittest
from pathlib import Path

import browser
import differences
import gallery
import harfbuzz
import order
import reading

GALLERY = Path(os.environ.get("GALLERY", "target/gallery"))
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
TEXTS = gallery.read(GALLERY) if (GALLERY / "texts.json").exists() else []
FACES = GALLERY / "faces"


def title(locale):
    """The short title of a poster, on one line if there is such a one."""
    titles = [text for text in TEXTS if text.locale == locale and text.role == "title"]
    return copy.deepcopy(min(titles, key=lambda text: (len(text.lines), len(text.text))))


def changed(locale, change):
    """The right title, and the title with the clusters of its first line changed."""
    right, wrong = title(locale), title(locale)
    change([cluster for cluster in wrong.lines[0] if cluster.glyphs])
    return right, wrong


def swap_glyphs(line):
    line[0].glyphs, line[1].glyphs = line[1].glyphs, line[0].glyphs


def drop_a_glyph(line):
    next(cluster for cluster in line if len(cluster.glyphs) > 1).glyphs.pop()


def widen(line):
    line[1].advance += 30


def reverse(line):
    """As cosmic-text 0.19 did with a word in two faces."""
    for cluster, x in zip(line, [cluster.x for cluster in reversed(line)]):
        cluster.x = x


def move_one(line):
    line[1].x += 30


def forget_direction(line):
    for cluster in line:
        cluster.level = 0


@unittest.skipUnless(TEXTS, "there is no gallery: make gallery")
class Judges(unittest.TestCase):
    def test_harfbuzz_sees_other_glyphs_and_other_widths(self):
        cases = [
            ("ta-IN", swap_glyphs), ("ur-PK", swap_glyphs), ("hi-IN", drop_a_glyph),
            ("km-KH", widen), ("en-IN", widen),
        ]
        for locale, change in cases:
            with self.subTest(locale=locale, change=change.__name__):
                right, wrong = changed(locale, change)
                self.assertEqual(list(harfbuzz.judge([right], FACES)), [])
                self.assertEqual(len(list(harfbuzz.judge([wrong], FACES))), 1)

    @unittest.skipUnless(shutil.which("fribidi"), "FriBidi is not installed")
    def test_fribidi_sees_a_wrong_order_and_a_wrong_direction(self):
        for locale in ("ar-SA", "ar-AE", "he-IL", "ta-IN"):
            for change in (reverse, forget_direction):
                if change is forget_direction and locale == "ta-IN":
                    continue
                with self.subTest(locale=locale, change=change.__name__):
                    right, wrong = changed(locale, change)
                    self.assertEqual(list(order.judge([right])), [])
                    self.assertEqual(len(list(order.judge([wrong]))), 1)

    @unittest.skipUnless(CHROMIUM, "Chromium is not installed")
    def test_chromium_sees_a_cluster_out_of_its_place_and_a_wrong_order(self):
        cases = [("ar-SA", reverse), ("he-IL", move_one), ("my-MM", reverse), ("ja-JP", move_one)]
        pairs = [changed(locale, change) for locale, change in cases]
        for pair in pairs:
            list(harfbuzz.judge(pair[:1], FACES))
            pair[1].tracking = pair[0].tracking
        right, wrong = zip(*pairs)
        self.assertEqual(list(browser.judge(right, FACES, CHROMIUM)), [])
        seen = [text.locale for text, _ in browser.judge(wrong, FACES, CHROMIUM)]
        self.assertEqual(seen, [locale for locale, _ in cases])

    @unittest.skipUnless(shutil.which("tesseract"), "tesseract is not installed")
    def test_tesseract_alarms_at_a_title_in_the_wrong_order(self):
        packs = reading.installed()
        for locale in ("ar-EG", "bn-IN", "hi-IN", "km-KH", "ml-IN"):
            titles = [each for each in TEXTS if each.read and each.locale == locale]
            text = min(titles, key=lambda text: len(text.lines))
            if reading.pack_of(text) not in packs:
                continue
            with self.subTest(locale=locale), tempfile.TemporaryDirectory() as folder:
                self.assertEqual(list(reading.judge([text], GALLERY)), [])
                wrong = Path(folder) / "reversed.pgm"
                reading.reversed_picture(text, GALLERY, wrong)
                found = reading.read_back(text, wrong)
                self.assertNotEqual(reading.differences(text, found), [])


class Differences(unittest.TestCase):
    def test_an_argued_difference_is_settled_and_another_one_is_not(self):
        text = gallery.Text("poster", "title", "Night", "en", [])
        found = [(text, ["'N' is +30 from where Chromium has it", "'t' has level 1"])]
        argued = [{
            "judge": "Chromium", "text": "Night", "problem": "+30", "right": "both", "why": "…",
        }]
        open_, settled, stale = differences.settle("Chromium", found, argued)
        self.assertEqual((open_, settled, stale), ([(text, ["'t' has level 1"])], 1, []))

    def test_an_entry_that_no_longer_differs_is_stale(self):
        entry = {"judge": "Chromium", "text": "Night", "right": "both", "why": "…"}
        self.assertEqual(differences.settle("Chromium", [], [entry])[2], [entry])
        self.assertEqual(differences.settle("HarfBuzz", [], [entry])[2], [])


class Similarity(unittest.TestCase):
    def test_a_reversed_word_and_a_lost_word_are_alarms_and_one_wrong_letter_is_none(self):
        text = gallery.Text("poster", "title", "אמסיה בעיר", "he", [])
        self.assertEqual(reading.differences(text, "אמסיה בעיד"), [])
        self.assertNotEqual(reading.differences(text, "אמסיה בעיר"[::-1]), [])
        self.assertNotEqual(reading.differences(text, "אמסיה"), [])


if __name__ == "__main__":
    unittest.main()
