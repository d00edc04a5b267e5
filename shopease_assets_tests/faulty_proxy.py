"""Between us and AWS: counts what is asked, and fails as it is told to. For every service alike.

A plan is asked before each call is passed on, in the thread of that call: it may sleep or kill before it answers.
"""

import json
import os
import random
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import parse_qs, urlsplit

_SCOPE = re.compile(r"Credential=[^/]*/\d+/[^/]*/([^/]+)/aws4_request")
_S3_ACTIONS = {  # method, whether a key is named, the telling parameter
    ("GET", False, "list-type"): "ListObjectsV2",
    ("GET", False, ""): "ListObjects",
    ("HEAD", False, ""): "HeadBucket",
    ("PUT", False, ""): "CreateBucket",
    ("POST", False, "delete"): "DeleteObjects",
    ("GET", True, ""): "GetObject",
    ("HEAD", True, ""): "HeadObject",
    ("PUT", True, ""): "PutObject",
    ("DELETE", True, ""): "DeleteObject",
    ("POST", True, "uploads"): "CreateMultipartUpload",
    ("PUT", True, "uploadId"): "UploadPart",
    ("POST", True, "uploadId"): "CompleteMultipartUpload",
    ("DELETE", True, "uploadId"): "AbortMultipartUpload",
}


@dataclass(frozen=True)
class Call:
    """One request, as AWS's documentation names it: `s3`, `PutObject`, `/bucket/key`."""

    service: str
    action: str
    path: str


@dataclass(frozen=True)
class Refusal:
    """An error answered in AWS's place, which never hears of the call."""

    status: int
    code: str
    message: str = ""

    def body(self, service: str) -> bytes:
        """As the service writes it."""
        if service == "s3":
            return f"<Error><Code>{self.code}</Code><Message>{self.message}</Message></Error>".encode()
        return json.dumps({"__type": self.code, "message": self.message}).encode()


class Loss(Enum):
    """A connection that ends too soon."""

    REQUEST = auto()  # AWS never hears of it
    ANSWER = auto()  # AWS does it, and cannot say so
    HALF_ANSWER = auto()  # AWS does it, and is cut off while it says so


Fault = Refusal | Loss
SLOW_DOWN = Refusal(503, "SlowDown", "Please reduce your request rate.")

#: What becomes of the n-th call (from 1) since the plan was set; None: it is passed on.
Plan = Callable[[int, Call], Fault | None]


def nth(number: int, fault: Fault, action: str | None = None) -> Plan:
    """The n-th call (of an action) fails."""
    met = count(1)

    def plan(_: int, call: Call) -> Fault | None:
        return fault if action in {None, call.action} and next(met) == number else None

    return plan


def storm(share: float, seed: int, fault: Fault = SLOW_DOWN) -> Plan:
    """A share of all calls fails, chosen at random; the same ones for the same order of calls."""
    chance = random.Random(seed)
    return lambda *_: fault if chance.random() < share else None


def slow(seconds: float) -> Plan:
    """Every call takes longer by so much."""

    def plan(*_: object) -> None:
        time.sleep(seconds)

    return plan


def kill(pid: int, number: int, service: str | None = None) -> Plan:
    """The n-th call (of a service) never gets through, for its process is killed."""
    met = count(1)

    def plan(_: int, call: Call) -> Fault | None:
        if service in {None, call.service} and next(met) == number:
            os.kill(pid, signal.SIGKILL)
            return Loss.REQUEST
        return None

    return plan


class FaultyProxy:
    """Answers at `endpoint` for the server at `target`; `calls` are all it was asked since `watch`."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target).netloc
        self._lock = threading.Lock()
        self._plan: Plan | None = None
        self.calls: list[Call] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def watch(self, plan: Plan | None = None) -> None:
        """Counts from here, and fails as planned from here."""
        with self._lock:
            self.calls = []
            self._plan = plan

    @property
    def actions(self) -> Counter[str]:
        """How often each action was asked since `watch`."""
        return Counter(call.action for call in self.calls)

    def close(self) -> None:
        """Stops answering."""
        self._server.shutdown()
        self._server.server_close()

    def met(self, call: Call) -> Fault | None:
        """Notes a call; returns what becomes of it."""
        with self._lock:
            self.calls.append(call)
            plan, number = self._plan, len(self.calls)
        return plan(number, call) if plan else None

    def connect(self) -> HTTPConnection:
        """A connection to the server behind."""
        return HTTPConnection(self._target, timeout=120)


@contextmanager
def faulty_proxy(target: str) -> Iterator[FaultyProxy]:
    """A proxy in front of a server, closed at the end."""
    proxy = FaultyProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    proxy: FaultyProxy

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together

    server: "_Server"

    def setup(self) -> None:
        super().setup()
        self._behind = self.server.proxy.connect()

    def finish(self) -> None:
        self._behind.close()
        super().finish()

    def handle_expect_100(self) -> bool:
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def log_message(self, *_: object) -> None:
        pass

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call = _call(self, body)
        fault = self.server.proxy.met(call)
        if isinstance(fault, Refusal):
            self._answer(fault.status, [], fault.body(call.service))
            return
        if fault is not Loss.REQUEST:
            status, headers, content = self._ask(body)
        if fault is None:
            self._answer(status, headers, content)
        elif fault is Loss.HALF_ANSWER:
            self._answer(status, headers, content, sent=len(content) // 2)
        self.close_connection = fault is not None

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = pass_on  # noqa: N815 - http.server's names

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_ONE_CONNECTION}
        for again in (True, False):
            try:
                self._behind.request(self.command, self.path, body or None, headers)
                answer = self._behind.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            except (HTTPException, OSError):  # the server behind has closed an idle connection
                self._behind.close()
                if not again:
                    raise
        raise AssertionError

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes, sent: int | None = None) -> None:
        self.send_response_only(status)
        size = str(len(content))
        for name, value in headers:
            if name.lower() == "content-length":
                size = value  # of a HEAD: what a GET would send
            elif name.lower() not in _OF_ONE_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", size)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[:sent])
        self.wfile.flush()


_OF_ONE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "expect"}


def _call(request: BaseHTTPRequestHandler, body: bytes) -> Call:
    scope = _SCOPE.search(request.headers.get("Authorization", ""))
    url = urlsplit(request.path)
    asked = parse_qs(url.query, keep_blank_values=True)
    target = request.headers.get("X-Amz-Target")
    if target:
        action = target.rpartition(".")[2]
    elif scope and scope[1] == "s3":
        has_key = "/" in url.path.strip("/")
        named = [(request.command, has_key, parameter) for parameter in asked] + [(request.command, has_key, "")]
        action = next((_S3_ACTIONS[name] for name in named if name in _S3_ACTIONS), request.command)
    else:
        action = (parse_qs(body.decode(errors="replace")).get("Action") or [request.command])[0]
    return Call(scope[1] if scope else "", action, url.path)
