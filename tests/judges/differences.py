"""The differences that are argued in differences.json.

Each has a `judge`, what it is about (any of `text`, `locale`, `face`, `problem`: what a problem
contains), who is `right`, and `why`. One that no longer differs is stale, and fails."""

import json
from pathlib import Path

FILE = Path(__file__).parent / "differences.json"
RIGHT = {"canvas", "judge", "both"}


def read(path=FILE):
    argued = json.loads(path.read_text(encoding="utf-8"))
    for entry in argued:
        unknown = set(entry) - {"judge", "text", "locale", "face", "problem", "right", "why"}
        assert not unknown, f"{unknown} is no part of a difference"
        assert entry["right"] in RIGHT and entry["why"], entry
    return argued


def argues(entry, text, problem):
    return (
        entry.get("text", "") in text.text
        and entry.get("locale", text.locale) == text.locale
        and (not entry.get("face") or any(c.face == entry["face"] for c in text.clusters))
        and entry.get("problem", "") in problem
    )


def settle(judge, found, argued):
    """The problems that nothing argues, as (text, problems), how many are argued, and the entries
    for `judge` that are stale."""
    entries = [entry for entry in argued if entry["judge"] == judge]
    used = [False] * len(entries)
    open_, settled = [], 0
    for text, problems in found:
        left = []
        for problem in problems:
            of = [number for number, entry in enumerate(entries) if argues(entry, text, problem)]
            for number in of:
                used[number] = True
            if of:
                settled += 1
            else:
                left.append(problem)
        if left:
            open_.append((text, left))
    stale = [entry for entry, is_used in zip(entries, used) if not is_used]
    return open_, settled, stale
