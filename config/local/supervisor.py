"""`make run`: the embedded services, the steps before the first page, and every process of the product under one roof.

What must survive a `kill -9`: of this process (its children die with it, or are swept at the next start), of any child
(started again), of a service or its keeper (started again). Rows and the broker's log are on disk; nothing is kept here.
"""

import os
import signal
import time
from collections.abc import Callable, Iterable, MutableMapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from config.local.children import Child, Children
from config.local.errors import CannotStart
from config.local.logs import Log, Tail
from config.local.processes import handling, lock_soon, read_json, write_json
from config.local.profile import data_folder, is_local, load_profile, make_folder
from config.local.programs import Product, Step
from config.local.reach import check_broker, check_database, check_port, port_of
from config.local.services import Use, missing_services, running
from config.local.welcome import welcome

PATIENCE = 12  # seconds for the children to end what they do
MOST_EARLY_STARTS = 3  # of one child before the first answer


class Plan(Protocol):
    """What a supervisor supervises."""

    def steps(self) -> Iterable[Step]: ...
    def programs(self) -> Iterable[Child]: ...
    def trouble(self) -> str | None: ...


class Supervisor:
    def __init__(
        self, environ: MutableMapping[str, str], *, log: Log | None = None, plan: Callable[..., Plan] = Product
    ) -> None:
        self.environ = environ
        self.log = log or Log()
        self.plan = plan
        self.signals = 0
        self.uses: list[Use] = []

    def run(self) -> int:
        """Start everything, keep it running until Ctrl-C or SIGTERM, stop everything; return the exit code.

        :raises CannotStart: if something it needs is missing or taken
        """
        began = time.monotonic()
        load_profile(self.environ)
        folder = make_folder(data_folder(self.environ))
        host, port = self.environ.get("HOST", "").strip() or "127.0.0.1", port_of(self.environ)
        address = f"http://{'localhost' if host in {'127.0.0.1', '::1', '0.0.0.0'} else host}:{port}"  # noqa: S104
        children = Children(record=folder / "run" / "children.json", log=self.log, environ=self.environ)
        with ExitStack() as stack:
            stack.enter_context(handling([signal.SIGINT, signal.SIGTERM, signal.SIGHUP], self._stop))
            self._be_alone(make_folder(folder / "run"), address, stack)
            children.sweep()
            check_port(host, port)
            embedded = self._start_services(folder, children, stack)
            stack.callback(children.end, patience=PATIENCE, hurry=lambda: self.signals > 1)
            plan = self.plan(self.environ, folder, host, port, embedded)
            for step in plan.steps():
                if (code := self._take(step, children)) != 0:
                    return code or 0
            for child in plan.programs():
                children.start(child)
            return self._watch(plan, children, began=began, address=address)

    def _stop(self, *_: object) -> None:
        self.signals += 1
        if self.signals == 1:
            self.log.line("start", "stopping (once more to hurry)")

    def _be_alone(self, run_folder: Path, address: str, stack: ExitStack) -> None:
        """Take the lock that says this data folder is being served."""
        known = run_folder / "supervisor.json"
        lock = lock_soon(run_folder / "supervisor.lock")
        if lock is None:
            other = read_json(known, {})
            raise CannotStart(
                f"`make run` already runs on {run_folder.parent} (process {other.get('pid', '?')}, "
                f"{other.get('address', '?')}): stop that one, or set DATA_DIR and PORT for another."
            )
        stack.callback(lock.close)
        write_json(known, {"pid": os.getpid(), "address": address})

    def _start_services(self, folder: Path, children: Children, stack: ExitStack) -> frozenset[str]:
        """Start the services whose address nobody named and reach the others; return the variables of ours."""
        services = missing_services(self.environ, folder) if is_local(self.environ) else []
        embedded = frozenset(service.variable for service in services)
        for variable, check in (("DATABASE_URL", check_database), ("CELERY_BROKER_URL", check_broker)):
            if variable not in embedded and (url := self.environ.get(variable, "").strip()):
                check(url)
        for service in services:
            self.log.line("start", f"starting {service.name}")
            children.tails.append(Tail(self.log, service.name, service.log, noise=service.noise))
            stack.callback(children.tails[-1].close)
        self.uses = stack.enter_context(running(services))
        return embedded

    def _take(self, step: Step, children: Children) -> int | None:
        """Run one step; return its exit code, or None if we were asked to stop."""
        if self.signals:
            return None
        began = time.monotonic()
        self.log.line("start", step.what)
        code = children.run(step.child, stop_asked=lambda: self.signals > 0)
        if code == 0:
            step.done()
            self.log.line("start", f"{step.what}: done in {time.monotonic() - began:.1f} s")
        elif code is not None:
            self.log.line("start", f"{step.what} failed: see its last words above")
        return code

    def _watch(self, plan: Plan, children: Children, *, began: float, address: str) -> int:
        """Keep the children and the services running until we are asked to stop; greet once everything answers."""
        ready, ask_at, told = False, 0.0, ""
        while not self.signals:
            children.pump(0.2)
            for use in self.uses:
                use.check()
            children.revive()
            if ready:
                continue
            if any(child.starts > MOST_EARLY_STARTS for child in children.all):
                self.log.line("start", "it keeps ending before the first answer: see its last words above")
                return 1
            if time.monotonic() > ask_at:
                trouble = plan.trouble()
                ask_at = time.monotonic() + 0.3
                if trouble is None:
                    ready = True
                    self.log.block(welcome(self.environ, address, seconds=time.monotonic() - began))
                elif trouble != told and time.monotonic() - began > 10:
                    told = trouble
                    self.log.line("start", f"not ready yet: {trouble}")
        return 0
