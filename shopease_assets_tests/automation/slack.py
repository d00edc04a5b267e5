"""A server that takes messages as Slack does, or refuses them as told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: The part of a webhook's address that nobody may learn.
SECRET_PATH = "/services/T0LDNOBODY/B0/hushhush"


@dataclass
class SlackServer:
    """What was posted to it, and the status codes it answers the next posts with; 200 when there are none left."""

    webhook: str
    answers: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    posts: int = 0


@contextmanager
def slack_server() -> Iterator[SlackServer]:
    """Runs one on a free port."""

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told.posts += 1
            code = 404 if self.path != SECRET_PATH else told.answers.pop(0) if told.answers else 200
            if code == 200:
                told.texts.append(message["text"])
            self.send_response(code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    told = SlackServer(f"http://127.0.0.1:{server.server_port}{SECRET_PATH}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
