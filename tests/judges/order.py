"""FriBidi judges the order: the levels of UAX 9, and that our clusters stand in the order that the
levels ask for. The canvas has the levels of parley's engine."""

import subprocess
import unicodedata

BASES = {"auto": [], "rtl": ["--rtl"], "ltr": ["--ltr"]}


def judge(texts, program="fribidi"):
    """Yields (text, what differs) for each text in which anything does."""
    for text, levels in zip(texts, levels_of(texts, program)):
        problems = differences(text, levels)
        if problems:
            yield text, problems


def levels_of(texts, program):
    """The level of each character of each text."""
    levels = [None] * len(texts)
    for base, option in BASES.items():
        numbers = [number for number, text in enumerate(texts) if text.base == base]
        # A line for each paragraph.
        paragraphs = "".join(f"{texts[number].text}\n" for number in numbers)
        command = [program, "--charset", "UTF-8", "--nopad", "--nobreak", "--novisual", "--levels"]
        output = subprocess.run(
            command + option, input=paragraphs, capture_output=True, text=True, check=True,
        ).stdout
        lines = [line.split() for line in output.splitlines() if line.strip()]
        assert len(lines) == len(numbers), "FriBidi has a line of levels for each text"
        for number, line in zip(numbers, lines):
            levels[number] = [int(level) for level in line]
    return levels


def differences(text, levels):
    at = {}
    offset = 0
    for c, level in zip(text.text, levels):
        at[offset] = level
        offset += len(c.encode())
    problems = []
    for line in text.lines:
        # What is not drawn has no place: FriBidi gives such marks the level of their neighbours.
        shown = [cluster for cluster in line if not is_mark(text.of(cluster))]
        for cluster in shown:
            theirs = at[cluster.start]
            if cluster.level != theirs:
                problems.append(
                    f"{text.of(cluster)!r} has level {cluster.level}, FriBidi has {theirs}"
                )
        logical = sorted(shown, key=lambda cluster: cluster.start)
        expected = visual([(cluster.start, at[cluster.start]) for cluster in logical])
        ours = [cluster.start for cluster in sorted(shown, key=lambda cluster: cluster.x)]
        if ours != expected:
            problems.append(f"the order is {words(text, ours)}, not {words(text, expected)}")
    return problems


def is_mark(text):
    return all(unicodedata.category(c) == "Cf" for c in text)


def words(text, starts):
    by_start = {cluster.start: text.of(cluster) for cluster in text.clusters}
    return "|".join(by_start[start] for start in starts)


def visual(clusters):
    """Rule L2: from the highest level to the lowest odd one, reverse what is at it or higher."""
    order = list(clusters)
    for level in range(max((level for _, level in order), default=0), 0, -1):
        begin = 0
        while begin < len(order):
            end = begin
            while end < len(order) and order[end][1] >= level:
                end += 1
            order[begin:end] = reversed(order[begin:end])
            begin = max(end, begin + 1)
    return [start for start, _ in order]
