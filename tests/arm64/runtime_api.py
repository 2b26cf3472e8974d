"""A Lambda Runtime API that gives a function one invocation, and an AWS that refuses every call.

The API: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import dataclasses
import http.server
import json
import pathlib
import queue
import subprocess
import sys
import tempfile
import threading
import time

API = "/2018-06-01/runtime/"
REQUEST = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
# Emulated, a debug build takes seconds to its first poll.
WITHIN_SECONDS = 180
# The rest of an invocation's time, which the functions share out among their phases.
INVOCATION_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a function answered to its invocation."""

    kind: str  # `response`, `error`, or `init/error`
    body: dict
    signed: int  # how many requests that were signed for AWS came before the answer


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, event: bytes):
        super().__init__(("127.0.0.1", 0), Handler)
        self.events = queue.SimpleQueue()
        self.events.put(event)
        self.answers = queue.SimpleQueue()
        self.signed = 0

    def handle_error(self, request, client_address):
        # A function that was ended lets go of its connections.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path != API + "invocation/next":
            return self.refuse()
        event = self.server.events.get()  # after the first there is none: it waits, as Lambda does
        deadline = int((time.time() + INVOCATION_SECONDS) * 1000)
        self.send(200, event, {
            "Lambda-Runtime-Aws-Request-Id": REQUEST,
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:0:function:any",
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
        })

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.path.startswith(API):
            return self.refuse()
        kind = self.path.removeprefix(API).removeprefix(f"invocation/{REQUEST}/")
        self.server.answers.put(Answer(kind, json.loads(body), self.server.signed))
        self.send(202, b'{"status":"OK"}')

    def do_PUT(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.refuse()

    do_DELETE = do_PUT
    do_HEAD = do_GET

    def refuse(self):
        """As AWS refuses whoever has no right to a call."""
        if self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 "):
            self.server.signed += 1
        refusal = {"__type": "AccessDeniedException", "message": "refused by the test"}
        self.send(400, json.dumps(refusal).encode(), {"x-amzn-errortype": "AccessDeniedException"})

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None):
        self.send_response(status)
        named = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        for name, value in (named | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def invoke(runner: pathlib.Path, bootstrap: pathlib.Path, event: bytes, variables: dict) -> Answer:
    """Starts a bootstrap, has it take one invocation, and ends it.

    Raises an AssertionError with the function's log if it ends or does not answer.
    """
    server = Server(event)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{server.server_port}"
    own = {"AWS_LAMBDA_RUNTIME_API": address, "AWS_ENDPOINT_URL": f"http://{address}"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [runner, bootstrap], cwd=bootstrap.parent, env=variables | own, stdout=log, stderr=log
        )
        try:
            return awaited(process, server)
        except AssertionError as error:
            log.seek(0)
            raise AssertionError(f"{error}:\n{log.read().decode()}") from None
        finally:
            process.kill()
            process.wait()
            server.shutdown()
            server.server_close()


def awaited(process: subprocess.Popen, server: Server) -> Answer:
    until = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < until:
        try:
            return server.answers.get(timeout=0.2)
        except queue.Empty:
            if process.poll() is not None:
                raise AssertionError(f"it ended with {process.returncode}, and answered nothing")
    raise AssertionError(f"it answered nothing within {WITHIN_SECONDS} s")
