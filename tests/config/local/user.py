"""Uses the embedded services of a data folder until it is told to stop: a process for tests to kill."""

import os
import signal
import sys
from pathlib import Path

from config.local.services import missing_services, running

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    environ = dict(os.environ)
    with running(missing_services(environ, Path(sys.argv[1]), durable=False)):
        print("running", environ["DATABASE_URL"], flush=True)  # noqa: T201
        signal.pause()
