"""Subsets the built-in fonts of this folder from the packages that README.md names."""

import glob
import os
import sys
import tempfile

from fontTools import subset
from fontTools.merge import Merger
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

LATIN = (
    "20-7E,A0-17F,18F,192,1A0-1A1,1AF-1B0,1CD-1DC,1E6-1E7,1EA-1EB,1F4-1F5,1FC-1FF,200-21B,22A-22D,230-233,237,259,2B0-2FF,"
    "300-304,306-30C,30F,311,31B,323-328,32E,331,1E00-1EFF,2000-200F,2010-2015,2018-2022,2026,2030,2032-2033,2039-203A,"
    "203C,2044,2070-208E,20A0-20BF,2113,2116,2117,2120,2122,212E,2190-2193,2196-2199,2212,2215,2219,221A,221E,2248,2260,"
    "2264-2265,25A0-25A1,25B2,25B6,25BC,25C0,25CA,25CB,25CF,2605-2606,2660,2663,2665,2666,2713,FB01-FB02,FEFF,25CC"
)
# Digits and punctuation. A word keeps one face with what is attached to it, so the face of a script has them too.
SHARED = "20-3B,3D,3F,40,5B,5D,5F,A0,AB,B7,BB,2010-2014,2018-2019,201C-201D,2022,2026,20B9"
ALL_GREEK_AND_CYRILLIC = "370-3FF,1F00-1FFF,400-52F,2DE0-2DFF"
FEATURES = "ccmp locl liga rlig calt clig kern mark mkmk".split()


def characters(ranges):
    found = set()
    for part in filter(None, ranges.split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first, 16), int(last or first, 16) + 1))
    return found


def instance(parts, axes):
    """One instance of a variable font whose characters come in several files."""
    with tempfile.TemporaryDirectory() as folder:
        cut = []
        for number, part in enumerate(parts):
            font = instancer.instantiateVariableFont(TTFont(part), axes)
            font.flavor = None
            for table in ("STAT", "DSIG"):
                if table in font:
                    del font[table]
            cut.append(os.path.join(folder, f"{number}.ttf"))
            font.save(cut[-1])
        return Merger().merge(cut)


def write(font, path, wanted, features=FEATURES):
    options = subset.Options()
    options.layout_features = features
    options.hinting = False
    options.notdef_outline = True
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.drop_tables += ["STAT", "gasp", "vhea", "vmtx", "DSIG", "BASE"]
    options.glyph_names = False
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=wanted)
    subsetter.subset(font)
    font.save(path)
    print(os.path.basename(path), os.path.getsize(path), "bytes")


def main(packages, out):
    def one(pattern):
        return glob.glob(os.path.join(packages, "**", pattern), recursive=True)[0]

    def variable(name, kind):
        return [one(f"{name}-{part}-{kind}-normal.woff2") for part in ("latin", "latin-ext", "vietnamese")]

    def to(name):
        return os.path.join(out, name)

    latin = characters(LATIN)
    fraunces = {"opsz": 144, "wght": 480, "SOFT": 30, "WONK": 0}
    bricolage = {"opsz": 96, "wght": 800, "wdth": 88}
    write(instance(variable("fraunces", "full"), fraunces), to("Fraunces-Display.ttf"), latin)
    write(instance(variable("bricolage-grotesque", "standard"), bricolage), to("BricolageGrotesque-ExtraBold.ttf"), latin)
    for source, name, wanted in (
        ("Inter_400Regular.ttf", "Inter-Regular.ttf", f"{LATIN},{ALL_GREEK_AND_CYRILLIC}"),
        ("Inter_600SemiBold.ttf", "Inter-SemiBold.ttf", f"{LATIN},{ALL_GREEK_AND_CYRILLIC}"),
        ("InterTight_800ExtraBold.ttf", "InterTight-ExtraBold.ttf", f"{SHARED},2BC,{ALL_GREEK_AND_CYRILLIC}"),
    ):
        write(TTFont(one(source), recalcTimestamp=False), to(name), characters(wanted))


if __name__ == "__main__":
    main(*sys.argv[1:])
