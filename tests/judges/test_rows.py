"""Each row of rows.md names a test that is there."""

import re
import unittest
from pathlib import Path

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / "shared"


def rows():
    lines = (HERE / "rows.md").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("| ") and "| test |" not in line]


class Rows(unittest.TestCase):
    def test_each_row_names_a_test_that_is_there(self):
        for row in rows():
            with self.subTest(row):
                name = re.search(r"`([\w/]+\.rs)::(\w+)` \|$", row)
                self.assertIsNotNone(name, "a row ends in the file and the name of its test")
                source = (SHARED / name[1]).read_text(encoding="utf-8")
                found = re.search(rf"#\[test\]\n( *#\[.*\]\n)* *fn {name[2]}\(\)", source)
                self.assertIsNotNone(found, f"{name[1]} has no test {name[2]}")

    def test_no_row_is_lost(self):
        self.assertGreaterEqual(len(rows()), 56)


if __name__ == "__main__":
    unittest.main()
