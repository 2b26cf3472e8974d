"""jsonschema for Python: says of each case whether the schema takes it."""

import json
import sys

from jsonschema import Draft202012Validator

with open(sys.argv[1], encoding="utf-8") as file:
    schemas = json.load(file)
verdicts = []
for entry in schemas:
    Draft202012Validator.check_schema(entry["schema"])
    formats = Draft202012Validator.FORMAT_CHECKER
    validator = Draft202012Validator(entry["schema"], format_checker=formats)
    verdicts.append([validator.is_valid(json.loads(case["json"])) for case in entry["cases"]])
json.dump(verdicts, sys.stdout)
