# SPDX-License-Identifier: MIT
"""Programs that are run and may fail, hang or be stopped, and results that outlive all of that.

This and what bench/gpu imports of it makes do with the modules of a minimal Python (see packing.py).
"""
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

GRACE = 5  # seconds to end after SIGTERM, and after SIGKILL
NO_TIME = "no time was left"  # the reason of what has not begun
OUTPUT_MOST = 16 << 20  # bytes of an output that are read back


class Outcome:
    def __init__(self, status, output, errors, seconds, stuck=False):
        self.status = status  # of exit; None: stopped, since its time was over
        self.output, self.errors, self.seconds = output, errors, seconds
        self.stuck = stuck  # goes on in spite of SIGKILL, as what waits inside a driver does

    def reason(self):
        """Why it failed, in a line."""
        if self.status is None:
            return f"stopped after {self.seconds:.0f} s" + ", but it does not end" * self.stuck
        lines = (self.errors.strip() or self.output.strip()).splitlines()
        return lines[-1] if lines else f"exit status {self.status}"


class Process:
    """A command that runs in a process group of its own. Its output goes to files, so that nobody has to read it in time
    and nothing waits for whoever holds its end."""

    def __init__(self, command, environment=None):
        self.start, self.stopped, self.process, self.problem = time.monotonic(), False, None, ""
        self.files = [tempfile.TemporaryFile() for _ in range(2)]
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.files[0], stderr=self.files[1],
                                            env=environment, start_new_session=True)
        except OSError as problem:
            self.problem = str(problem)

    def wait(self, seconds=None):
        """Whether it has ended by then."""
        try:
            if self.process:
                self.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False

    def signal(self, number):
        """To all of its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.process:
                os.killpg(self.process.pid, number)

    def stop(self):
        self.stopped = True
        for number in signal.SIGTERM, signal.SIGKILL:
            self.signal(number)
            if self.wait(GRACE):
                break

    def outcome(self):
        """Ends it if it has not ended, and all that it has left behind."""
        stuck = False
        if self.process:
            if self.process.poll() is None:
                self.stop()
            self.signal(signal.SIGKILL)
            stuck = self.process.poll() is None
        texts = []
        for file in self.files:
            file.seek(max(0, file.seek(0, os.SEEK_END) - OUTPUT_MOST))
            texts.append(file.read().decode("utf-8", "replace"))
            file.close()
        status = None if self.stopped else self.process.returncode if self.process else 127
        return Outcome(status, texts[0], texts[1] or self.problem, time.monotonic() - self.start, stuck)


def run(command, seconds=None, environment=None):
    """Runs a command; whatever happens, no process of it stays behind."""
    process = Process(command, environment)
    try:
        process.wait(seconds)
    finally:  # this program may be told to end
        outcome = process.outcome()
    return outcome


def last_json(text):
    """The object that a text is, or its last line; None if neither is one."""
    for part in [text, *text.splitlines()[-1:]]:
        with contextlib.suppress(ValueError):
            return json.loads(part)
    return None


def write_text(path, text):
    """All of it or nothing."""
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.part", path)


def write_json(path, values):
    write_text(path, json.dumps(values, indent=1))


def median(values):
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


def exit_on_sigterm():
    """So that what is running is stopped, and results are written."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
