"""Lists the slowest tests of a run: `python tests/slowest.py target/nextest/default/junit.xml`."""

import sys
import xml.etree.ElementTree as ElementTree

MOST = 20

suites = ElementTree.parse(sys.argv[1]).getroot()
cases = [
    (float(case.get("time")), suite.get("name"), case.get("name"))
    for suite in suites.iter("testsuite")
    for case in suite.iter("testcase")
]
cases.sort(reverse=True)
total = sum(seconds for seconds, _, _ in cases)
print(f"{len(cases)} tests, {total:.0f} s one after the other, {float(suites.get('time')):.0f} s side by side. The slowest:")
for seconds, suite, name in cases[:MOST]:
    print(f"{seconds:8.1f} s  {suite}  {name}")
