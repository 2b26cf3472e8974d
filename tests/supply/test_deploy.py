"""infra/deploy where AWS is slow, an operator errs, or two deploy at once."""

import datetime
import re
import unittest

from played import DEPLOYS, STACK, Played, described, mapping


class Deploy(Played):
    def test_a_deployment_that_is_played_succeeds(self):
        self.is_deployed()
        said = self.ended(0, f"{STACK} is deployed, and an event came through it")
        self.assertEqual(len(self.calls("sam deploy")), 1)
        self.assertIn("./studio --stage staging jobs show --tenant studio-smoke j-1", said)

    def test_a_command_line_with_more_or_less_than_a_stage_calls_nothing(self):
        for arguments in [("staging", "pause"), ("pause", "staging", "now"), ("--help",), ("",)]:
            with self.subTest(arguments):
                self.ended(2, "usage: infra/deploy [pause|resume|destroy] STAGE", *arguments)
        self.assertEqual(self.calls(""), [])

    def test_a_first_change_set_that_cannot_be_made_leaves_no_empty_stack(self):
        self.play("after.json", described("REVIEW_IN_PROGRESS", "later"))
        self.play("sam", "cp play/after.json play/stack.json; exit 1")
        self.ended(1, "nothing is deployed")
        self.assertEqual(len(self.calls("aws cloudformation delete-stack")), 1)

    def test_an_empty_stack_stays_while_it_is_not_known_whether_another_waits_in_it(self):
        self.play("after.json", described("REVIEW_IN_PROGRESS", "later"))
        self.play("sam", "made; asked; cp play/after.json play/stack.json")
        self.play("forbidden", "cloudformation list-change-sets\n")
        self.ended(3, "nothing is deployed")
        self.assertEqual(self.calls("aws cloudformation delete-stack"), [])

    def test_a_change_set_at_anothers_prompt_stays(self):
        for opened in ("before ours", "while ours waits"):
            with self.subTest(opened):
                self.play("calls", "")
                self.play("stack.json", described("REVIEW_IN_PROGRESS", "before"))
                self.play("open", "arn:of-another\n" if opened == "before ours" else "")
                opens = "grep -q another play/open || echo arn:of-another >>play/open"
                self.play("sam", f"made; asked; {opens}")
                self.ended(3, "nothing is deployed")
                [deleted] = self.calls("aws cloudformation delete-")
                self.assertIn("delete-change-set --change-set-name arn:of-this", deleted)

    def test_a_change_set_that_another_opens_after_ours_was_carried_out_is_no_refusal(self):
        self.is_deployed()
        self.play("sam", f"{DEPLOYS}; echo arn:of-another >>play/open")
        self.ended(0, f"{STACK} is deployed, and an event came through it")
        self.assertEqual(self.calls("aws cloudformation delete-"), [])

    def test_what_another_deployed_during_the_build_is_not_deployed_over(self):
        self.play("after.json", described("UPDATE_COMPLETE", "meanwhile"))
        for before in (True, False):
            with self.subTest(before=before):
                (self.root / "play/stack.json").unlink(missing_ok=True)
                if before:
                    self.is_deployed()
                self.play("meanwhile", "cp play/after.json play/stack.json")
                self.ended(1, f"nothing is deployed: {STACK} was changed while this was built")
        self.assertEqual(self.calls("sam"), [])

    def test_a_no_beside_or_after_anothers_deployment_proves_nothing(self):
        for status in ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"):
            with self.subTest(status):
                self.is_deployed()
                self.play("after.json", described(status, "later"))
                # AWS deletes ours when another's is carried out.
                self.play("sam", "made; asked; : >play/open; cp play/after.json play/stack.json")
                said = self.ended(3, "nothing is deployed")
                self.assertNotIn("ChangeSetNotFound", said)
        self.assertEqual(self.calls("studio"), [])

    def test_a_yes_after_anothers_deployment_deploys_nothing(self):
        self.is_deployed()
        self.play("after.json", described("UPDATE_COMPLETE", "later"))
        self.play("sam", "made; asked; : >play/open; cp play/after.json play/stack.json; exit 1")
        self.ended(1, "nothing is deployed")
        self.assertEqual(self.calls("studio"), [])

    def test_a_deployment_that_would_change_nothing_is_proven_and_never_rolled_back(self):
        self.is_deployed()
        self.play("sam", f"echo 'No changes to deploy. Stack {STACK} is up to date'")
        self.ended(0, f"{STACK} is deployed, and an event came through it")
        self.play("smoked", "7")
        self.ended(5, "this deployment changed nothing")
        self.assertEqual(len(self.calls("sam deploy")), 2)

    def test_a_session_that_ends_during_a_deployment_does_not_say_that_nothing_changed(self):
        for denied, code, words in (
            ("all", 1, "whether this is deployed is not known"),
            ("cloudformation list-stack-resources", 5, f"{STACK} is deployed, and not proven"),
            ("lambda list-event-source-mappings", 5, f"{STACK} is deployed, and not proven"),
        ):
            with self.subTest(denied):
                self.is_deployed()
                (self.root / "play/denied").unlink(missing_ok=True)
                self.play("sam", f"{DEPLOYS}; echo '{denied}' >play/denied")
                self.ended(code, words)

    def test_a_mapping_that_only_the_new_version_has_does_not_stop_a_rollback(self):
        self.is_deployed()
        self.play("old", mapping(1))
        self.play("mappings", mapping(1) + mapping(2))
        self.play("smoked", "7")
        self.rolls_back("cp play/old play/mappings; echo 0 >play/smoked")
        self.ended(4, f"{STACK} is as it was before, and an event came through it")
        self.assertEqual(len(self.calls("sam deploy")), 2)

    def test_a_rollback_whose_event_was_not_asked_for_says_so(self):
        self.is_deployed()
        self.play("smoked", "7")
        self.rolls_back("echo 3 >play/smoked")
        self.ended(4, "is as it was before, and not proven: the operator was not asked")

    def test_the_words_about_the_operator_tell_its_own_faults_from_others(self):
        # As infra/cli writes them: infra/cli/tests/command_line.rs.
        operator = "studio: studio-operator-staging"
        for smoked, said, code, words in (
            (1, f"{operator} crashed: Runtime exited", 4, "the operator crashes"),
            (3, f"{operator} failed: a defect", 4, "the operator has a defect"),
            (1, f"{operator} failed: no broker", 5, "the last answer was: studio: studio-op"),
            (3, "studio: you are not signed in", 5, "the operator was not asked: studio: you"),
        ):
            with self.subTest(said):
                self.is_deployed()
                self.play("calls", "")
                self.play("smoked", str(smoked))
                self.play("said", f"{said}\n")
                ran = self.run_script()
                self.assertEqual(ran.returncode, code, ran.stdout)
                self.assertIn(words, ran.stdout)
                rolled_back = 2 if code == 4 else 1
                self.assertEqual(len(self.calls("sam deploy")), rolled_back)

    def test_only_code_that_fails_most_of_its_invocations_is_rolled_back(self):
        self.play("smoked", "5")
        for errors, code, words in (
            (1, 5, "no consumer is behind; studio-event-created-staging had 1 errors in 100"),
            (50, 4, "its event did not come through either"),
        ):
            with self.subTest(errors=errors):
                self.is_deployed()
                self.play("Errors", f"{errors}.0\n")
                self.play("Invocations", "60.0\n40.0\n")
                self.ended(code, words)

    def test_errors_of_the_minute_of_the_deployment_do_not_count(self):
        self.is_deployed()
        self.play("smoked", "5")
        self.play("sam", f"{DEPLOYS}; date -u +%FT%TZ >play/deployed")
        self.ended(5, "is deployed, and not proven")
        at = datetime.datetime.fromisoformat
        deployed = at((self.root / "play/deployed").read_text().strip())
        calls = self.calls("aws cloudwatch get-metric-statistics")
        self.assertTrue(calls)
        for call in calls:
            times = (re.search(rf"--{name}-time (\S+)", call)[1] for name in ("start", "end"))
            begin, end = map(at, times)
            self.assertEqual(begin.second, 0)
            self.assertGreater(begin, deployed)
            self.assertGreater(end, begin)

    def test_a_cost_centre_keeps_its_equal_signs_and_spaces(self):
        self.is_deployed()
        self.ended(0, "an event came through it")
        for centre in ("media=events", "media events", "==", "a=b c"):
            with self.subTest(centre):
                self.write_settings(CostCentre=centre)
                if centre == "a=b c":
                    self.ended(2, f"infra/parameters.py: CostCentre: {centre} has a space and")
                    continue
                self.ended(0, "an event came through it")
                self.assertEqual(self.tags()["cost-centre"], centre)

    def test_log_groups_that_late_lines_make_again_are_deleted_with_the_stack(self):
        group = "/aws/lambda/studio-render-staging"
        for late in ("first", "second"):
            with self.subTest(late):
                self.play("calls", "")
                self.is_deployed()
                others = "/aws/lambda/studio-render-production"
                self.play("groups", f"{group}\n" if late == "first" else f"{others}\n{group}\n")
                self.ended(0, f"{STACK} is gone", "destroy", "staging")
                deleted = self.calls("aws logs delete-log-group")
                self.assertEqual(deleted, [f"aws logs delete-log-group --log-group-name {group}"])
        self.is_deployed()
        self.play("denied", "logs describe-log-groups\n")
        said = self.ended(0, f"{STACK} is gone", "destroy", "staging")
        self.assertIn(f"log groups of {STACK} may be there again", said)


if __name__ == "__main__":
    unittest.main()
