"""A supervisor of three tiny programs, for tests to kill: a web server, one that sleeps with a child, one that obeys late."""

import os
import sys

from config.local.children import Child
from config.local.errors import CannotStart
from config.local.programs import Product, Step
from config.local.supervisor import Supervisor

WEB = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()
    def log_message(self, *args):
        pass
HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""
WORKER = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("worker speaks", flush=True)
time.sleep(600)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: (print("one moment", flush=True), time.sleep(0.3), exit()))
while True: time.sleep(1)
"""


class Small(Product):
    def steps(self):
        yield Step(Child("start", [sys.executable, "-c", os.environ.get("STEP", "print('a step')")]), "taking a step")

    def programs(self):
        for name, code in (("web", WEB), ("worker", WORKER), ("beat", STUBBORN)):
            yield Child(name, [sys.executable, "-c", os.environ.get(f"CODE_{name.upper()}", code), str(self.port)])


if __name__ == "__main__":
    try:
        sys.exit(Supervisor(os.environ, plan=Small).run())
    except CannotStart as error:
        print(error)  # noqa: T201
        sys.exit(2)
