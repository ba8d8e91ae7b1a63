"""The gateway's providers, played on loopback: one server that speaks Chat Completions.

What happens is written in the prompt, so that each check says for itself what it needs:

    {say TEXT}    that answer; otherwise `ok from MODEL`
    {size N}      an answer of N bytes, in numbered lines
    {drip S}      an answer whose words come spread over S seconds
    {wait S}      S seconds of silence before the first byte
    {fail STATUS} an error with that status

The model `judge` accepts every artifact, and the model `planner` writes a plan.
"""

import json
import re
import select
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORD = re.compile(r"\{(say|size|drip|wait|fail) ([^}]*)\}")


def long_answer(size):
    """An answer of exactly so many bytes, of which every line is different."""
    lines = "".join(f"line {number:06d} of a long answer\n" for number in range(size // 29 + 1))
    return lines[:size]


class Upstream:
    """A server whose requests are kept, with the time when each client hung up on one."""

    def __init__(self):
        self.requests = []
        self.hung_up = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), type("Bound", (_Handler,), {"upstream": self}))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def asked(self, marker):
        """How many requests had the marker in their prompt."""
        with self._lock:
            return sum(marker in request for request in self.requests)

    def left(self, marker):
        """How many of those were hung up on before they were answered."""
        with self._lock:
            return sum(marker in request for request in self.hung_up)

    def keep(self, kind, prompt):
        with self._lock:
            getattr(self, kind).append(prompt)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Says nothing: a client that hangs up is what some checks are about."""


class _Left(Exception):
    pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream = None

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        prompt = "\n".join(message["content"] for message in body["messages"])
        words = dict(WORD.findall(prompt))
        self.upstream.keep("requests", prompt)
        try:
            self._answer(body, words)
        except (_Left, OSError):
            self.upstream.keep("hung_up", prompt)

    def _answer(self, body, words):
        self._wait(float(words.get("wait", 0)))
        if "fail" in words:
            error = {"error": {"message": "scripted failure", "code": "scripted", "type": "scripted"}}
            return self._send(int(words["fail"]), "application/json", json.dumps(error).encode())
        text = answer_of(body["model"], words)
        if not body.get("stream"):
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            whole = {**head(body), "object": "chat.completion", "choices": [choice], "usage": usage(text)}
            return self._send(200, "application/json", json.dumps(whole).encode())
        self._stream(body, text, float(words.get("drip", 0)))

    def _stream(self, body, text, seconds):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        pieces = re.findall(r"\S+\s*", text) if seconds else [text]
        for piece in pieces:
            self._event(body, {"content": piece}, None)
            self._wait(seconds / len(pieces))
        self._event(body, {}, "stop", usage=usage(text))
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, body, delta, finish, **more):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        event = {**head(body), "object": "chat.completion.chunk", "choices": [choice], **more}
        self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        self.wfile.flush()

    def _send(self, status, kind, content):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _wait(self, seconds):
        """Waits, unless the client hangs up."""
        end = time.monotonic() + seconds
        while (rest := end - time.monotonic()) > 0:
            readable, _, _ = select.select([self.connection], [], [], rest)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise _Left


def answer_of(model, words):
    if model == "judge":
        return "ACCEPT"
    if model == "planner":
        return "1. Read the task. 2. Write what it asks for."
    if "size" in words:
        return long_answer(int(words["size"]))
    if "drip" in words:
        return " ".join(f"word{number}" for number in range(int(float(words["drip"]) * 2) + 1))
    return words.get("say", f"ok from {model}")


def head(body):
    return {"id": f"answer-{time.monotonic_ns():032x}", "created": int(time.time()), "model": body["model"]}


def usage(text):
    tokens = max(1, len(text) // 4)
    return {"prompt_tokens": 100, "completion_tokens": tokens, "total_tokens": 100 + tokens}
