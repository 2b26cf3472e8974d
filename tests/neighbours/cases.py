"""Values that a schema takes and values that it refuses, derived from the schema and its example."""

import copy
import json
import re

# Strings at which regular expressions of different languages might part: controls, white space
# beyond ASCII, what only looks like white space, and what a colour, a language or an object of S3
# is not.
STRINGS = (
    "\u0000", "a\u0007b", "\u007f", "\u0085", "\u009f", " ", "\t", "\u00a0", "\u1680", "\u2005",
    "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\u2003\u3000 ", "\ufeff", "\u200b", "a\nb",
    "a b", "é", "ह", "🎉", "#12345", "#1b3a57", "#1B3A5G", "en", "ZH-hant-tw", "english", "en_IN",
    "s3://B/x", "s3://brands/acme/logo.png", "s3://b/x", "s3://brands/a\u0085b", "\\", "$", "^",
    "evt-550e8400-e29b-41d4-a716-446655440000", "evt-550E8400-E29B-41D4-A716-446655440000",
    "2026-12-19T18:30:00.000Z", "2026-12-19T18:30:00Z",
)
OF_ANOTHER_TYPE = {"string": 7, "integer": "7", "boolean": "true", "object": [], "array": {}}
# What has the format, and what has not. (A space for the T is not here: RFC 3339 leaves it to the
# reader, and so do the validators.)
FORMATS = {
    "date-time": (
        ["2026-12-19T18:30:00+05:30", "2026-12-19T13:00:00Z", "2026-12-19T13:00:00.123456789Z"],
        ["tomorrow", "2026-12-19T18:30:00", "2026-12-19", "2026-13-19T18:30:00Z"],
    ),
    "uri": (["https://assets.example.com/a%20b.png"], ["no uri", "//without/a/scheme"]),
}


def resolved(root: dict, node: dict) -> dict:
    """The node with what it refers to; what stands beside the reference holds, too."""
    if reference := node.get("$ref"):
        target = root
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
        return resolved(root, {**target, **{k: v for k, v in node.items() if k != "$ref"}})
    return node


def kind(node: dict) -> str:
    """The node's type; with null it may have two, ours first."""
    return node["type"] if isinstance(node["type"], str) else node["type"][0]


def grows(node: dict) -> bool:
    return node.get("$comment") == "x-may-grow"


def sample(root: dict, node: dict):
    """A value that the node takes."""
    node = resolved(root, node)
    if "const" in node:
        return node["const"]
    for known in ("examples", "enum"):
        if known in node:
            return node[known][0]
    match kind(node):
        case "object":
            return {name: sample(root, of) for name, of in node.get("properties", {}).items()}
        case "array":
            return [sample(root, node["items"])]
        case "integer":
            return node.get("minimum", 0)
        case "boolean":
            return True
        case "string":
            return FORMATS[node["format"]][0][0] if "format" in node else "en"
    raise ValueError(f"no value for {node}")


def filled(root: dict, node: dict, value):
    """The value with each field that it might have."""
    node = resolved(root, node)
    if isinstance(value, dict):
        fields = node.get("properties", {})
        missing = {name: sample(root, of) for name, of in fields.items() if name not in value}
        known = {n: filled(root, fields[n], v) if n in fields else v for n, v in value.items()}
        return known | missing
    if isinstance(value, list):
        return [filled(root, node["items"], item) for item in value]
    return value


def nodes(root: dict, node: dict, value, path: tuple = ()):
    """Each place of the value, with its node; of a list the first item."""
    node = resolved(root, node)
    yield path, node, value
    if isinstance(value, dict):
        for name, of in node.get("properties", {}).items():
            if name in value:
                yield from nodes(root, of, value[name], (*path, name))
    if isinstance(value, list) and value:
        yield from nodes(root, node["items"], value[0], (*path, 0))


def replaced(whole, path: tuple, value):
    """A copy of the whole with the value at the path."""
    if not path:
        return value
    whole = copy.deepcopy(whole)
    within = whole
    for part in path[:-1]:
        within = within[part]
    within[path[-1]] = value
    return whole


def takes(node: dict, text: str) -> bool:
    """Whether a node takes a string, by Python's own regular expressions."""
    if "enum" in node or "const" in node or "format" in node:
        return text in node.get("enum", [node.get("const")])
    fits = node.get("minLength", 0) <= len(text) <= node.get("maxLength", len(text))
    return fits and re.search(node.get("pattern", ""), text) is not None


def numbers(node: dict):
    least, most = node.get("minimum"), node.get("maximum")
    if least is not None:
        yield least, True
        yield least - 1, False
    if most is not None:
        yield most, True
        yield most + 1, False
    yield 1.5, False
    # A whole number, however a serializer writes it.
    yield 3.0, True


def lengths(node: dict):
    """Strings at the limits; characters are counted, not bytes."""
    least, most = node.get("minLength", 1), node.get("maxLength", 1)
    for length in (least - 1, most, most + 1):
        yield "x" * length
        yield "🎉" * length


def changes(node: dict, value):
    """Other values for a place, each with whether the place takes it."""
    yield OF_ANOTHER_TYPE[kind(node)], False
    yield None, "null" in node["type"]
    if kind(node) == "integer":
        yield from numbers(node)
    if kind(node) == "string":
        for text in (*STRINGS, *lengths(node), "of-next-year"):
            if "format" not in node:
                yield text, takes(node, text)
        good, bad = FORMATS.get(node.get("format"), ([], []))
        yield from ((text, True) for text in good)
        yield from ((text, False) for text in bad)
    if kind(node) == "array":
        yield [], node.get("minItems", 0) == 0
        if "maxItems" in node and not node.get("uniqueItems"):
            yield value * node["maxItems"], True
            yield value * (node["maxItems"] + 1), False
        if node.get("uniqueItems"):
            yield value * 2, False
    if kind(node) == "object":
        yield value | {"ofNextYear": {"a": [1]}}, node.get("additionalProperties") is not False
        for name in node.get("properties", {}):
            without = {key: field for key, field in value.items() if key != name}
            yield without, name not in node.get("required", [])


def cases(schema: dict, example) -> list[dict]:
    """Each case: where it differs from the example, its text, and whether the schema takes it."""
    whole = filled(schema, schema, example)
    found = [("the example", example, True), ("every field", whole, True)]
    for path, node, value in nodes(schema, schema, whole):
        where = ".".join(map(str, path)) or "the whole"
        for other, valid in changes(node, value):
            found.append((where, replaced(whole, path, other), valid))
    return [
        {"where": where, "json": json.dumps(value, ensure_ascii=False), "valid": valid}
        for where, value, valid in found
    ]
