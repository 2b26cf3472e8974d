"""tesseract judges whether the title of a poster can be read back. It is an alarm for wrong order and
for loss, no proof of anything finer: it misreads some letters of every script."""

import os
import subprocess
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Of 1. A title that was read otherwise than this is an alarm.
SIMILAR = 0.7

# The program's language packs, by our languages. It has none for the rest: Ol Chiki, Meetei Mayek …
PACKS = {
    "am": "amh", "ar": "ara", "as": "asm", "bn": "ben", "de": "deu", "dv": "div", "el": "ell",
    "en": "eng", "es": "spa", "fa": "fas", "fr": "fra", "gu": "guj", "he": "heb", "hi": "hin",
    "hy": "hye", "id": "ind", "it": "ita", "ja": "jpn", "ka": "kat", "km": "khm", "kn": "kan",
    "ko": "kor", "lo": "lao", "ml": "mal", "mr": "mar", "my": "mya", "ne": "nep", "nl": "nld",
    "or": "ori", "pa": "pan", "pl": "pol", "ps": "pus", "pt": "por", "ru": "rus", "sa": "san",
    "sd": "snd", "si": "sin", "sr": "srp", "sw": "swa", "ta": "tam", "te": "tel", "th": "tha",
    "tr": "tur", "ug": "uig", "uk": "ukr", "ur": "urd", "vi": "vie", "yo": "yor",
    "zh-CN": "chi_sim", "zh-TW": "chi_tra",
}


def pack_of(text):
    return PACKS.get(text.locale) or PACKS.get(text.language)


def installed(program="tesseract"):
    """The installed language packs."""
    lines = subprocess.run(
        [program, "--list-langs"], capture_output=True, text=True, check=True,
    ).stdout.splitlines()
    return set(lines[1:])


def judge(texts, folder, program="tesseract"):
    """Yields (text, what differs) for each title that is not read as it is written. `texts` are
    those with a picture, in a language with a pack."""
    def read(text):
        return read_back(text, Path(folder) / text.read["file"], program)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for text, found in zip(texts, threads.map(read, texts)):
            problems = differences(text, found)
            if problems:
                yield text, problems


def read_back(text, picture, program="tesseract"):
    """What the program reads, as one block of text, as a column of it or, if it is one, as a line,
    whichever is better: it overlooks a line now and then, and takes high marks for one."""
    latin = any(unicodedata.name(c, "").startswith("LATIN") for c in text.text)
    packs = pack_of(text) + ("+eng" if latin else "")
    # Each process has one thread; there are as many processes as processors.
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    found = []
    for segmentation in ("6", "4", "7") if len(text.lines) == 1 else ("6", "4"):
        command = [program, str(picture), "-", "-l", packs, "--psm", segmentation]
        found.append(subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment,
        ).stdout)
        if not differences(text, found[-1]):
            break
    return max(found, key=lambda found: similarity(letters(text.text), letters(found)))


def differences(text, found):
    written, found = letters(text.text), letters(found)
    similar = similarity(written, found)
    if similarity(written[::-1], found) > similar:
        return [f"reads from the wrong end: {found}"]
    if similar < SIMILAR:
        return [f"reads {found} ({similar:.2f})"]
    return []


def letters(text):
    """The letters with their marks, and the digits."""
    text = unicodedata.normalize("NFC", text).casefold()
    return "".join(c for c in text if unicodedata.category(c)[0] in "LMN")


def similarity(one, other):
    """1 without the share of letters that have to be changed, left out or put in."""
    if not one and not other:
        return 1.0
    before = list(range(len(other) + 1))
    for row, a in enumerate(one, 1):
        now = [row]
        for column, b in enumerate(other, 1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (a != b)))
        before = now
    return 1 - before[-1] / max(len(one), len(other))


def reversed_picture(text, folder, path):
    """Writes the title of one line as it would look with its clusters in the reverse order."""
    width, height, grey = pgm(Path(folder) / text.read["file"])
    scale, left = text.read["size"] / 1000, text.read["left"]
    rows = [grey[row * width : (row + 1) * width] for row in range(height)]
    edges = [
        (int(left + cluster.x * scale), int(left + (cluster.x + cluster.advance) * scale))
        for cluster in text.lines[0] if cluster.advance > 0
    ]
    columns = [column for begin, end in reversed(edges) for column in range(begin, end)]
    columns = [column for column in columns if column < width]
    rim = bytes([255]) * 24
    rows = [rim + bytes(row[column] for column in columns) + rim for row in rows]
    header = f"P5 {len(columns) + 48} {height} 255\n".encode()
    path.write_bytes(header + b"".join(rows))


def pgm(path):
    header, _, grey = path.read_bytes().partition(b"\n")
    _, width, height, _ = header.split()
    return int(width), int(height), grey
