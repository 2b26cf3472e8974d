"""Chromium judges the places: it sets the same words in the same fonts, and says where each cluster
begins. It has its own shaper, its own order and its own breaking of words into faces."""

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import gallery

SIZE = 100
# In thousandths of the font size.
TOLERANCE = 20.0
PAGE = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")


def judge(texts, faces, program):
    """Yields (text, what differs) for each text in which anything does."""
    for text, places in zip(texts, places_of(texts, faces, program)):
        problems = differences(text, places)
        if problems:
            yield text, problems


def places_of(texts, faces, program):
    """For each text, the left and right edges of its clusters, in thousandths of the font size."""
    names = sorted({cluster.face for text in texts for cluster in text.clusters})
    fonts = {name: f"f{number}" for number, name in enumerate(names)}
    rules = "".join(
        f"@font-face{{font-family:{family};src:url('{quote(name)}.ttf')}}"
        for name, family in fonts.items()
    )
    data = json.dumps([asked(text, fonts) for text in texts]).replace("<", "\\u003c")
    with tempfile.TemporaryDirectory() as profile:
        page = Path(faces).resolve() / "page.html"
        page.write_text(
            PAGE.replace("/*FACES*/", rules).replace("/*SIZE*/", f"{SIZE}px")
            .replace("/*SPACE*/", f"{gallery.NASTALIQ_SPACE / 1000}em")
            .replace("[/*TEXTS*/]", data).replace("[/*FONTS*/]", json.dumps(list(fonts.values()))),
            encoding="utf-8",
        )
        options = [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--allow-file-access-from-files", f"--user-data-dir={profile}", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--font-render-hinting=none", "--virtual-time-budget=600000", "--dump-dom",
        ]
        output = subprocess.run(
            [program, *options, page.as_uri()], capture_output=True, text=True, timeout=300,
        )
    found = re.search(r'<pre id="places">(\[.*?\])</pre>', output.stdout, re.DOTALL)
    if not found:
        raise RuntimeError(f"Chromium measured nothing: {output.stderr[-2000:]}")
    places = json.loads(found[1])
    return [[[edge * 1000 / SIZE for edge in edges] for edges in text] for text in places]


def asked(text, fonts):
    """A text for the page. Its offsets are those of JavaScript, in units of UTF-16."""
    units = [0]
    for byte in range(1, len(text.bytes) + 1):
        units.append(len(text.bytes[:byte].decode(errors="ignore").encode("utf-16-le")) // 2)
    logical = sorted(text.clusters, key=lambda cluster: cluster.start)
    pieces, begin = [], 0
    breaks = {min(cluster.start for cluster in line) for line in text.lines[1:] if line}
    for number, cluster in enumerate(logical):
        following = logical[number + 1] if number + 1 < len(logical) else None
        ends = following is None or following.face != cluster.face or following.start in breaks
        if ends:
            end = following.start if following else len(text.bytes)
            pieces.append({
                "text": text.bytes[begin:end].decode(),
                "font": fonts[cluster.face],
                "tight": text.is_tight(cluster.face),
                "spaced": cluster.face == gallery.NASTALIQ,
                "breaks": bool(following) and following.start in breaks,
            })
            begin = end
    return {
        "lang": text.locale,
        "dir": text.base,
        "tracking": f"{text.tracking / 1000:.4f}em",
        "pieces": pieces,
        "ranges": [[units[cluster.start], units[cluster.end]] for cluster in text.clusters],
    }


def differences(text, places):
    """Compares the clusters of each line, from the first that is drawn."""
    problems = []
    places = iter(places)
    for line in text.lines:
        parts = measured([(cluster, *next(places)) for cluster in line])
        parts = [part for part in parts if part.width > 0 and not gallery.is_space(text.of(part))]
        if not parts:
            continue
        ours, theirs = min(part.x for part in parts), min(part.left for part in parts)
        for part in parts:
            off = (part.x - ours) - (part.left - theirs)
            wider = part.width - (part.right - part.left)
            if abs(off) > TOLERANCE:
                problems.append(f"{text.of(part)!r} is {off:+.0f} from where Chromium has it")
            elif abs(wider) > TOLERANCE:
                problems.append(f"{text.of(part)!r} is {wider:+.0f} wider than Chromium has it")
    return problems


@dataclass
class Part:
    """Clusters that Chromium measures as one, as the syllables of Burmese are."""

    start: int
    end: int
    x: float
    width: float
    left: float
    right: float


def measured(line):
    parts = []
    for cluster, left, right in sorted(line, key=lambda each: each[0].start):
        if parts and not cluster.begins and cluster.start == parts[-1].end:
            part = parts[-1]
            part.end, part.x = cluster.end, min(part.x, cluster.x)
            part.width += cluster.advance
            part.left, part.right = min(part.left, left), max(part.right, right)
        else:
            part = Part(cluster.start, cluster.end, cluster.x, cluster.advance, left, right)
            parts.append(part)
    return parts
