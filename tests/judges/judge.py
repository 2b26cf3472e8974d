"""Outside judges of the text that the canvas draws: HarfBuzz, FriBidi, Chromium, tesseract.

    python tests/judges/judge.py <folder of make gallery> [--all]

Each judge says on how much it agrees. A difference that differences.json does not argue fails, and so
does an entry there that no longer differs. A judge that is not installed says so. tesseract reads the
short titles, with --all also the long ones."""

import os
import shutil
import sys
import time
from pathlib import Path

import browser
import differences
import gallery
import harfbuzz
import order
import reading


def main(folder, everything):
    texts = gallery.read(folder)
    argued = differences.read()
    faces = Path(folder) / "faces"
    clusters = sum(len(text.clusters) for text in texts)
    print(f"{len(texts)} texts of the gallery, {clusters} clusters")
    good = verdict("HarfBuzz", texts, harfbuzz.judge(texts, faces), argued)
    if shutil.which("fribidi"):
        good &= verdict("FriBidi", texts, order.judge(texts), argued)
    else:
        absent("FriBidi", "libfribidi-bin")
    if chromium := os.environ.get("CHROMIUM") or shutil.which("chromium"):
        good &= verdict("Chromium", texts, browser.judge(texts, faces, chromium), argued)
    else:
        absent("Chromium", "chromium")
    if shutil.which("tesseract"):
        titles = readable(texts, everything)
        good &= verdict("tesseract", titles, reading.judge(titles, folder), argued)
    else:
        absent("tesseract", "tesseract-ocr, and a pack for each language, as .ci/run does")
    return good


def readable(texts, everything):
    packs = reading.installed()
    with_picture = [
        text for text in texts
        if text.read and (everything or "-short" in text.read["file"]) and reading.pack_of(text)
    ]
    titles = [text for text in with_picture if reading.pack_of(text) in packs]
    if missing := {reading.pack_of(text) for text in with_picture} - packs:
        print(f"!! tesseract has no pack for {', '.join(sorted(missing))}: their titles are NOT read")
    return titles


def absent(name, package):
    print(f"!! {name} is not installed and judges NOTHING here: apt install {package}")


def verdict(name, texts, found, argued):
    begin = time.monotonic()
    open_, settled, stale = differences.settle(name, found, argued)
    took = time.monotonic() - begin
    agreed = len(texts) - len(open_)
    print(f"{name}: {agreed} of {len(texts)} texts, {settled} argued differences ({took:.0f} s)")
    for text, problems in open_:
        print(f"  {text.picture}, {text.role} {text.locale}: {text.text}")
        for problem in problems[:5]:
            print(f"    {problem}")
        if len(problems) > 5:
            print(f"    and {len(problems) - 5} more")
    for entry in stale:
        print(f"  stale, nothing differs any more: {entry}")
    return not open_ and not stale


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1], "--all" in sys.argv) else 1)
