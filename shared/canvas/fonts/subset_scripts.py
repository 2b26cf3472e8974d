"""Cuts the faces of files/scripts.pack from the packages that scripts.tsv names, and writes what belongs to the pack:
its table (scripts.tsv), its licences (files/OFL-scripts.txt) and the coverage of every face (src/fonts/coverage.rs).

    python subset_scripts.py <folder with the unpacked packages> <this folder>

It also writes languages.tsv: the letters of each language that a face has to have, from the package of CLDR_VERSION.

The same packages give the same bytes. src/fonts/pack.rs describes the form of the pack.
"""

import glob
import hashlib
import io
import json
import os
import re
import struct
import sys
import unicodedata
import zlib
from dataclasses import dataclass

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables import otTables

from subset import SHARED, characters

JOINERS = "200C,200D"
INDIC = f"{SHARED},{JOINERS},25CC,964,965"
ARABIC = f"{SHARED},200B-200F,25CC,600-6FF,750-77F,8A0-8FF,FD3E-FD3F,FDF2,FDFA-FDFD"
# Urdu, Kashmiri, Punjabi, Saraiki, Balochi, Persian and Arabic, without the letters of Africa and of Central Asia.
NASTALIQ = (
    f"{SHARED},200B-200F,25CC,600-604,60C-615,61B-61F,620-63A,640-65E,660-671,672,673,674,675,676,677,679,67B,67E,67F,681,683,684,685,686,687,688,68A,"
    "68D,691,693,698,699,69A,6A9,6AA,6AF,6B3,6BA,6BB,6BE,6C0-6C4,6C6,6CC,6CD,6D2-6D5,6DD,6EE-6FF,762,763,768,76C,8C7,FDF2,FDFA-FDFD"
)
# Latin as it is written in Africa, Vietnam, the Pacific, the Americas, in pinyin and in IAST.
LATIN = (
    "20-7E,A0-17F,181,186,187-18A,18E-192,194,196-19B,19D-1A1,1A4-1A5,1AC-1B7,1C0-1C3,1CD-1DC,1DD-1F0,1F4-21F,226-233,237,23B-23C,"
    "241-249,251-257,259,25B,260,261,263,266,268-26C,272,275,280,283,288-28C,292,294-295,298,2B0,2B7,2B9-2C1,2C6-2C8,2CA-2CB,2D8-2DD,"
    "2E4,2EE,300-304,306-30C,30F,311-315,31B,323-328,32D-32E,330-331,342,35F,361,1DC4-1DC7,1E00-1E99,1E9E,1EA0-1EF9,2C64,2C67-2C6C,2C72-2C73,"
    "A78B-A78D,A7AE,2010-2015,2018-201E,2020-2022,2026,2030,2032-2033,2039-203A,2070-208E,20A0-20C1,2122,2212"
)
SYMBOLS = "2460-2473,24B6-24E9,2669-266F,1F130-1F149,1F170-1F189"

# Features that a text turns on only by asking. None of ours asks, so their glyphs are left out.
ON_REQUEST = (
    "aalt salt swsh titl hist hlig dlig smcp c2sc pcap c2pc unic onum lnum pnum tnum frac afrc numr dnom sups subs sinf ordn "
    "zero case cpsp nalt vert vrt2 vkna ruby"
).split() + [f"{kind}{number:02}" for kind in ("ss", "cv") for number in range(1, 100)]


@dataclass
class Face:
    """A face of the pack. `name` is its name in src/fonts/table.rs."""

    name: str
    package: str
    file: str
    wanted: str
    without: str = ""
    # Layout features that are left out besides those of ON_REQUEST.
    dropped: tuple = ()



def noto(script, package, wanted):
    return Face(f"Noto Sans {script} Medium", f"noto-sans-{package}", f"NotoSans{script.replace(' ', '')}_500Medium", wanted)


FACES = [
    Face("Noto Emoji Bold", "noto-emoji", "NotoEmoji_700Bold", "0-10FFFF", without="1F3FB-1F3FF"),
    Face("Noto Sans ExtraBold", "noto-sans", "NotoSans_800ExtraBold", LATIN),
    Face("Noto Sans Medium", "noto-sans", "NotoSans_500Medium", LATIN),
    Face("Noto Serif Display Medium", "noto-serif-display", "NotoSerifDisplay_500Medium", f"{LATIN},370-3FF,1F00-1FFF,400-52F"),
    Face("Noto Sans Symbols Medium", "noto-sans-symbols", "NotoSansSymbols_500Medium", SYMBOLS),
    Face("Mukta ExtraBold", "mukta", "Mukta_800ExtraBold", f"{INDIC},900-97F"),
    Face("Tiro Devanagari Hindi", "tiro-devanagari-hindi", "TiroDevanagariHindi_400Regular", f"{INDIC},900-97F"),
    noto("Devanagari", "devanagari", f"{INDIC},900-97F,A8E0-A8FF,1CD0-1CFF,20F0"),
    Face("Anek Bangla Bold", "anek-bangla", "AnekBangla_700Bold", f"{INDIC},980-9FF"),
    noto("Bengali", "bengali", f"{INDIC},980-9FF"),
    Face("Anek Gujarati Bold", "anek-gujarati", "AnekGujarati_700Bold", f"{INDIC},A80-AFF"),
    noto("Gujarati", "gujarati", f"{INDIC},A80-AFF"),
    Face("Baloo Paaji 2 Bold", "baloo-paaji-2", "BalooPaaji2_700Bold", f"{INDIC},A00-A7F"),
    noto("Gurmukhi", "gurmukhi", f"{INDIC},A00-A7F"),
    Face("Baloo Bhaina 2 Bold", "baloo-bhaina-2", "BalooBhaina2_700Bold", f"{INDIC},B00-B7F"),
    noto("Oriya", "oriya", f"{INDIC},B00-B7F"),
    Face("Anek Tamil Bold", "anek-tamil", "AnekTamil_700Bold", f"{INDIC},B80-BFF"),
    noto("Tamil", "tamil", f"{INDIC},B80-BFF"),
    Face("Anek Telugu Bold", "anek-telugu", "AnekTelugu_700Bold", f"{INDIC},C00-C7F"),
    noto("Telugu", "telugu", f"{INDIC},C00-C7F"),
    Face("Anek Kannada Bold", "anek-kannada", "AnekKannada_700Bold", f"{INDIC},C80-CFF"),
    noto("Kannada", "kannada", f"{INDIC},C80-CFF"),
    Face("Anek Malayalam Bold", "anek-malayalam", "AnekMalayalam_700Bold", f"{INDIC},D00-D7F"),
    noto("Malayalam", "malayalam", f"{INDIC},D00-D7F"),
    noto("Sinhala", "sinhala", f"{INDIC},D80-DFF"),
    noto("Ol Chiki", "ol-chiki", f"{INDIC},1C50-1C7F"),
    noto("Meetei Mayek", "meetei-mayek", f"{INDIC},ABC0-ABFF,AAE0-AAFF"),
    Face("Kanit SemiBold", "kanit", "Kanit_600SemiBold", f"{SHARED},{JOINERS},25CC,E00-E7F"),
    noto("Thai", "thai", f"{SHARED},{JOINERS},25CC,E00-E7F"),
    noto("Lao", "lao", f"{SHARED},{JOINERS},25CC,E80-EFF"),
    noto("Khmer", "khmer", f"{SHARED},{JOINERS},25CC,1780-17FF"),
    noto("Myanmar", "myanmar", f"{SHARED},{JOINERS},25CC,1000-109F,AA60-AA7F"),
    # Its kerning is two thirds of the font, for pairs that a reader hardly sees.
    Face("Noto Sans Ethiopic Medium", "noto-sans-ethiopic", "NotoSansEthiopic_500Medium", f"{SHARED},1200-139F,2D80-2DDF", dropped=("kern",)),
    noto("Georgian", "georgian", f"{SHARED},10A0-10FF,1C90-1CBF"),
    noto("Armenian", "armenian", f"{SHARED},530-58F,FB13-FB17"),
    Face("Heebo ExtraBold", "heebo", "Heebo_800ExtraBold", f"{SHARED},25CC,20AA,590-5FF,FB1D-FB4F"),
    Face("Frank Ruhl Libre Bold", "frank-ruhl-libre", "FrankRuhlLibre_700Bold", f"{SHARED},25CC,20AA,590-5FF,FB1D-FB4F"),
    noto("Hebrew", "hebrew", f"{SHARED},25CC,20AA,590-5FF,FB1D-FB4F"),
    noto("Thaana", "thaana", f"{SHARED},25CC,780-7BF,60C,61B,61F"),
    Face("Lalezar", "lalezar", "Lalezar_400Regular", ARABIC),
    Face("Vazirmatn ExtraBold", "vazirmatn", "Vazirmatn_800ExtraBold", ARABIC),
    Face("Amiri Bold", "amiri", "Amiri_700Bold", ARABIC),
    noto("Arabic", "arabic", ARABIC),
    Face("Noto Nastaliq Urdu Medium", "noto-nastaliq-urdu", "NotoNastaliqUrdu_500Medium", NASTALIQ),
]

# The built-in faces and those with a file of their own, which subset.py and subset_cjk.py make: only their coverage is written.
OTHERS = {
    "Bricolage Grotesque ExtraBold": "BricolageGrotesque-ExtraBold.ttf",
    "Inter Tight ExtraBold": "InterTight-ExtraBold.ttf",
    "Fraunces Display": "Fraunces-Display.ttf",
    "Inter Regular": "Inter-Regular.ttf",
    "Inter SemiBold": "Inter-SemiBold.ttf",
}
CJK = {country: f"files/NotoSans{country}-Medium.ttf" for country in ("JP", "SC", "TC", "KR")}

# The languages whose letters one face has to have, in each type style. `-` and a script follows where CLDR's own is another.
LANGUAGES = (
    "as bn brx doi gu hi kn kok ks ks-Deva mai ml mni mni-Mtei mr ne or pa pa-Arab sa sat sd sd-Deva si ta te ur "
    "ar ckb fa he ps ug "
    "km lo my th "
    "am hy ka ti "
    "be bg el kk ky mk mn ru sr tg uk "
    "af ak az bm ca cs cy da de ee en es et eu ff fi fil fr ga ha haw hr hu id ig is it ku lg ln lt lv mg mi ms mt nb nl om pl pt ro rw sk "
    "so sq sv sw tk tr uz vi wo xh yo zu"
).split()
CLDR = "cldr-misc-full"

# Letters on which a mark of Latin has to stand, if a face is said to have the mark.
BASES = "aeiouAEIOU\u1eb9\u1ecd\u1eb8\u1ecc"
PACKAGES = "@expo-google-fonts"
MAGIC = b"faces 1\n"
COLUMNS = "face", "package", "version", "file", "sha256 of the file", "bytes", "deflated", "sha256 of the face"


def cut(face, file):
    """The bytes of `face`, cut from the font `file`."""
    font = TTFont(file, recalcTimestamp=False)
    # The same bytes whether HarfBuzz is there or not. Its tables are smaller, and larger when they are deflated.
    font.cfg["fontTools.ttLib.tables.otBase:USE_HARFBUZZ_REPACKER"] = False
    tables = [font[tag].table for tag in ("GSUB", "GPOS") if tag in font and font[tag].table.FeatureList]
    features = {record.FeatureTag for table in tables for record in table.FeatureList.FeatureRecord}
    options = Options()
    options.layout_features = sorted(features - {*ON_REQUEST, *face.dropped})
    options.hinting = False
    options.notdef_outline = True
    options.name_IDs = []
    options.drop_tables += ["STAT", "gasp", "vhea", "vmtx", "DSIG", "BASE", "meta"]
    options.glyph_names = False
    subsetter = Subsetter(options)
    wanted = characters(face.wanted) - characters(face.without)
    subsetter.populate(unicodes=wanted & set(font.getBestCmap()))
    subsetter.subset(font)
    chain_contexts(font)
    written = io.BytesIO()
    font.save(written)
    return written.getvalue()


def chain_contexts(font):
    """Writes each lookup of glyphs in context (type 5, in format 3) as one of a chain (type 6), which says the same. harfrust
    0.12 asks the first kind wrongly whether it would apply: the letters that Bengali writes below others stayed beside them."""
    lookups = font["GSUB"].table.LookupList.Lookup if "GSUB" in font and font["GSUB"].table.LookupList else []
    for lookup in lookups:
        if lookup.LookupType == 5 and all(context.Format == 3 for context in lookup.SubTable):
            lookup.SubTable = [chain(context) for context in lookup.SubTable]
            lookup.LookupType = 6


def chain(context):
    chain = otTables.ChainContextSubst()
    chain.Format = 3
    chain.BacktrackCoverage, chain.LookAheadCoverage = [], []
    chain.InputCoverage = context.Coverage
    chain.SubstLookupRecord = context.SubstLookupRecord
    return chain


def covered(font):
    """The characters that `font` draws. A mark that it cannot place does not count: it would stand beside its letter."""
    glyphs = font.getBestCmap()
    bases = {}
    stacked = set()
    for lookup in font["GPOS"].table.LookupList.Lookup if "GPOS" in font else ():
        for part in lookup.SubTable:
            part = getattr(part, "ExtSubTable", part)
            if type(part).__name__ in ("MarkBasePos", "MarkLigPos"):
                below = getattr(part, "BaseCoverage", None) or part.LigatureCoverage
                for mark in part.MarkCoverage.glyphs:
                    bases.setdefault(mark, set()).update(below.glyphs)
            elif type(part).__name__ == "MarkMarkPos":
                stacked |= set(part.Mark1Coverage.glyphs)
    letters = {glyphs[ord(letter)] for letter in BASES if ord(letter) in glyphs}

    def is_placed(character):
        glyph = glyphs[character]
        if unicodedata.category(chr(character)) != "Mn":
            return True
        if 0x300 <= character < 0x370:
            return letters <= bases.get(glyph, set())
        # Marks of India and Southeast Asia are placed in more ways than these.
        return glyph in bases or glyph in stacked or not 0x483 <= character < 0x800

    return sorted(filter(is_placed, glyphs))


def ranges(numbers):
    found = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def constant(name, data, covered):
    """The constant of a face in coverage.rs."""
    return (
        f"pub(super) const {name.upper().replace(' ', '_')}: Contents = Contents {{\n"
        f"    name: \"{name}\",\n    length: {len(data)},\n"
        f"    crc: 0x{zlib.crc32(data):08x},\n    covered: {covered},\n}};\n"
    )


def coverage(faces, folder):
    """The text of coverage.rs; `faces` are the packed ones, by name."""
    constants = []
    files = {name: read(os.path.join(folder, file)) for name, file in OTHERS.items()}
    for name, data in sorted({**faces, **files}.items()):
        pairs = [f"(0x{first:x}, 0x{last:x})" for first, last in ranges(covered(TTFont(io.BytesIO(data))))]
        rows = [", ".join(pairs[start : start + 4]) for start in range(0, len(pairs), 4)]
        listed = "".join(f"        {row},\n" for row in rows)
        constants.append(constant(name, data, f"Covered::Ranges(&[\n{listed}    ])"))
    for number, (country, file) in enumerate(CJK.items()):
        font = read(os.path.join(folder, file))
        constants.append(constant(f"Noto Sans {country}", font, f"Covered::Bits({number})"))
    return (
        "//! What each face covers, and how its bytes are known again. Written by `subset_scripts.py`.\n\n"
        "use super::row::{Contents, Covered};\n\n"
        + "\n".join(f"#[rustfmt::skip]\n{text}" for text in constants)
    )


def pack(faces):
    """The bytes of the pack; `faces` are bytes by name."""
    offset = len(MAGIC) + 4 + 60 * len(faces)
    rows = b""
    for name, data in faces.items():
        rows += struct.pack("<48sIII", name.encode(), offset, len(data), zlib.crc32(data))
        offset += len(data)
    return MAGIC + struct.pack("<I", len(faces)) + rows + b"".join(faces.values())


def letters(packages, language):
    """The letters of a language: CLDR's main exemplars, composed."""
    path = glob.glob(os.path.join(packages, f"{CLDR}*", "main", language, "characters.json"))[0]
    with open(path, encoding="utf-8") as file:
        exemplars = json.load(file)["main"][language]["characters"]["exemplarCharacters"][1:-1]
    found, before = set(), None
    tokens = iter(re.findall(r"\\u[0-9A-Fa-f]{4}|\\.|[^ ]", exemplars))
    for token in tokens:
        if token in "{}":
            before = None
        elif token == "-" and before:
            after = next(tokens)
            last = chr(int(after[2:], 16)) if after.startswith("\\u") else after[-1]
            found |= {chr(code) for code in range(ord(before), ord(last) + 1)}
            before = None
        else:
            before = chr(int(token[2:], 16)) if token.startswith("\\u") else token[-1]
            found.add(before)
    composed = {code for letter in found for code in unicodedata.normalize("NFC", letter)}
    return "".join(sorted(code for code in composed if unicodedata.category(code) != "Cf"))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def source(packages, face):
    """The version of the unpacked package of `face`, and the path of its font."""
    for manifest in sorted(glob.glob(os.path.join(packages, "**", "package.json"), recursive=True)):
        with open(manifest, encoding="utf-8") as file:
            found = json.load(file)
        if found.get("name") == f"{PACKAGES}/{face.package}":
            folder = os.path.dirname(manifest)
            fonts = glob.glob(os.path.join(folder, "**", f"{face.file}.ttf"), recursive=True)
            return found["version"], fonts[0]
    raise SystemExit(f"the package {PACKAGES}/{face.package} is not in {packages}")


def notices(files, folder):
    """Whose the packed fonts are, by the fonts themselves, and the licence that all of them have."""
    found = set()
    for file in files:
        names = TTFont(file)["name"]
        family = names.getDebugName(16) or names.getDebugName(1)
        found.add(f"{family}: {' '.join(names.getDebugName(0).split())}")
        licence = f"{names.getDebugName(13)} {names.getDebugName(14)}"
        if "Open Font License" not in licence and "OFL" not in licence:
            raise SystemExit(f"{file} has another licence: {licence}")
    with open(os.path.join(folder, "OFL-Inter.txt"), encoding="utf-8") as file:
        _, start, licence = file.read().partition("This Font Software is licensed")
    return "\n".join(sorted(found)) + f"\n\n{start}{licence}"


def main(packages, folder):
    faces, rows, files = {}, ["\t".join(COLUMNS)], []
    for face in FACES:
        version, file = source(packages, face)
        data = cut(face, file)
        faces[face.name] = data
        files.append(file)
        sizes = str(len(data)), str(len(zlib.compress(data, 9)))
        rows.append("\t".join((face.name, f"{PACKAGES}/{face.package}", version, f"{face.file}.ttf", sha256(read(file)), *sizes, sha256(data))))
    for path, text in (
        ("scripts.tsv", "\n".join(rows) + "\n"),
        ("languages.tsv", "".join(f"{language}\t{letters(packages, language)}\n" for language in LANGUAGES)),
        ("files/OFL-scripts.txt", notices(files, folder)),
        ("../src/fonts/coverage.rs", coverage(faces, folder)),
    ):
        with open(os.path.join(folder, path), "w", encoding="utf-8", newline="\n") as written:
            written.write(text)
    with open(os.path.join(folder, "files/scripts.pack"), "wb") as written:
        written.write(pack(faces))


if __name__ == "__main__":
    main(*sys.argv[1:])
