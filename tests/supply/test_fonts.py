"""The pack of fonts: that it is what its table says, and that its packages make it again."""

import hashlib
import importlib.util
import os
import pathlib
import re
import struct
import sys
import unittest
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
FONTS = ROOT / "shared/canvas/fonts"
COVERAGE = ROOT / "shared/canvas/src/fonts/coverage.rs"
TABLE = ROOT / "shared/canvas/src/fonts/table.rs"
# A folder with the unpacked packages of scripts.tsv, as the README of the fonts says.
PACKAGES = "FONT_PACKAGES"


def listed() -> list[dict[str, str]]:
    """The rows of scripts.tsv by the names of its columns."""
    heading, *rows = (FONTS / "scripts.tsv").read_text().splitlines()
    return [dict(zip(heading.split("\t"), row.split("\t"), strict=True)) for row in rows]


def packed() -> dict[str, bytes]:
    """The faces of the pack by name."""
    pack = (FONTS / "files/scripts.pack").read_bytes()
    magic, count = struct.unpack_from("<8sI", pack)
    if magic != b"faces 1\n":
        raise AssertionError(f"another form of pack: {magic}")
    faces = {}
    for number in range(count):
        name, offset, length, crc = struct.unpack_from("<48sIII", pack, 12 + 60 * number)
        face = pack[offset : offset + length]
        if len(face) != length or zlib.crc32(face) != crc:
            raise AssertionError(f"{name} is damaged")
        faces[name.rstrip(b"\0").decode()] = face
    return faces


class Pack(unittest.TestCase):
    def test_the_pack_holds_the_faces_of_its_table_with_their_sums(self):
        faces = packed()
        self.assertEqual(list(faces), [row["face"] for row in listed()])
        for row in listed():
            with self.subTest(row["face"]):
                face = faces[row["face"]]
                self.assertEqual(hashlib.sha256(face).hexdigest(), row["sha256 of the face"])
                self.assertEqual(len(face), int(row["bytes"]))

    def test_the_canvas_knows_each_face_by_its_length_and_sum(self):
        pattern = r'name: "(.+)",\n    length: (\d+),\n    crc: 0x([0-9a-f]{8})'
        known = {
            name: (int(length), int(crc, 16))
            for name, length, crc in re.findall(pattern, COVERAGE.read_text())
        }
        for name, face in packed().items():
            self.assertEqual(known[name], (len(face), zlib.crc32(face)), name)
        files = [file.read_bytes() for file in FONTS.glob("**/*.ttf")]
        sums = {(len(data), zlib.crc32(data)) for data in files}
        others = {values for name, values in known.items() if name not in packed()}
        self.assertEqual(others, sums)

    def test_each_packed_face_is_in_the_canvas_table(self):
        table = re.findall(r"packed\(&coverage::([A-Z0-9_]+),", TABLE.read_text())
        names = [name.upper().replace(" ", "_") for name in packed()]
        self.assertEqual(sorted(table), sorted(names))

    def test_the_licences_name_each_family(self):
        named = (FONTS / "files/OFL-scripts.txt").read_text()
        notices = named.partition("\n\n")[0].splitlines()
        families = [notice.partition(": Copyright")[0] for notice in notices]
        for name in packed():
            with self.subTest(name):
                self.assertTrue(any(name.startswith(family) for family in families))
        self.assertIn("SIL OPEN FONT LICENSE Version 1.1", named)


@unittest.skipUnless(
    PACKAGES in os.environ and importlib.util.find_spec("fontTools"),
    f"needs fontTools and {PACKAGES}=<the unpacked packages>: shared/canvas/fonts/README.md",
)
class Remade(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        sys.path.insert(0, str(FONTS))
        import subset_scripts

        cls.script = subset_scripts

    def test_each_source_has_the_version_and_the_sum_of_the_table(self):
        for row in listed():
            face = next(face for face in self.script.FACES if face.name == row["face"])
            version, file = self.script.source(os.environ[PACKAGES], face)
            with self.subTest(row["face"]):
                self.assertEqual(version, row["version"])
                found = hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest()
                self.assertEqual(found, row["sha256 of the file"])

    def test_a_face_that_is_cut_again_has_the_same_bytes(self):
        # One with conjuncts, one with joined letters and one with marks on both sides.
        for name in ("Noto Sans Tamil Medium", "Vazirmatn ExtraBold", "Noto Sans Hebrew Medium"):
            face = next(face for face in self.script.FACES if face.name == name)
            _, file = self.script.source(os.environ[PACKAGES], face)
            with self.subTest(name):
                self.assertEqual(self.script.cut(face, file), packed()[name])

    def test_the_coverage_and_the_pack_are_those_that_the_script_writes(self):
        faces = packed()
        self.assertEqual(self.script.coverage(faces, str(FONTS)), COVERAGE.read_text())
        pack = (FONTS / "files/scripts.pack").read_bytes()
        self.assertTrue(self.script.pack(faces) == pack, "another order or form")


if __name__ == "__main__":
    unittest.main()
