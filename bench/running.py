# SPDX-License-Identifier: MIT
"""Programs that are run and may fail, hang or be stopped, and results that outlive all of that."""
import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

GRACE = 5  # seconds to end after SIGTERM


@dataclasses.dataclass
class Outcome:
    status: int  # of exit; None: stopped, since its time was over
    output: str
    errors: str
    seconds: float

    def reason(self):
        """Why it failed, in a line."""
        if self.status is None:
            return f"stopped after {self.seconds:.0f} s"
        lines = (self.errors.strip() or self.output.strip()).splitlines()
        return lines[-1] if lines else f"exit status {self.status}"


def end_group(process, number):
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def run(command, seconds=None, environment=None):
    """Runs a command in a process group of its own; whatever happens, no process of it stays behind."""
    start = time.monotonic()
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, errors="replace", env=environment, start_new_session=True)
    except OSError as problem:
        return Outcome(127, "", str(problem), 0)
    stopped = False
    try:
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            stopped = True
            end_group(process, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
            end_group(process, signal.SIGKILL)
            output, errors = process.communicate()
    finally:
        if process.returncode is None:  # this program is told to end
            end_group(process, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
        end_group(process, signal.SIGKILL)
    return Outcome(None if stopped else process.returncode, output, errors, time.monotonic() - start)


def last_json(text):
    """The object that a text is, or its last line; None if neither is one."""
    for part in [text, *text.splitlines()[-1:]]:
        with contextlib.suppress(ValueError):
            return json.loads(part)
    return None


def write_json(path, values):
    """All of it or nothing."""
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        json.dump(values, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.part", path)


def exit_on_sigterm():
    """So that what is running is stopped, and results are written."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
