"""Subsets the fonts of files/ from the packages that README.md names, each to the characters of its
country's standard, and writes their coverage to cjk-coverage.bits."""

import glob
import os
import sys
import unicodedata

from fontTools.ttLib import TTFont

from subset import write

WEIGHT = "Medium"
# Proportional kana and punctuation for titles, and the marks of kana.
FEATURES = ["ccmp", "halt", "kern", "liga", "locl", "mark", "mkmk", "palt"]
# Punctuation that Latin has too, drawn as wide as a Chinese character. The Latin faces cover
# letters and digits.
SHARED_PUNCTUATION = "·×—―‘’“”…"
# Characters of Cantonese that are in no part of Big5 that this script takes.
CANTONESE = "嘅咗嚟喺哋冇啲嘢嗰咁噉嗌攞瞓睇畀佢嘥掂啱嘞喎㗎啩吖嗱嚿揾搵嗮諗冚嬲氹咭餸曱甴糭啫"
# Characters that are common in given names and at weddings, but are in none of the standards.
NAMES_OF_TAIWAN = (
    "囍姵彣苡葳霈蓁瑀媗婕甯晢翊菈叡峮暐淯珈珺琁竑莛邰鈺闓鎧綉炘煒燁瑋瑄珩琮禕粲紘翃蘅褘鋐鑫騏驊堃喆峯戩旂旻昉昶晟槿歆洺澔瀅"
    "灝焄玠垚妏妘娸婞嫈宬寗渼澐煊熠燊琬璇盷睎禔秝筱粧緗芃芊芮菘蒨錞鏵靚頎馡"
)
NAMES_OF_CHINA = (
    "囍喆堃镕玥珺翀祎赟炘瑄璟昇頔犇骉晞暐垚埈堉墡妘妧婞嬿崚彧愔旸旻昉晙晢曈橦浛淏湉湜澔烜燊燚玘瑀禛竑翯芃贇锜鹔龑"
)


def encoded_by(codec, holds=lambda code: True):
    """Characters that `codec` encodes in two bytes accepted by `holds`, normalized to NFC."""
    found = set()
    for code in range(0x80, 0x30000):
        if 0xD800 <= code < 0xE000 or unicodedata.category(chr(code)) in ("Cn", "Co"):
            continue
        try:
            written = chr(code).encode(codec)
        except UnicodeEncodeError:
            continue
        if len(written) == 2 and holds(written):
            found |= set(unicodedata.normalize("NFC", chr(code)))
    return found


def japanese():
    # JIS X 0208, Windows' additions (髙, 﨑, ①, ㈱), and the third level of JIS X 0213, for names.
    two_bytes = [encoded_by(codec, lambda code: code[0] >= 0xA1) for codec in ("euc_jp", "euc_jis_2004")]
    return set().union(*two_bytes, encoded_by("cp932"), SHARED_PUNCTUATION)


def simplified():
    return encoded_by("gb2312") | set(NAMES_OF_CHINA + SHARED_PUNCTUATION)


def traditional():
    # Big5's symbols and its first level, the characters in common use.
    return encoded_by("big5", lambda code: code < b"\xc9") | set(CANTONESE + NAMES_OF_TAIWAN + SHARED_PUNCTUATION)


def korean():
    # Every syllable and the single letters. No Chinese characters: the other three fonts have them.
    symbols = {character for character in encoded_by("euc_kr") if unicodedata.category(character)[0] in "PSN"}
    letters = {chr(code) for code in [*range(0xAC00, 0xD7A4), *range(0x3130, 0x3190)]}
    return letters | symbols - set(SHARED_PUNCTUATION)


def wanted(standard):
    """Code points of at most 16 bits, because the coverage table ends there."""
    punctuation = {chr(code) for code in [*range(0x3000, 0x3040), *range(0xFF01, 0xFFEF)]}
    # Wide letters and digits are set as plain ones.
    set_as_plain = {chr(code) for code in range(0xFF01, 0xFF5F) if chr(code).isalnum()}
    found = {c for c in standard | punctuation if "\u2000" <= c <= "\uffff" or c in SHARED_PUNCTUATION}
    return {ord(c) for c in found - set_as_plain}


def bits(covered):
    """One bit for each character up to U+FFFF, the lowest bit of a byte first."""
    table = bytearray(8192)
    for code in covered:
        table[code // 8] |= 1 << code % 8
    return table


def main(packages, out):
    coverage = b""
    for country, standard in (("JP", japanese), ("SC", simplified), ("TC", traditional), ("KR", korean)):
        name = f"NotoSans{country}"
        source = glob.glob(os.path.join(packages, "**", f"{name}_*{WEIGHT}.ttf"), recursive=True)[0]
        # Subsetting again gives the same file.
        font = TTFont(source, recalcTimestamp=False)
        # The line is the square that a character fills, so that it is centred and sits on the Latin
        # baseline.
        font["hhea"].ascent, font["hhea"].descent = 880, -120
        path = os.path.join(out, "files", f"{name}-{WEIGHT}.ttf")
        write(font, path, wanted(standard()), FEATURES)
        coverage += bits(TTFont(path).getBestCmap())
    with open(os.path.join(out, "cjk-coverage.bits"), "wb") as file:
        file.write(coverage)


if __name__ == "__main__":
    main(*sys.argv[1:])
