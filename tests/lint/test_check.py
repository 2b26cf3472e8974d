"""What `make lint-infra` finds, and what it lets pass."""

import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "infra/lint"))
import check  # noqa: E402

OPEN = "PublicAccessBlockConfiguration"
CLOSED = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}


def bucket(**properties: object) -> dict:
    return {"Type": "AWS::S3::Bucket", "Properties": properties}


class Found(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        resources = {
            "Private": bucket(**{OPEN: CLOSED}),
            "Planted": bucket(AccessControl="PublicRead"),
        }
        with tempfile.NamedTemporaryFile("w", suffix=".json") as template:
            json.dump({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}, template)
            template.flush()
            cls.found = check.findings(template.name)

    def test_a_public_bucket_is_found_and_a_private_one_is_not(self):
        # CKV_AWS_20: an ACL that lets everybody read; 53 to 56: the four blocks of public access.
        public = {"CKV_AWS_20", "CKV_AWS_53", "CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56"}
        self.assertLessEqual({(one, "Planted") for one in public}, self.found.keys())
        self.assertFalse({(one, "Private") for one in public} & self.found.keys())

    def test_an_exception_of_one_resource_is_none_of_another(self):
        listed = [{"check": "CKV_AWS_20", "resources": ["Private"], "reason": "any"}]
        faults = "\n".join(check.faults(self.found, check.exceptions(listed)))
        self.assertIn("Planted: CKV_AWS_20: ", faults)
        self.assertIn("Private: CKV_AWS_20 is no longer found", faults)

    def test_what_is_excepted_is_no_fault(self):
        self.assertEqual(check.faults(self.found, set(self.found)), [])


class Excepted(unittest.TestCase):
    def test_an_exception_needs_a_reason(self):
        with self.assertRaises(SystemExit):
            check.exceptions([{"check": "CKV_AWS_20", "resources": ["Any"], "reason": " "}])


if __name__ == "__main__":
    unittest.main()
