"""Follows ARCHITECTURE.md's recipe for a consumed topic in a copy of the tree, for a topic that is
made up here, and checks that the copy compiles and passes its fast tests. Then it leaves out each
step once, and checks that the compiler or a test fails: so no step is silently forgotten.

    python tests/recipe.py            all of it
    python tests/recipe.py --quick    only the steps that a test of the contract finds

The copy is in target/recipe. It shares the target directory, so that dependencies are not built
again; it builds no binary there that has a name of ours.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
COPY = ROOT / "target/recipe"

# The topic is made up after a topic that exists. Its name begins as those of the studio's own.
NAMES = {
    "eventzr.event.published.v1": "eventzr.sponsor.announced.v1",
    "event-published": "sponsor-announced",
    "event_published": "sponsor_announced",
    "EventPublished": "SponsorAnnounced",
    "eventPublished": "sponsorAnnounced",
}
MODEL, TOPIC = "eventzr.event.published.v1", "eventzr.sponsor.announced.v1"


def renamed(text):
    for old, new in NAMES.items():
        text = text.replace(old, new)
    return text


class Tree:
    """The files of the repository with changes on top, which `write_to` puts on the disk."""

    def __init__(self):
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True,
        ).stdout.decode()
        self.files = sorted(path for path in listed.split("\0") if path and (ROOT / path).is_file())
        self.changed = {}

    def read(self, path):
        if path in self.changed:
            return self.changed[path]
        return (ROOT / path).read_bytes()

    def text(self, path):
        return self.read(path).decode(errors="surrogateescape")

    def change(self, path, text):
        is_text = isinstance(text, str)
        self.changed[path] = text.encode(errors="surrogateescape") if is_text else text

    def write_to(self, folder):
        """A file that is as it was keeps its time, so that cargo compiles only what changed."""
        expected = set(self.files) | set(self.changed)
        for path in sorted(expected):
            content, file = self.read(path), folder / path
            if not file.is_file() or file.read_bytes() != content:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
                file.chmod((ROOT / path).stat().st_mode if (ROOT / path).exists() else 0o644)
        for file in folder.rglob("*"):
            path = str(file.relative_to(folder))
            if file.is_file() and path not in expected and path != "Cargo.lock":
                file.unlink()


# ---- Edits: each puts a copy of what is about the model behind it, with the new names.

def insert(tree, path, pattern, copy=renamed, count=None):
    """Copies each part of a file that matches; `count` is how many there must be."""
    text = tree.text(path)
    parts = [match for match in re.finditer(pattern, text, re.MULTILINE)]
    assert parts and count in (None, len(parts)), f"{path}: {pattern} is there {len(parts)} times"
    for part in reversed(parts):
        text = text[: part.end()] + copy(part[0]) + text[part.end() :]
    tree.change(path, text)


def line(path, text, count=None, copy=renamed):
    """Copies each line that is `text`, but for its indentation."""
    return lambda tree: insert(tree, path, rf"^ *{re.escape(text)}\n", copy, count)


def replace(path, old, new):
    def edit(tree):
        text = tree.text(path)
        assert text.count(old) == 1, f"{path}: {old!r} is there {text.count(old)} times"
        tree.change(path, text.replace(old, new))
    return edit


def nth(path, pattern, number):
    """Copies the part of a file that is the `number`th to match."""
    def edit(tree):
        part = list(re.finditer(pattern, (ROOT / path).read_text(), re.MULTILINE))[number]
        text = tree.text(path)
        # The parts before may have been copied already.
        where = [match for match in re.finditer(re.escape(part[0]), text)]
        same = [match[0] for match in re.finditer(pattern, (ROOT / path).read_text(), re.MULTILINE)]
        end = where[same[:number].count(part[0])].end()
        tree.change(path, text[:end] + renamed(part[0]) + text[end:])
    return edit


def entry(path, indent, name):
    """Copies an entry of a YAML mapping."""
    pattern = rf"^ {{{indent}}}{name}:\n(?: {{{indent + 1},}}.*\n)+"
    return lambda tree: insert(tree, path, pattern, count=1)


def folder(old, new):
    def edit(tree):
        for path in [path for path in tree.files if path.startswith(f"{old}/")]:
            tree.change(new + path[len(old) :], renamed(tree.text(path)))
    return edit


def file(old, new):
    return lambda tree: tree.change(new, renamed(tree.text(old)))


def all_of(*edits):
    def edit(tree):
        for one in edits:
            one(tree)
    return edit


def ranked(text):
    """The made-up topic's facts win over all others'."""
    return renamed(text).replace("2", "9")


TEMPLATE = "infra/template.yaml"
METRIC = r"^ +- \{ Id: eventPublished.*\n(?: {12,}.*\n)+"
WIDGET = (
    r'^ +\["[^\]]*(?:"eventzr\.event\.published\.v1|studio-event-published-\$\{Stage\})"\],\n'
)
LOOK_FOR = (
    r'^ +- !Join\n +- ""\n +- - .*:topic/.*\n +- /eventzr\.event\.published\.v1\n(?= +- !Join)'
)
SCHEMAS = "shared/contract/tests/schemas.rs"
WORKLOAD = "tests/chaos/src/workload.rs"

STORY = next(str(path.relative_to(ROOT)) for path in (ROOT / "infra").rglob("story.rs"))
GALLERY = next(str(path.relative_to(ROOT)) for path in (ROOT / "infra").rglob("gallery.rs"))

SPONSOR = """
const SPONSOR: Kind = Kind {
    topic: Topic::SponsorAnnounced,
    source: "events-svc",
    id: "eventId",
    title: "title",
    description: "description",
    asset: "link-preview",
};
"""

# The commands that find a step that was left out. All are of the whole workspace: for one package,
# cargo would choose other features, and build the dependencies again.
CHECK = ["cargo", "check", "--offline", "--workspace", "--all-targets"]
TEST = ["cargo", "test", "--offline", "--workspace"]
PLACES = TEST + ["--test", "places"]
CONTRACT = PLACES + ["--test", "compatibility", "--test", "contract", "--test", "schemas"]
CORPUS = TEST + ["--test", "corpus"]
STORM = TEST + ["--lib", "workload"]


def steps(tree):
    """Every step: its name, the place that the recipe must name, the edit, and what finds it."""
    src = "shared/contract/src"
    listed = [
        ("the data type", "shared/contract/src/<topic>.rs", all_of(
            file(f"{src}/event_published.rs", f"{src}/sponsor_announced.rs"),
            line(f"{src}/lib.rs", "mod event_published;", 1),
            line(f"{src}/lib.rs", "pub use event_published::EventPublished;", 1),
        ), CHECK),
        ("the function", "functions/<topic>",
         folder("functions/event-published", "functions/sponsor-announced"), CHECK),
        ("the manifest's dependency", "Cargo.toml", line(
            "Cargo.toml", 'event-published = { path = "functions/event-published" }', 1),
         CHECK),
        ("the manifest's profile", "Cargo.toml", lambda tree: insert(
            tree, "Cargo.toml", r"^\[profile\.release\.package\.event-published\]\n.*\n", count=1),
         PLACES),
        ("the topic's name", "topic.rs", line(
            f"{src}/topic.rs", 'Self::EventPublished => "eventzr.event.published.v1",', 1),
         CHECK),
        ("the topic's consumer", "topic.rs", line(
            f"{src}/topic.rs", 'Self::EventPublished => Some("event-published"),', 1),
         CHECK),
        ("the kinds that are made", "made_for", lambda tree: insert(
            tree, f"{src}/asset_kind.rs", r"^ +Topic::EventPublished => &\[\n(?:.*,\n)+? +\],\n",
            count=1), CHECK),
        ("the rank", "rank", line(
            "shared/domain/src/entity.rs", "Topic::EventPublished => 2,", 1, ranked),
         CHECK),
        ("the types of the schemas", "schemas.rs", all_of(
            replace(SCHEMAS, " EventPublished,", " EventPublished, SponsorAnnounced,"),
            line(SCHEMAS, "Topic::EventPublished => inbound::<EventPublished>(example),", 1),
            line(SCHEMAS,
                 "Topic::EventPublished => envelope.data::<EventPublished>().is_err(),", 1),
            replace(SCHEMAS, "Topic::EventCreated | Topic::EventPublished =>",
                    "Topic::EventCreated | Topic::EventPublished | Topic::SponsorAnnounced =>"),
            lambda tree: insert(
                tree, SCHEMAS,
                r"^ +Topic::EventPublished => conforms\(topic, &EventPublished \{\n.*\n +\}\),\n",
                count=1),
        ), CHECK),
        ("the fuzzer's consumer", "fuzz", line(
            "fuzz/src/record.rs",
            "Topic::EventPublished => examine(topic, event_published::describe, payload),", 1),
         CHECK),
        ("the fuzzer's target", "fuzz", all_of(
            line("fuzz/Cargo.toml", "event-published.workspace = true", 1),
            lambda tree: insert(
                tree, "fuzz/src/data.rs",
                r"^/// As .*, for a published event\.\npub fn event_published(?:.*\n)+?\}\n\n",
                count=1),
            replace("fuzz/src/lib.rs", "event_published, voice_training}",
                    "event_published, sponsor_announced, voice_training}"),
            replace("fuzz/src/lib.rs", "(&str, Target); 9]", "(&str, Target); 10]"),
            line("fuzz/src/lib.rs", '("event-published", event_published),', 1),
        ), CORPUS),
        ("the fuzzer's corpus", "fuzz",
         folder("fuzz/corpus/event-published", "fuzz/corpus/sponsor-announced"), CORPUS),
        ("libFuzzer's target", "fuzz", file(
            "fuzz/libfuzzer/targets/event-published.rs",
            "fuzz/libfuzzer/targets/sponsor-announced.rs"), CORPUS),
        ("libFuzzer's manifest", "fuzz", lambda tree: insert(
            tree, "fuzz/libfuzzer/Cargo.toml",
            r'^\[\[bin\]\]\nname = "event-published"\n(?:.+\n)+\n', count=1), CORPUS),
        ("the demo's story", "story.rs", line(
            STORY, "| Topic::EventPublished", 1), CHECK),
        ("the demo's judgement", "foreseen.rs", all_of(
            line("infra/local/stack/Cargo.toml", "event-published.workspace = true", 1),
            line("infra/local/stack/src/demo/foreseen.rs",
                 "Topic::EventPublished => examine(topic, event_published::describe, batch),", 1),
        ), CHECK),
        ("the console's gallery", "gallery.rs", line(
            GALLERY, "| Topic::EventPublished", 1), CHECK),
        ("the storm's records", "workload.rs", all_of(
            replace(WORKLOAD, "\nconst CONTENT: Kind", SPONSOR + "\nconst CONTENT: Kind"),
            replace(WORKLOAD, "match chance.below(4) {", "match chance.below(5) {"),
            replace(WORKLOAD, "2 => seed.versions(&CAMPAIGN, size, chance, &mut expected),",
                    "2 => seed.versions(&CAMPAIGN, size, chance, &mut expected),\n"
                    "3 => seed.versions(&SPONSOR, size, chance, &mut expected),"),
            replace(WORKLOAD, "[of_event, of_campaign, of_content].concat()",
                    "let of_sponsor = seed.versions(&SPONSOR, size, chance, &mut expected);\n"
                    "[of_event, of_campaign, of_content, of_sponsor].concat()"),
        ), STORM),
        ("the schema", "events/<topic>/", file(
            f"events/{MODEL}/schema.json", f"events/{TOPIC}/schema.json"), CONTRACT),
        ("the example", "events/<topic>/", file(
            f"events/{MODEL}/example.json", f"events/{TOPIC}/example.json"), CONTRACT),
        ("the released schema", "events/released/", file(
            f"events/{MODEL}/schema.json", f"events/released/{TOPIC}.json"), CONTRACT),
        ("the trigger", "render-job.created", line(
            "events/eventzr.studio.render-job.created.v1/schema.json", f'"{MODEL}",', 1), CONTRACT),
        ("the batch", "make renew", lambda tree: tree.change(
            "events/lambda/sponsor-announced.json", renewed(tree)), PLACES),
        ("AsyncAPI's channel", "asyncapi.yaml", nth(
            "events/asyncapi.yaml", r"^  eventPublished:\n(?: {3,}.*\n)+", 0), PLACES),
        ("AsyncAPI's operation", "asyncapi.yaml", nth(
            "events/asyncapi.yaml", r"^  eventPublished:\n(?: {3,}.*\n)+", 1), PLACES),
        ("AsyncAPI's message", "asyncapi.yaml", entry(
            "events/asyncapi.yaml", 4, "eventPublished"), PLACES),
        ("the page about events", "events/README.md", lambda tree: insert(
            tree, "events/README.md", r"^\| \[`eventzr\.event\.published\.v1.*\n", count=1),
         PLACES),
        ("the page about batches", "events/lambda/README.md", lambda tree: insert(
            tree, "events/lambda/README.md", r"^\| `event-published\.json.*\n", count=1), PLACES),
        ("the README", "README.md", lambda tree: insert(
            tree, "README.md", r"^ eventzr\.event\.published\.v1 .*\n", count=1), PLACES),
    ]
    listed += [(f"the template: {name}", "template.yaml", edit, PLACES) for name, edit in [
        ("the function", lambda tree: insert(
            tree, TEMPLATE, r"^  EventPublishedFunction:\n(?:.+\n)+\n", count=1)),
        ("CONSUMERS", line(
            TEMPLATE, '- !Sub "eventzr.event.published.v1=${EventPublishedFunction}"', 1)),
        ("InvokeFunction", line(TEMPLATE, "- !GetAtt EventPublishedFunction.Arn", 1)),
        ("LookForTopics", lambda tree: insert(tree, TEMPLATE, LOOK_FOR, count=1)),
        ("the log group", entry(TEMPLATE, 2, "EventPublishedLogGroup")),
        ("the output", entry(TEMPLATE, 2, "EventPublishedFunctionName")),
        ("the longest duration", line(TEMPLATE, "eventPublished/90000,", 1)),
    ]]
    template = tree.text(TEMPLATE)
    for what, pattern in [("alarm metric", METRIC), ("metric of the dashboard", WIDGET)]:
        count = len(re.findall(pattern, template, re.MULTILINE))
        assert count > 5, f"{what}: {count}"
        listed += [
            (f"the template: {what} {number + 1} of {count}", "template.yaml",
             nth(TEMPLATE, pattern, number), PLACES)
            for number in range(count)
        ]
    return listed


VARIANT = """    /// A sponsor was announced; consumed.
    #[serde(rename = "eventzr.sponsor.announced.v1")]
    SponsorAnnounced,
"""


def renewed(tree):
    """What `make renew` makes of the topic's example, in the copy; the rest is written again."""
    tree.write_to(COPY)
    run(["python3", "events/renew.py"])
    return (COPY / "events/lambda/sponsor-announced.json").read_bytes()


def followed(without=None, batch=None):
    """The tree after all steps but one."""
    tree = Tree()
    variant = '    #[serde(rename = "eventzr.event.published.v1")]\n    EventPublished,\n'
    replace("shared/contract/src/topic.rs", variant, variant + VARIANT)(tree)
    for name, _, edit, _ in steps(tree):
        if name == without:
            continue
        if name == "the batch" and batch is not None:
            tree.change("events/lambda/sponsor-announced.json", batch)
        else:
            edit(tree)
    return tree


def run(command):
    shared = {"CARGO_TARGET_DIR": str(ROOT / "target"), "PROPTEST_RNG_SEED": "1"}
    environment = shared | os.environ
    ran = subprocess.run(command, cwd=COPY, env=environment, text=True, capture_output=True)
    return ran.returncode, ran.stdout + ran.stderr


def must_pass(command):
    print("  ", *command, flush=True)
    code, said = run(command)
    if code:
        sys.exit(f"{said}\nThe recipe was followed, and this fails: {' '.join(command)}")


def why(said):
    """The lines that say what was left out, in one."""
    found = re.search(r"^error.*\n.*|panicked at .*\n.*(?:\n +.*){0,4}", said, re.MULTILINE)
    return " ".join((found[0] if found else said[-300:]).split())[:300]


def main():
    quick = "--quick" in sys.argv[1:]
    COPY.mkdir(parents=True, exist_ok=True)
    page = (ROOT / "ARCHITECTURE.md").read_text()
    recipe = page.split("**A consumed topic**")[1].split("\n**")[0]
    everything = steps(Tree())
    unnamed = sorted({place for _, place, _, _ in everything if place not in recipe})
    if unnamed:
        sys.exit(f"ARCHITECTURE.md's recipe for a consumed topic does not name {unnamed}")

    print(f"Following the recipe for {TOPIC}: {len(everything)} steps", flush=True)
    tree = followed()
    batch = tree.changed["events/lambda/sponsor-announced.json"]
    tree.write_to(COPY)
    domain = TEST + ["--test", "entities", "--test", "attempts", "--test", "decisions"]
    architecture = TEST + ["--test", "it", "architecture::"]
    everywhere = [CHECK, CONTRACT, CORPUS, STORM, domain, architecture]
    for command in [CONTRACT] if quick else everywhere:
        must_pass(command)

    silent = []
    for name, _, _, found_by in everything:
        if quick and found_by not in (PLACES, CONTRACT):
            continue
        followed(without=name, batch=batch).write_to(COPY)
        code, said = run(found_by)
        print(f"   without {name}: {why(said) if code else 'NOTHING FAILS'}", flush=True)
        if not code:
            silent.append(name)
    if silent:
        sys.exit(f"silently forgotten: {silent}")
    print("Each step that was left out was found.")


if __name__ == "__main__":
    main()
