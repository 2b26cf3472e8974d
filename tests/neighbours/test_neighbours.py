"""What other teams generate from the contract, and what they check events with: `make neighbours`.

Each tool is installed, at its pinned version, in NEIGHBOURS (target/neighbours). What is generated
lies there too, in `work`.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

from cases import cases, filled, grows, kind, nodes, replaced

HERE = pathlib.Path(__file__).resolve().parent
EVENTS = HERE.parents[1] / "events"
INSTALLED = pathlib.Path(os.environ["NEIGHBOURS"]).resolve()
WORK = INSTALLED / "work"
WORK.mkdir(parents=True, exist_ok=True)
GO = INSTALLED / "go"
JARS = f"{INSTALLED}/java/jars/*"
PYTHON = INSTALLED / "python/bin/python"
ENVELOPE = EVENTS / "cloudevent.schema.json"
# A produced event with its envelope, as the example of the envelope's schema.
ENVELOPED = EVENTS / "eventzr.studio.render-job.failed.v1/example.json"
# The Java type of numbers that may be large, and of sets that may grow.
FIELDS = dict.fromkeys(("version", "revision", "durationMs", "creditsUsed", "lengthMs"), "Long")
FIELDS |= dict.fromkeys(("failure", "kind"), "String")


def read(path: pathlib.Path):
    return json.loads(path.read_text(encoding="utf-8"))


def run(*command, cwd=WORK) -> str:
    """What a command prints; the test fails with what it says, if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=os.environ | {"GOFLAGS": "-mod=readonly -buildvcs=false", "GOTOOLCHAIN": "local"},
    )
    if done.returncode != 0:
        said = (done.stderr + done.stdout)[:6000]
        raise AssertionError(f"{command[:3]} ended with {done.returncode}:\n{said}")
    return done.stdout


def schemas() -> list[tuple[str, dict, object]]:
    """The name, the schema and the example of all that we read and publish."""
    found = [("cloudevent", read(ENVELOPE), read(ENVELOPED))]
    for path in sorted(EVENTS.glob("*/schema.json")):
        example = read(path.parent / "example.json")
        found.append((path.parent.name, read(path), example.get("data", example)))
    return found


def package(name: str) -> str:
    """A name that is one in each of the four languages."""
    return re.sub(r"[^a-z0-9]", "", name.removeprefix("eventzr."))


def type_name(title: str) -> str:
    """What generators make of a title."""
    return "".join(word[0].upper() + word[1:] for word in re.findall(r"\w+", title))


def of_next_year(schema: dict, whole):
    """The value as a later version may publish it: with new fields, and values of open sets."""
    places = list(nodes(schema, schema, whole))
    # Inner places first, so that an outer one keeps what was changed in it.
    for path, node, _ in reversed(places):
        if grows(node):
            whole = replaced(whole, path, "of-next-year")
    for path, node, _ in reversed(places):
        if kind(node) == "object" and "properties" in node:
            now = whole
            for part in path:
                now = now[part]
            whole = replaced(whole, path, now | {"ofNextYear": {"a": [1]}})
    return whole


def trips() -> list[dict]:
    """For each schema the texts that its generated type reads and writes."""
    found = []
    for name, schema, example in schemas():
        whole = filled(schema, schema, example)
        required = schema["required"][0]
        texts = [example, whole]
        if name.startswith("eventzr.studio.") or name == "cloudevent":
            texts.append(of_next_year(schema, whole))
        found.append(
            {
                "package": package(name),
                "type": type_name(schema["title"]),
                "schema": schema,
                "texts": [json.dumps(text, ensure_ascii=False) for text in texts],
                # What is left of each text where a language drops what it does not know.
                "known": [json.dumps(known(schema, text), ensure_ascii=False) for text in texts],
                "without": json.dumps({k: v for k, v in example.items() if k != required}),
                "fields": {k: v for k, v in FIELDS.items() if k in schema["properties"]},
            }
        )
    return found


def known(schema: dict, value):
    """The value without the fields that its schema does not have."""
    for path, node, _ in list(nodes(schema, schema, value)):
        if kind(node) == "object" and "properties" in node:
            now = value
            for part in path:
                now = now[part]
            value = replaced(value, path, {k: v for k, v in now.items() if k in node["properties"]})
    return value


class Validators(unittest.TestCase):
    """Validators of four languages say of each case what the schemas say."""

    @classmethod
    def setUpClass(cls):
        cls.cases = [
            {"name": name, "schema": schema, "cases": cases(schema, example)}
            for name, schema, example in schemas()
        ]
        cls.file = WORK / "cases.json"
        cls.file.write_text(json.dumps(cls.cases), encoding="utf-8")

    def agrees(self, *command, cwd=WORK):
        verdicts = json.loads(run(*command, self.file, cwd=cwd))
        self.assertEqual(len(verdicts), len(self.cases))
        wrong = [
            (entry["name"], case["where"], "refused" if case["valid"] else "taken", case["json"])
            for entry, of in zip(self.cases, verdicts, strict=True)
            for case, verdict in zip(entry["cases"], of, strict=True)
            if verdict != case["valid"]
        ]
        self.assertEqual(wrong[:10], [], f"{len(wrong)} cases")

    def test_there_are_cases_of_both_kinds_for_each_schema(self):
        for entry in self.cases:
            valid = [case["valid"] for case in entry["cases"]]
            self.assertGreater(valid.count(True), 10, entry["name"])
            self.assertGreater(valid.count(False), 10, entry["name"])

    def test_ajv_in_strict_mode(self):
        self.agrees("node", INSTALLED / "node/validate.mjs")

    def test_jsonschema_for_python(self):
        self.agrees(PYTHON, HERE / "python/validate.py")

    def test_networknt_for_java(self):
        self.agrees("java", "-cp", JARS, HERE / "java/Validate.java")

    def test_santhosh_tekuri_for_go(self):
        self.agrees("go", "run", "./validate", cwd=GO)


class Types(unittest.TestCase):
    """Generated types compile, and read and write every example, and what a later version sends."""

    @classmethod
    def setUpClass(cls):
        cls.trips = trips()
        for language in ("typescript", "python", "java", "classes"):
            shutil.rmtree(WORK / language, ignore_errors=True)
            (WORK / language).mkdir(parents=True)
        cls.file = WORK / "trips.json"
        cls.file.write_text(json.dumps(cls.trips), encoding="utf-8")

    def test_typescript_by_json_schema_to_typescript(self):
        folder = WORK / "typescript"
        run("node", INSTALLED / "node/generate.mjs", self.file, folder)
        tsc = INSTALLED / "node/node_modules/typescript/bin/tsc"
        run("node", tsc, "--strict", "--noEmit", "--module", "nodenext", folder / "uses.ts")

    def test_python_by_datamodel_code_generator(self):
        folder = WORK / "python"
        for trip in self.trips:
            schema = WORK / "schema.json"
            schema.write_text(json.dumps(trip["schema"]), encoding="utf-8")
            run(
                *(INSTALLED / "python/bin/datamodel-codegen", "--input", schema),
                *("--input-file-type", "jsonschema", "--output", folder / f"{trip['package']}.py"),
                *("--output-model-type", "pydantic_v2.BaseModel", "--formatters", "builtin"),
                *("--class-name", trip["type"], "--extra-fields", "allow"),
            )
        run(PYTHON, HERE / "python/roundtrip.py", self.file, folder)

    def test_java_by_jsonschema2pojo(self):
        folder, classes = WORK / "java", WORK / "classes"
        run("java", "-cp", JARS, HERE / "java/Generate.java", self.file, folder)
        sources = [*folder.rglob("*.java"), HERE / "java/RoundTrip.java"]
        run("javac", "-encoding", "UTF-8", "-nowarn", "-cp", JARS, "-d", classes, *sources)
        run("java", "-cp", f"{JARS}{os.pathsep}{classes}", "RoundTrip", self.file)

    def test_go_by_go_jsonschema(self):
        types, main = GO / "types", GO / "roundtrip/main.go"
        shutil.rmtree(types, ignore_errors=True)
        calls, imports = [], []
        for trip in self.trips:
            schema = WORK / "schema.json"
            schema.write_text(json.dumps(trip["schema"]), encoding="utf-8")
            name = trip["package"]
            out = types / name / "types.go"
            out.parent.mkdir(parents=True)
            command = ("go", "tool", "go-jsonschema", "--struct-name-from-title", "--tags", "json")
            run(*command, "--package", name, "--output", out, schema, cwd=GO)
            imports.append(f'\t"eventzr.example/neighbours/types/{name}"')
            for text, known in zip(trip["texts"], trip["known"], strict=True):
                arguments = ", ".join(json.dumps(part) for part in (name, text, known))
                calls.append(f"\t\tneighbours.Trip[{name}.{trip['type']}]({arguments}),")
        main.parent.mkdir(exist_ok=True)
        main.write_text(
            "\n".join(
                [
                    "package main",
                    'import (\n\t"errors"\n\t"log"\n\t"eventzr.example/neighbours"',
                    *imports,
                    ")\nfunc main() {\n\tif err := errors.Join(",
                    *calls,
                    "\t); err != nil {\n\t\tlog.Fatal(err)\n\t}\n}\n",
                ]
            ),
            encoding="utf-8",
        )
        run("go", "run", "./roundtrip", cwd=GO)

    def test_modelina_makes_a_named_model_of_each_type(self):
        names = json.loads(run("node", INSTALLED / "node/models.mjs", EVENTS / "asyncapi.yaml"))
        self.assertEqual([name for name in names if re.match("Anonymous|Root", name)], [])
        for name, schema, _ in schemas():
            if name.startswith("eventzr."):
                self.assertIn(type_name(schema["title"]), names)
        self.assertEqual(len(names), len(set(names)))


class Linters(unittest.TestCase):
    def test_spectral_has_nothing_to_say_of_the_contract(self):
        spectral = INSTALLED / "node/node_modules/@stoplight/spectral-cli/dist/index.js"
        arguments = ("--fail-severity=hint", "--ruleset", HERE / "spectral.yaml")
        run("node", spectral, "lint", *arguments, EVENTS / "asyncapi.yaml")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
