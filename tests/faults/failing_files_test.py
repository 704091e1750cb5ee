# SPDX-License-Identifier: MIT
# failing_files.c does what it says: what is synced is kept, what is not is lost now and then.
# failing_files_test.py LIBRARY: without more arguments it runs itself under the library, again and again.
import os
import pathlib
import subprocess
import sys
import tempfile

SIZE = 50_000


def put(path, byte, sync):
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.write(file, byte * SIZE)
    if sync:
        os.fsync(file)
    os.close(file)


def sync_folder(path):
    folder = os.open(path, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def work(root):
    """A careful replacement, a careless one, a careless change in place; then one operation more."""
    for name in "careful", "careless", "changed", "gone":
        put(f"{root}/{name}", b"a", True)
    sync_folder(root)
    put(f"{root}/careful.tmp", b"b", True)
    os.rename(f"{root}/careful.tmp", f"{root}/careful")
    sync_folder(root)
    put(f"{root}/careless.tmp", b"b", False)
    os.rename(f"{root}/careless.tmp", f"{root}/careless")
    file = os.open(f"{root}/changed", os.O_RDWR)
    os.pwrite(file, b"b" * 30_000, 10_000)
    os.unlink(f"{root}/gone")
    os.mkdir(f"{root}/folder")
    print("done", flush=True)


def run(library, root, **settings):
    environment = dict(os.environ, LD_PRELOAD=library, FAULT_ROOT=root, **{k: str(v) for k, v in settings.items()})
    return subprocess.run([sys.executable, __file__, library, root], env=environment, capture_output=True, text=True)


def contents(root):
    return {path.name: path.read_bytes() for path in pathlib.Path(root).iterdir() if path.is_file()}


def fresh(scratch, name):
    root = scratch / name
    root.mkdir()
    return str(root)


def main(library):
    scratch = pathlib.Path(os.path.realpath(tempfile.mkdtemp()))
    # Undisturbed: all is done, and counted.
    count_file = scratch / "count"
    root = fresh(scratch, "whole")
    assert run(library, root, FAULT_COUNT=count_file, FAULT_CRASH="power").stdout == "done\n"
    count = int(count_file.read_text())
    whole = {"careful": b"b" * SIZE, "careless": b"b" * SIZE, "changed": b"a" * 10_000 + b"b" * 30_000 + b"a" * 10_000}
    assert contents(root) == whole, contents(root).keys()

    # Power is lost in place of the last operation (mkdir).
    seen = set()
    for seed in range(40):
        root = fresh(scratch, f"power{seed}")
        ended = run(library, root, FAULT_CRASH="power", FAULT_CRASH_AFTER=count, FAULT_SEED=seed)
        assert ended.returncode == -9 and not ended.stdout, ended
        left = contents(root)
        assert left["careful"] == b"b" * SIZE
        assert not (pathlib.Path(root) / "folder").exists()
        if left["careless"] == b"a" * SIZE:
            seen.add("rename undone")
        elif left["careless"] == b"b" * SIZE:
            seen.add("rename kept, whole")
        else:
            seen.add("rename kept, contents lost")
        seen.add("unlink undone" if "gone" in left else "unlink kept")
        changed = left["changed"]
        assert len(changed) == SIZE and changed[:10_000] == b"a" * 10_000
        seen.add({"a": "change lost", "ab": "change torn"}.get("".join(sorted(set(changed[12288:36864].decode()))), "change kept"))
    print(sorted(seen))
    assert len(seen) >= 7, seen
    assert not list(scratch.glob("*.lost*")), "links are left behind"

    # Every operation as the last one: torn or not at all, never an exit by itself.
    for at in range(1, count + 1):
        for crash in {"torn", ("kill", "power")[at % 2]}:
            ended = run(library, fresh(scratch, f"{crash}-{at}"), FAULT_CRASH=crash, FAULT_CRASH_AFTER=at)
            assert ended.returncode == -9, (crash, at, ended)
    torn = [len(contents(f"{scratch}/torn-{at}").get("careful", b"")) for at in range(1, count + 1)]
    assert any(0 < size < SIZE for size in torn), torn

    # Errors are told to the program, and files elsewhere are left alone.
    reasons = {run(library, fresh(scratch, f"rate{seed}"), FAULT_RATE=4, FAULT_SEED=seed).stderr[-60:] for seed in range(20)}
    assert any("No space left" in r for r in reasons) and any("Input/output" in r for r in reasons), reasons
    root = fresh(scratch, "other")
    elsewhere = dict(os.environ, LD_PRELOAD=library, FAULT_ROOT=f"{scratch}/none", FAULT_RATE="1")
    assert subprocess.run([sys.executable, __file__, library, root], env=elsewhere, capture_output=True).returncode == 0
    subprocess.run(["rm", "-r", str(scratch)], check=True)


if len(sys.argv) == 3:
    work(sys.argv[2])
else:
    main(os.path.realpath(sys.argv[1]))
