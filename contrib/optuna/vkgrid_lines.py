# SPDX-License-Identifier: MIT
"""`vkgrid worker` as an object: its line protocol (docs/worker.md), and a process that is started again when it was killed."""
import json
import os
import signal
import subprocess
import threading

VKGRID = os.environ.get("VKGRID", "vkgrid")
DEATHS = 10  # in a row, without a word in between
LOCK_SECONDS = 120  # an old process may need that long to save and go


class Failed(Exception):
    """vkgrid has said why on its standard error."""


class Stopped(Exception):
    """Somebody asked for an end; everything is saved."""


class Vkgrid:
    def __init__(self, grid, out, options):
        self.command = [VKGRID, "worker", grid, "-o", out, *options]
        self.out = out
        self.process = None
        self.stopping = threading.Event()
        self.hello = self._start()

    def _start(self):
        """Starts it; while another process is at work in the folder, again and again. Returns what it says first."""
        waited = 0
        while not self.stopping.is_set():
            # In a session of its own: a signal to the worker's group reaches it once, by stop(). A second one would be its end.
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                            start_new_session=True)
            kind, hello = self._answer()
            if kind == "hello":
                if hello["protocol"] != 1:
                    raise Failed(f"{VKGRID} speaks protocol {hello['protocol']}: 1 is known here")
                return hello
            status = self.process.wait()
            lock = os.path.join(self.out, "lock")
            locked = os.path.exists(lock) and os.path.getsize(lock) > 0
            if (status >= 0 and not locked) or waited == LOCK_SECONDS:
                raise Failed(f"{VKGRID} worker does not start: exit status {status}")
            self.stopping.wait(1)
            waited += 1
        raise Stopped

    def _answer(self):
        """The next line as (kind, body); None, None at the end."""
        line = self.process.stdout.readline()
        return next(iter(json.loads(line).items())) if line.endswith("\n") else (None, None)

    def _say(self, request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the next answer tells

    def train(self, values):
        """Trains {id: values} as one batch, and yields (kind, body) of all answers until every id has ended."""
        left, deaths = dict(values), 0
        self._say({"train": [{"id": id, "values": left[id]} for id in left]})
        while left:
            kind, body = self._answer()
            if kind in ("taken", "epoch", "error"):
                deaths = 0
            elif kind in ("done", "pruned", "failed", "refused"):
                deaths = 0
                left.pop(body["id"], None)
            elif self.stopping.is_set():
                self.process.wait()
                raise Stopped
            elif kind == "bye" or self.process.wait() >= 0 or deaths == DEATHS:
                raise Failed(f"vkgrid worker ended with status {self.process.wait()}")
            else:  # killed: what it had is in its folder
                deaths += 1
                self.stopping.wait(min(2 ** (deaths - 1), 60))
                self._start()
                self._say({"train": [{"id": id, "values": left[id]} for id in left]})
                continue
            yield kind, body

    def prune(self, id):
        self._say({"prune": {"id": id}})

    def stop(self, *_):
        """For a signal: it saves and ends."""
        self.stopping.set()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.wait()
