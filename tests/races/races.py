#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a GPU may do and a software driver does not, looked for on a software driver.

    races.py BUILD races      every kernel under the validation layers' checkers of shared memory and of addresses
    races.py BUILD mutants    each barrier left out in turn: the checker, or the result, must tell
    races.py BUILD orders     workgroups and dispatches in other orders, vectors of other widths: the same bits

BUILD is a build folder with tests/races/race_cases. Needs current validation layers (1.4.350), lavapipe and glslc.

Kernels are compiled anew from changed copies of their sources, and race_cases has them take the place of those that are built in:
nothing of it is in a normal build. Under the checker loops stay rolled (a call for every access makes them long), tiles have fewer
invocations where the checker's shadow of shared memory would not fit (it leaves them out, and says nothing), and barriers of a
subgroup, which it does not know, are barriers of the workgroup. Exit status 1 when something is wrong, 77 when it cannot run.
"""
import collections
import concurrent.futures
import fnmatch
import os
import pathlib
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYER = "VK_KHRONOS_VALIDATION_"
CHECKER = {"VKGRID_VALIDATE": "1", LAYER + "VALIDATE_CORE": "false", LAYER + "VALIDATE_SYNC": "false",
           LAYER + "GPUAV_ENABLE": "true", LAYER + "GPUAV_SHARED_MEMORY_DATA_RACE": "true",
           LAYER + "GPUAV_BUFFER_ADDRESS_OOB": "true"}
RACE, BOUND = "data race was detected", "PhysicalStorageBuffer"  # in their messages
FOR_CHECKER = [("[[unroll]]", "[[dont_unroll]]"), ("subgroupBarrier()", "barrier()")]

BARRIER = re.compile(r"\b(barrier|subgroupBarrier|groupMemoryBarrier|memoryBarrier\w*|subgroupMemoryBarrier\w*|controlBarrier)"
                     r"\s*\([^()]*\)")
# Barriers (file, function, call) without which nothing can be seen, and why they are there.
UNSEEN = {
    ("conv_matrix.glsl", "accumulate", "subgroupBarrier"):
        "orders no memory, it keeps a subgroup's invocations together for its matrices; the checker gets the kernels without it",
    ("loss_finish.comp", "main", "memoryBarrierBuffer"):
        "makes the totals in a buffer visible, which software drivers' memory always is; no checker models buffers",
}
# One bound left out of a kernel: (file, text, instead, cases). The checker of addresses must tell.
BOUNDLESS = [
    ("elementwise.comp", "return;", ";", "relu/fp32/plain/*"),
    ("conv.comp", "min(o / 4 + j, o_units - 1)", "o / 4 + j + 64", "conv/fp32/plain/*"),
    ("conv_weight_grad.comp", "row < I &&", "", "conv_weight_grad/fp32/plain/*"),
    ("conv_shared.comp", "row < I && column < O4", "true", "conv/*/shared-*"),
    ("conv_matrix.comp", "row < end && column < O", "true", "conv/mixed/matrix-*"),
    ("conv_winograd.comp", "min(channel + filter_line(load_index(l)), SUM_CHANNELS - 1)",
     "channel + filter_line(load_index(l))", "conv/fp32/winograd-*"),
]
# A kernel whose result depends on the order of workgroups: all write to the first one's place.
ORDERED = ("elementwise.comp", "store_unit(y, slot * (y_slot / UNIT) + i,", "store_unit(y, i % FLAT_LOCAL,", "relu/fp32/plain/7")

# The place of a workgroup in a dispatch, instead of gl_WorkGroupID: last to first, or scattered by a bijection of the next power of
# two, walked until it is one of them.
GROUP = """
uvec3 group_id()
{
    const uvec3 n = gl_NumWorkGroups;
    const uint count = n.x * n.y * n.z;
    uint at = gl_WorkGroupID.x + n.x * (gl_WorkGroupID.y + n.y * gl_WorkGroupID.z);
#ifdef SCATTERED
    const uint mask = (2u << findMSB(count)) - 1;
    do {
        at = (at * 0x9E3779B1u + 0x7F4A7C15u) & mask;
        at ^= at >> 3;
    } while (at >= count);
#else
    at = count - 1 - at;
#endif
    return uvec3(at % n.x, at / n.x % n.y, at / (n.x * n.y));
}
"""


def fail(text):
    print(f"races.py: {text}", file=sys.stderr)
    sys.exit(1)


# ---- modules

class Module:
    """One that is built in: its command, its source and the files that this includes."""
    def __init__(self, name, command, sources):
        self.name, self.command = name, command
        self.source = pathlib.PurePath(command[-3]).name
        self.files = []
        pending = [self.source]
        while pending:
            file = pending.pop()
            if file not in self.files:
                self.files.append(file)
                pending += re.findall(r'#include "(.*)"', sources[file])


class Kernels:
    def __init__(self, build):
        self.build = build
        self.sources = {path.name: path.read_text() for path in (ROOT / "shaders").iterdir() if path.is_file()}
        names = sorted(path.stem for path in (build / "shaders").glob("*.inc"))
        listed = subprocess.run(["ninja", "-C", str(build), "-t", "commands", *(f"shaders/{name}.inc" for name in names)],
                                stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        commands = [shlex.split(line) for line in listed if "-mfmt=num" in line]
        self.modules = [Module(pathlib.PurePath(command[-1]).stem, command, self.sources) for command in commands]
        if not self.modules:
            fail(f"{build}: has no kernels")

    def compile(self, modules, changed, folder, defines=()):
        """Modules from sources of which some are changed, beside the words that are built in. Returns those that differ."""
        source, built = folder / "source", {}
        source.mkdir(parents=True)
        for name, text in {**self.sources, **changed}.items():
            (source / name).write_text(text)
        for module in modules:
            command = [word for word in module.command]
            at = command.index("-MD")
            del command[at:at + 4]  # and -MF, its file, -mfmt=num
            command[-3:] = [*defines, str(source / module.source), "-o", str(folder / f"{module.name}.spv")]
            subprocess.run(command, check=True)
            words = [int(word, 16) for word in (self.build / "shaders" / f"{module.name}.inc").read_text().split(",")]
            (folder / f"{module.name}.built.spv").write_bytes(struct.pack(f"<{len(words)}I", *words))
            built[module.name] = (folder / f"{module.name}.spv").read_bytes()
        return built

    def for_checker(self, barriers=(), replaced=None):
        """The sources as the checker takes them, without some barriers, or with a file, a text and one that takes its place."""
        changed = dict(self.sources)
        if replaced:
            file, old, new = replaced
            if old not in changed[file]:
                fail(f"{file} has no \"{old}\"")
            changed[file] = changed[file].replace(old, new)
        # One of a subgroup that orders no memory would be one of the workgroup, and hide that others are missing.
        gone = [barrier for barrier in barriers_of(changed) if barrier.name in {b.name for b in barriers}
                or (barrier.unseen and barrier.call == "subgroupBarrier")]
        for barrier in reversed(gone):
            text = changed[barrier.file]
            changed[barrier.file] = text[:barrier.span[0]] + text[barrier.span[1]:]
        for name in changed:
            for old, new in FOR_CHECKER:
                changed[name] = changed[name].replace(old, new)
        return changed


def code_only(text):
    """Comments made blank, at the same length."""
    return re.sub(r"//.*", lambda found: " " * len(found.group()), text)


class Barrier:
    def __init__(self, file, text, found, ordinal):
        self.file, self.span, self.call, self.ordinal = file, found.span(), found.group(1), ordinal
        functions = re.findall(r"^\w[\w\[\]]* (\w+)\(.*\)$", text[:found.start()], re.MULTILINE)
        self.function = functions[-1] if functions else "?"
        self.unseen = UNSEEN.get((file, self.function, self.call))
        self.name = f"{file} {self.function}(): {self.call} {ordinal}"


def barriers_of(sources):
    found = []
    for file, text in sorted(sources.items()):
        if file.endswith((".comp", ".glsl")):
            matches = enumerate(BARRIER.finditer(code_only(text)), 1)
            found += [Barrier(file, code_only(text), match, ordinal) for ordinal, match in matches]
    return found


# ---- runs

Run = collections.namedtuple("Run", "status output hashes replaced turned")


def run_cases(build, arguments, patterns, **environment):
    command = [str(build / "tests/races/race_cases"), *arguments, *patterns]
    done = subprocess.run(command, env=dict(os.environ, VKGRID_TUNING="off", **environment), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace")
    hashes = dict(re.findall(r"^([\w/-]+) ([0-9a-f]{16})$", done.stdout, re.MULTILINE))

    def number(what):
        found = re.search(rf"^{what}: (\d+)$", done.stdout, re.MULTILINE)
        return int(found.group(1)) if found else 0
    return Run(done.returncode, done.stdout, hashes, number("modules replaced"), number("dispatches turned"))


def list_cases(build, arguments=()):
    run = run_cases(build, ["--list", *arguments], [])
    if run.status != 0:
        print(run.output, end="")
        sys.exit(run.status)
    return [line for line in run.output.splitlines() if line.count("/") >= 2]


def thinned(cases, every):
    """Fewer of what takes long to compile: convolutions without tiles, and networks by them."""
    def is_kept(case):
        number = case.rsplit("/", 1)[1]
        if re.match(r"conv\w*/\w+/plain/", case):
            return int(number) % every == 1
        return not case.startswith("network/") or int(number) in (0, 1, 6)
    return [case for case in cases if is_kept(case)]


def group_of(case):
    """What is run by one process: a tile's cases of one pass, or those of an op."""
    parts = case.split("/")
    return "/".join(parts[:3])


def at_once(function, items):
    """In so many threads as there are processors, each of which waits for a process; results in order."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, items))


def tail(output, lines=12):
    return "\n".join("    " + line[:300] for line in output.splitlines()[-lines:])


# ---- races

FLOAT = "float sums: "

def checked_folder(kernels, scratch):
    """All kernels as the checker takes them; only those that differ need to be replaced."""
    folder = scratch / "checked"
    kernels.compile(kernels.modules, kernels.for_checker(), folder)
    return folder


def races(kernels, scratch):
    build, folder = kernels.build, checked_folder(kernels, scratch)
    # A whole step takes minutes to compile for the checker; small networks have all that it has.
    groups = collections.defaultdict(list)
    for case in thinned(list_cases(build, ["--small"]), 3):
        if not case.startswith("step/"):
            groups[group_of(case)].append(case)

    # By matrix units without fp16 sums the same, but for weight gradients, which have none anyway.
    for group in [name for name in groups if re.match(r"(conv|conv_input_grad)/mixed/matrix-|self_test/", name)]:
        groups[FLOAT + group] = groups[group]

    def check(group):
        start = time.monotonic()
        sums = ["--float-sums"] if group.startswith(FLOAT) else []
        environment = dict(CHECKER)
        # Compiled with calls for addresses, advance.comp crashes on lavapipe 26.2: in its last turn, with no slot left, the loop reads
        # the layer's table of buffers through a null pointer.
        if group.startswith("advance/"):
            environment[LAYER + "GPUAV_BUFFER_ADDRESS_OOB"] = "false"
        # Joined ops read and write other tensors than single ones; what they do in shared memory is the same.
        if group.startswith("network/"):
            environment[LAYER + "GPUAV_SHARED_MEMORY_DATA_RACE"] = "false"
        run = run_cases(build, ["--small", "--exact", "--all", *sums, "--modules", str(folder)], groups[group], **environment)
        return run, time.monotonic() - start
    # The longest first.
    order = sorted(groups, key=lambda group: ("network" not in group, "matrix" not in group, "/conv" in group))
    bad = 0
    for group, (run, seconds) in zip(order, at_once(check, order)):
        if os.environ.get("VKGRID_RACES_TIMES"):
            print(f"{seconds:6.1f} s {group}")
        if run.status != 0 or len(run.hashes) != len(groups[group]):
            print(f"{group}: failed, status {run.status}\n{tail(run.output)}")
            bad += 1
    print("addresses not checked: of the op advance (its kernel, compiled for that, crashes on lavapipe)")
    print(f"{sum(map(len, groups.values()))} cases under the checker, {bad} of {len(order)} groups failed")
    return bad == 0


# ---- mutants

Mutant = collections.namedtuple("Mutant", "name modules changed cases signs")  # signs: those of which one must be seen


def kinds_of(modules):
    """Modules by kernel and element type: those that differ in the driver's rounding alone together."""
    kinds = collections.defaultdict(list)
    for module in modules:
        kinds[module.name.removesuffix("_ieee")].append(module)
    return sorted(kinds.items())


def cases_of(kind):
    """A pattern of the cases that run a kernel."""
    precision = "mixed" if kind.endswith("_half") or "matrix" in kind else "fp32"
    name = kind.removesuffix("_half").removesuffix("_float")
    found = re.fullmatch(r"(conv|conv_input_grad|conv_weight_grad)_(shared|matrix|winograd)", name)
    if found:
        return f"{found.group(1)}/{precision}/{found.group(2)}-*"
    if name == "matrix_test":
        return "self_test/mixed/plain"
    op = {"channel_sums": "batch_norm*", "loss_finish": "loss", "overlap": "overlap"}.get(name, "*")
    return f"{op}/{precision}/plain/*"


def sums_of(kind):
    """What race_cases is told for kernels of matrix units that have no fp16 sums."""
    return ["--float-sums"] if kind.endswith("matrix_float") or kind == "matrix_test_float" else []


def list_mutants(kernels, barriers, cases):
    """Each barrier in each kernel. Then all of a kernel's, tile by tile, to show that the checker looks at every tile."""
    each, tiles = [], []
    for kind, modules in kinds_of(kernels.modules):
        inside = [barrier for barrier in barriers if barrier.file in modules[0].files]
        pattern = cases_of(kind)
        for barrier in inside:
            if not barrier.unseen:
                changed = kernels.for_checker([barrier])
                each.append(Mutant(f"{kind}: {barrier.name}", modules, changed, pattern, (RACE, "bits")))
        for group in sorted({group_of(case) for case in cases if fnmatch.fnmatchcase(case, pattern)}):
            if inside and not group.endswith("/plain"):
                changed = kernels.for_checker(inside)
                tiles.append(Mutant(f"{kind}: no barrier, {group}", modules, changed, group + "/*", (RACE,)))
    return each, tiles


def list_boundless(kernels):
    return [Mutant(f"{file}: without {old}", [module for module in kernels.modules if file in module.files],
                   kernels.for_checker(replaced=(file, old, new)), pattern, (BOUND,))
            for file, old, new, pattern in BOUNDLESS]


def sign_of(run, expected):
    """What tells of a fault: a message of the checker, or other bits. None where nothing does."""
    if run.status != 0:
        return next((sign for sign in (RACE, BOUND) if sign in run.output), None)
    return "bits" if any(expected.get(case, value) != value for case, value in run.hashes.items()) else None


def mutants(kernels, scratch):
    build, barriers = kernels.build, barriers_of(kernels.sources)
    if {barrier.file for barrier in barriers} - {file for module in kernels.modules for file in module.files}:
        fail("a file with a barrier belongs to no kernel")
    for barrier in barriers:
        if barrier.unseen:
            print(f"not looked for: {barrier.name}: {barrier.unseen}")
    each, tiles = list_mutants(kernels, barriers, list_cases(build, ["--small"]))
    base = kernels.compile(kernels.modules, kernels.for_checker(), scratch / "base")
    expected = run_cases(build, [], ["loss/*"]).hashes

    def check(numbered):
        number, mutant = numbered
        folder = scratch / f"mutant{number}"
        words = kernels.compile(mutant.modules, mutant.changed, folder)
        if all(words[name] == base[name] for name in words):
            return None  # the kernel has no use for what was changed
        arguments = ["--small", "--exact", *sums_of(mutant.name.split(":")[0]), "--modules", str(folder)]
        return run_cases(build, arguments, [mutant.cases], **CHECKER)
    everything = each + tiles + list_boundless(kernels)
    signs, survivors = collections.Counter(), 0
    for mutant, run in zip(everything, at_once(check, list(enumerate(everything)))):
        if not run:
            continue
        sign = sign_of(run, expected)
        if sign in mutant.signs:
            signs[sign] += 1
            if mutant in each:
                print(f"{mutant.name}: {sign}")
        else:
            print(f"NOT CAUGHT: {mutant.name} (status {run.status}, modules replaced: {run.replaced})\n{tail(run.output, 4)}")
            survivors += 1
    print(f"{sum(signs.values())} mutants caught, {dict(signs)}; {survivors} not caught")
    return survivors == 0


# ---- orders

WIDTH = 256  # of lavapipe's vectors, in bits, where nothing else is asked for
# One tile of each family stands for the others, as the order of workgroups is none of a tile's business.
ORDER_TILES = {"plain", "shared-5", "matrix-10", "winograd-13"}
ORDER_STEPS = {"step/fp32/plain", "step/mixed/plain", "step/fp32/winograd"}


def permuted(sources):
    changed = {name: text.replace("gl_WorkGroupID", "group_id()") for name, text in sources.items()}
    include = '#include "kernels.h"\n'
    changed["common.glsl"] = changed["common.glsl"].replace(include, include + GROUP)
    return changed


def order_cases(build):
    cases = list_cases(build)
    families = {tile.split("-")[0] for tile in ORDER_TILES}  # a network's last part
    chosen = [case for case in cases if case in ORDER_STEPS or not case.startswith("step/") and
              case.split("/")[2] in (families if case.startswith("network/") else ORDER_TILES)]
    if (ORDER_TILES | ORDER_STEPS) - {case.split("/")[2] for case in chosen} - set(chosen):
        fail(f"not all of {sorted(ORDER_TILES | ORDER_STEPS)} are there")
    return thinned(chosen, 6)


def orders(kernels, scratch):
    build, cases = kernels.build, order_cases(kernels.build)
    folders = {}
    for name, defines in ("reversed", []), ("scattered", ["-DSCATTERED"]):
        folders[name] = ["--all", "--modules", str(scratch / name)]
        kernels.compile(kernels.modules, permuted(kernels.sources), scratch / name, defines)
    file, old, new, ordered_case = ORDERED
    ordered = {**kernels.sources, file: kernels.sources[file].replace(old, new)}
    if ordered[file] == kernels.sources[file]:
        fail(f"{file} has no \"{old}\"")
    kernels.compile(kernels.modules, ordered, scratch / "ordered")
    kernels.compile(kernels.modules, permuted(ordered), scratch / "ordered-reversed")

    def width(bits):
        # A cache that does not know of widths would make all of them one.
        return {"LP_NATIVE_VECTOR_WIDTH": str(bits), "MESA_SHADER_CACHE_DISABLE": "true"}
    # Whole steps are here for the order of dispatches: what is within a kernel, each one's own cases show in less time.
    kernels_alone = [case for case in cases if not case.startswith("step/")]
    no_matrix = [case for case in kernels_alone if "matrix" not in case and not case.startswith("self_test/")]
    runs = {  # name: arguments, cases, environment
        "as built": ([], cases, width(WIDTH)),
        "workgroups reversed, dispatches between two barriers too": (["--turn", *folders["reversed"]], cases, width(WIDTH)),
        "workgroups scattered": (folders["scattered"], kernels_alone, width(WIDTH)),
        "vectors of 128 bits": ([], no_matrix, width(128)),
        "vectors of 512 bits": ([], no_matrix, width(512)),
    }
    jobs = [(name, precision) for name in runs for precision in ("mixed", "fp32")]

    def start(job):
        arguments, names, environment = runs[job[0]]
        return run_cases(build, arguments, [name for name in names if f"/{job[1]}/" in name], **environment)
    print("not run: matrices in vectors of 128 and 512 bits: the driver has none, and its compiler crashes")
    bits, bad, turned = {name: {} for name in runs}, 0, 0
    for job, run in zip(jobs, at_once(start, jobs)):
        bits[job[0]].update(run.hashes)
        turned += run.turned
        if run.status != 0:
            print(f"{job[0]}, {job[1]}: failed\n{tail(run.output)}")
            bad += 1
    for name, (arguments, names, environment) in runs.items():
        wrong = [case for case in names if case not in bits[name] or bits[name][case] != bits["as built"].get(case)]
        print(f"{name}: {len(names)} cases, {len(wrong)} with other bits" + "".join(f"\n    {case}" for case in wrong))
        bad += len(wrong)
    # That it would be seen: a kernel that depends on the order, and dispatches that do.
    controls = [
        ("a kernel that depends on the order of workgroups", [ordered_case],
         ["--modules", str(scratch / "ordered")], ["--modules", str(scratch / "ordered-reversed")]),
        ("dispatches without barriers between them, reversed", ["conv_bias_grad/fp32/plain/1", "step/fp32/plain"],
         [], ["--turn", "--no-barriers"]),
    ]
    for name, patterns, *both in controls:
        one, other = (run_cases(build, arguments, patterns).hashes for arguments in both)
        same = [case for case in patterns if not one.get(case) or one.get(case) == other.get(case)]
        print(f"control, {name}: " + (f"NOT SEEN in {same}" if same else "seen"))
        bad += len(same)
    if turned == 0:
        print("no two dispatches share a gap between barriers")
        bad += 1
    return bad == 0


def main():
    commands = {"races": races, "mutants": mutants, "orders": orders}
    if len(sys.argv) != 3 or sys.argv[2] not in commands:
        print(__doc__, file=sys.stderr)
        return 2
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        fine = commands[sys.argv[2]](Kernels(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(scratch))
    print(f"{time.monotonic() - start:.0f} s")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
