"""The vendors' own SDKs against the sandbox: `make vendors`.

The SDKs know what the vendors answer: each answer of the sandbox is validated by the SDK's types, and
each refusal becomes the error that the SDK has for it. So a test that believes the sandbox believes
what the vendors' own clients do.
"""

import base64
import json
import os
import pathlib
import subprocess
import unittest

import boto3
import botocore.config
import botocore.exceptions
import elevenlabs
import elevenlabs.client
import elevenlabs.core.api_error
import httpx
import openai
import pydantic
import runwayml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SANDBOX = pathlib.Path(os.environ.get("SANDBOX", ROOT / "target/debug/examples/serve"))
PNG = b"\x89PNG\r\n\x1a\n"


def strict(model, answer):
    """The answer, if each of its parts is as the SDK's type demands."""
    said = answer.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return pydantic.TypeAdapter(model).validate_python(said)


class OnTheSandbox(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = subprocess.Popen(
            [SANDBOX], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        cls.settings = json.loads(cls.sandbox.stdout.readline())
        cls.client, close = cls.made()
        cls.addClassCleanup(close)

    @classmethod
    def tearDownClass(cls):
        cls.sandbox.stdin.close()
        cls.sandbox.wait(10)
        cls.sandbox.stdout.close()

    def tearDown(self):
        self.asks("heal")

    def asks(self, line):
        self.sandbox.stdin.write(line + "\n")
        self.sandbox.stdin.flush()
        return self.sandbox.stdout.readline().strip()


class OpenAi(OnTheSandbox):
    @classmethod
    def made(cls):
        client = openai.OpenAI(
            api_key="sk-1",
            base_url=cls.settings["openai"]["baseUrl"],
            max_retries=0,
            _strict_response_validation=True,
        )
        return client, client.close

    def picture(self, **changed):
        asked = {
            "model": "gpt-image-2",
            "prompt": "Lanterns by a river",
            "n": 1,
            "size": "1088x1360",
            "quality": "medium",
            "output_format": "png",
        }
        return self.client.images.generate(**{**asked, **changed})

    def test_a_picture_is_one(self):
        said = self.picture()
        self.assertEqual(base64.b64decode(said.data[0].b64_json)[:8], PNG)
        self.assertEqual((said.size, said.quality), ("1088x1360", "medium"))

    def test_as_many_pictures_as_are_asked_for(self):
        self.assertEqual(len(self.picture(n=2).data), 2)

    def test_what_the_vendor_refuses_is_refused(self):
        for changed in (
            {"quality": "hd"},
            {"size": "4096x1600"},
            {"size": "1000x1000"},
            {"prompt": ""},
            {"n": 11},
        ):
            with self.subTest(changed), self.assertRaises(openai.BadRequestError):
                self.picture(**changed)
        with self.assertRaises(openai.NotFoundError):
            self.picture(model="dall-e-3")

    def test_each_refusal_is_the_error_that_the_sdk_has_for_it(self):
        for why, error, code in (
            ("Moderation", openai.BadRequestError, "moderation_blocked"),
            ("InvalidInput", openai.BadRequestError, "invalid_value"),
            ("Auth", openai.AuthenticationError, "invalid_api_key"),
            ("Billing", openai.RateLimitError, "credit_balance_exhausted"),
            ("RateLimited", openai.RateLimitError, "rate_limit_exceeded"),
            ("Unavailable", openai.InternalServerError, "overloaded"),
            ("Gone", openai.NotFoundError, "model_not_found"),
        ):
            with self.subTest(why):
                self.assertEqual(self.asks(f"openai {why}"), "done")
                with self.assertRaises(error) as raised:
                    self.picture()
                self.assertEqual(raised.exception.code, code)


class Runway(OnTheSandbox):
    @classmethod
    def made(cls):
        client = runwayml.RunwayML(
            api_key="key-1",
            base_url=cls.settings["runway"]["baseUrl"].removesuffix("/v1"),
            max_retries=0,
            _strict_response_validation=True,
        )
        return client, client.close

    def created(self, **changed):
        asked = {
            "model": "gen4.5",
            "prompt_text": "Lanterns by a river",
            "ratio": "1280:720",
            "duration": 5,
        }
        return self.client.text_to_video.create(**{**asked, **changed})

    def test_a_task_goes_from_pending_to_its_video_and_is_forgotten_once_deleted(self):
        task = self.created()
        states = [self.client.tasks.retrieve(task.id) for _ in range(3)]
        self.assertEqual([it.status for it in states], ["PENDING", "RUNNING", "SUCCEEDED"])
        self.assertEqual([it.estimated_cost.credits for it in states[:2]], [60, 60])
        self.assertEqual((states[2].cost.credits, len(states[2].output)), (60, 1))
        self.client.tasks.delete(task.id)
        with self.assertRaises(runwayml.NotFoundError):
            self.client.tasks.retrieve(task.id)
        with self.assertRaises(runwayml.NotFoundError):
            self.client.tasks.delete(task.id)

    def test_cancelling_what_runs_refunds_nothing(self):
        for polls, charged in ((0, 0), (1, 0), (2, 60)):
            with self.subTest(polls):
                task = self.created()
                for _ in range(polls):
                    self.client.tasks.retrieve(task.id)
                self.client.tasks.delete(task.id)
                said = self.client.tasks.retrieve(task.id)
                self.assertEqual((said.status, said.cost.credits), ("CANCELLED", charged))

    def test_what_the_vendor_refuses_is_refused(self):
        for changed in ({"prompt_text": ""}, {"ratio": "1:1"}, {"duration": 11}):
            with self.subTest(changed), self.assertRaises(runwayml.BadRequestError):
                self.created(**changed)

    def test_each_refusal_is_the_error_that_the_sdk_has_for_it(self):
        for why, error in (
            ("InvalidInput", runwayml.BadRequestError),
            ("Auth", runwayml.AuthenticationError),
            # The vendor has no status for an empty account.
            ("Billing", runwayml.BadRequestError),
            ("RateLimited", runwayml.RateLimitError),
            ("Unavailable", runwayml.InternalServerError),
            ("Gone", runwayml.NotFoundError),
        ):
            with self.subTest(why):
                self.assertEqual(self.asks(f"runway {why}"), "done")
                with self.assertRaises(error) as raised:
                    self.created()
                self.assertIsInstance(raised.exception.body["error"], str)

    def test_moderation_fails_a_task(self):
        self.assertEqual(self.asks("runway Moderation"), "done")
        task = self.created()
        states = [self.client.tasks.retrieve(task.id) for _ in range(3)]
        self.assertEqual(states[2].status, "FAILED")
        self.assertEqual(states[2].failure_code, "SAFETY.INPUT.TEXT")


class ElevenLabs(OnTheSandbox):
    @classmethod
    def made(cls):
        over = httpx.Client()
        address = cls.settings["elevenlabs"]["baseUrl"].removesuffix("/v1")
        client = elevenlabs.client.ElevenLabs(
            api_key="key-1", base_url=address, httpx_client=over
        )
        return client, over.close

    def speech(self, **changed):
        asked = {"voice_id": "english", "text": "Lanterns", "model_id": "eleven_multilingual_v2"}
        spoken = self.client.text_to_speech.convert(**{**asked, **changed})
        return b"".join(spoken)

    def test_speech_sounds_and_music_are_mp3(self):
        client = self.client
        for made in (
            self.speech(),
            b"".join(client.text_to_sound_effects.convert(text="rain", duration_seconds=5)),
            b"".join(client.music.compose(prompt="a raga", music_length_ms=15_000)),
        ):
            self.assertTrue(made.startswith((b"ID3", b"\xff\xfb", b"\xff\xf3")), made[:4])

    def test_what_the_vendor_refuses_is_refused(self):
        for changed in ({"model_id": "eleven_v9"}, {"text": "x" * 10_001}, {"text": ""}):
            with self.subTest(str(changed)[:40]):
                with self.assertRaises(elevenlabs.core.api_error.ApiError):
                    self.speech(**changed)

    def test_a_voice_that_the_vendor_does_not_have_speaks_nothing(self):
        client = self.client
        files = [("sample-1.mp3", b"ID3", "audio/mpeg")]
        cloned = client.voices.ivc.create(name="studio-s", files=files).voice_id
        self.assertTrue(self.speech(voice_id=cloned))
        client.voices.delete(cloned)
        for gone in (cloned, "nowhere"):
            with self.subTest(gone):
                with self.assertRaises(elevenlabs.core.api_error.ApiError) as raised:
                    self.speech(voice_id=gone)
                self.assertEqual(raised.exception.status_code, 404)
                self.assertEqual(raised.exception.body["detail"]["status"], "voice_not_found")

    def test_each_refusal_has_the_vendors_code(self):
        for why, status, code in (
            ("Moderation", 400, "content_moderated"),
            ("Auth", 401, "invalid_api_key"),
            ("Billing", 401, "quota_exceeded"),
            ("RateLimited", 429, "concurrent_limit_exceeded"),
            ("Unavailable", 503, "service_unavailable"),
            ("Gone", 404, "voice_not_found"),
        ):
            with self.subTest(why):
                self.assertEqual(self.asks(f"elevenlabs {why}"), "done")
                with self.assertRaises(elevenlabs.core.api_error.ApiError) as raised:
                    self.speech(request_options={"max_retries": 0})
                detail = raised.exception.body["detail"]
                self.assertEqual(raised.exception.status_code, status)
                self.assertEqual(detail.get("code") or detail["status"], code)

    def test_an_instant_voice_is_found_by_its_name_on_any_page(self):
        client = self.client
        for name in ("studio-a", "studio-b", "studio-a", "another"):
            client.voices.ivc.create(name=name, files=[("sample-1.mp3", b"ID3", "audio/mpeg")])
        found, page = [], None
        while True:
            said = client.voices.search(
                search="studio-a", page_size=100, **({"next_page_token": page} if page else {})
            )
            strict(elevenlabs.GetVoicesV2Response, said)
            found += [voice.name for voice in said.voices]
            page = said.next_page_token
            if not said.has_more:
                break
        self.assertEqual(found, ["studio-a", "studio-a"])

    def test_a_professional_voice_is_created_verified_and_trained(self):
        client = self.client
        voice = client.voices.pvc.create(name="studio-p", language="en").voice_id
        recording = ("sample-1.mp3", b"ID3", "audio/mpeg")
        samples = client.voices.pvc.samples.create(voice, files=[recording])
        self.assertEqual(samples[0].file_name, "sample-1.mp3")
        another = ("sample-2.mp3", b"ID3", "audio/mpeg")
        second = client.voices.pvc.samples.create(voice, files=[another])
        self.assertTrue(second[0].sample_id)
        with self.assertRaises(elevenlabs.core.api_error.ApiError):
            client.voices.pvc.train(voice, model_id="eleven_multilingual_v2")
        client.voices.pvc.verification.captcha.verify(voice, recording=recording)
        client.voices.pvc.train(voice, model_id="eleven_multilingual_v2")
        states = []
        while "fine_tuned" not in states:
            said = strict(elevenlabs.Voice, client.voices.get(voice))
            states.append(said.fine_tuning.state["eleven_multilingual_v2"])
        self.assertEqual(states, ["queued", "fine_tuning", "fine_tuned"])
        self.assertEqual(len(said.samples), 2)
        client.voices.delete(voice)
        with self.assertRaises(elevenlabs.core.api_error.ApiError) as raised:
            client.voices.get(voice)
        self.assertEqual(raised.exception.status_code, 404)


class Polly(OnTheSandbox):
    @classmethod
    def made(cls):
        client = boto3.client(
            "polly",
            region_name="us-east-1",
            endpoint_url=cls.settings["polly"]["endpoint"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=botocore.config.Config(retries={"total_max_attempts": 1}),
        )
        return client, client.close

    def started(self, **changed):
        asked = {
            "Text": "Lanterns",
            "VoiceId": "Kajal",
            "Engine": "neural",
            "OutputFormat": "mp3",
            "OutputS3BucketName": "assets",
            "OutputS3KeyPrefix": "renders/a/polly",
        }
        return self.client.start_speech_synthesis_task(**{**asked, **changed})["SynthesisTask"]

    def test_a_task_is_scheduled_worked_on_and_done(self):
        task = self.started()
        self.assertEqual(task["TaskStatus"], "scheduled")
        states = [
            self.client.get_speech_synthesis_task(TaskId=task["TaskId"])["SynthesisTask"]
            for _ in range(2)
        ]
        self.assertEqual([it["TaskStatus"] for it in states], ["inProgress", "completed"])
        self.assertEqual(states[1]["RequestCharacters"], len("Lanterns"))
        self.assertEqual(
            [states[1][name] for name in ("VoiceId", "Engine", "LanguageCode")],
            ["Kajal", "neural", "en-IN"],
        )

    def test_each_refusal_is_the_error_that_the_sdk_has_for_it(self):
        for why, code in (
            ("InvalidInput", "TextLengthExceededException"),
            ("Auth", "AccessDeniedException"),
            ("RateLimited", "ThrottlingException"),
            ("Unavailable", "ServiceUnavailable"),
            ("Gone", "EngineNotSupportedException"),
        ):
            with self.subTest(why):
                self.assertEqual(self.asks(f"polly {why}"), "done")
                with self.assertRaises(botocore.exceptions.ClientError) as raised:
                    self.started()
                self.assertEqual(raised.exception.response["Error"]["Code"], code)

    def test_what_the_vendor_refuses_is_refused(self):
        with self.assertRaises(botocore.exceptions.ClientError):
            self.started(Text="x" * 100_001)
        for code, asked in (
            ("LanguageNotSupportedException", {"LanguageCode": "ta-IN"}),
            ("LanguageNotSupportedException", {"VoiceId": "Joanna", "LanguageCode": "hi-IN"}),
        ):
            with self.assertRaises(botocore.exceptions.ClientError) as raised:
                self.started(**asked)
            self.assertEqual(raised.exception.response["Error"]["Code"], code)
        with self.assertRaises(botocore.exceptions.ClientError) as raised:
            self.client.get_speech_synthesis_task(TaskId="another")
        code = raised.exception.response["Error"]["Code"]
        self.assertEqual(code, "SynthesisTaskNotFoundException")

