# SPDX-License-Identifier: MIT
"""The file of bench/gpu as tables to read."""
from running import median

WIDTH = 118
NAMED = 12  # runs of a step that have passed


def summary(record):
    """Text; a table whose numbers are not there, or not what they should be, is left out."""
    runs = {each["name"]: each for step in record["steps"] for each in step["runs"]}
    measured = {name: each["measured"] for name, each in runs.items() if isinstance(each.get("measured"), dict)}
    parts = [head(record), results(record)]
    for table in peaks, layers, steps, curves, barriers, tuning, comparison:
        try:
            lines = table(measured)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError) as problem:
            lines = [f"{table.__name__}: {type(problem).__name__}: {problem}"]
        parts.append(lines)
    return "\n".join("\n".join(lines) + "\n" for lines in parts if lines)


def head(record):
    device, machine = record.get("device") or {}, record["machine"]
    lines = [f"vkgrid {record['commit']}, {record['date']}, {record.get('took', 0):.0f} of {record['seconds']:.0f} s:"
             f" {record['ended']}",
             f"{device.get('name', 'no device')}; {device.get('driver', '')}; {device.get('features', '')}",
             f"{machine['processor']}, {machine['threads']} threads; {machine['distribution']}, {machine['system']}"]
    for title in "card", "card_after":
        lines += [f"{title.replace('_', ' ')}: {line}" for line in record.get(title, [])]
    lines += [f"earlier: {each.get('date')}, {each.get('commit')}, {each.get('took')} s: {each.get('ended')}"
              for each in record.get("earlier", []) if isinstance(each, dict)]
    return lines


def results(record):
    """A line for each run that has not passed, and the seconds of those that have."""
    lines = []
    for step in record["steps"]:
        passed = [each for each in step["runs"] if each["result"] == "passed"]
        lines.append(f"{step['name']}: {len(passed)} of {len(step['runs'])} passed, {step.get('seconds', 0)} of"
                     f" {step.get('budget', 0)} s")
        line = " "
        for each in passed if len(passed) <= NAMED else []:
            word = f" {each['name']} {each.get('seconds')} s;"
            if len(line + word) > WIDTH:
                lines.append(line)
                line = " "
            line += word
        lines += [line.rstrip(";")] * bool(line.strip())
        lines += [f"  {each['result'].upper()} {each['name']}, {each.get('seconds')} s: {each.get('reason')}"[:400]
                  for each in step["runs"] if each["result"] != "passed"]
    return lines


def peaks(measured):
    return [f"peaks, {name}: " + ", ".join(f"{key} {value:.4g}" for key, value in each["peaks"].items())
            for name, each in measured.items() if each.get("peaks")]


def layers(measured):
    """GFLOP/s of the three passes: by the default, and by tiles in shared memory."""
    tables = {name: {layer_name(layer): layer for layer in each["layers"]} for name, each in measured.items()
              if each.get("layers")}
    if not tables:
        return []
    titles = [name.replace("layers, ", "") for name in tables]
    lines = ["layers, TFLOP/s forward / input gradient / weight gradient", " " * 34 + "".join(f"{title:>26}" for title in titles)]
    for name in dict.fromkeys(name for table in tables.values() for name in table):
        cells = []
        for table in tables.values():
            layer = table.get(name)
            rates = " / ".join(f"{layer[key] / 1e3:.2f}" for key in ("forward", "input_grad", "weight_grad")) if layer else "-"
            cells.append(f"{rates:>26}")
        lines.append(f"{name:34}" + "".join(cells))
    return lines


def layer_name(layer):
    return "{kernel}x{kernel}/{stride} {in} -> {out} at {rows}x{cols} ({count})".format(**layer)


def steps(measured):
    """Each whole step; beside it where its time goes, by the device's own times of one slot's ops."""
    lines = []
    for name, each in measured.items():
        step = each.get("training_step")
        if not step or name.startswith("barriers"):
            continue
        ops = each.get("op_seconds") or {}
        whole = sum(ops.values())
        shares = ", ".join(f"{op} {100 * seconds / whole:.0f}%" for op, seconds in
                           sorted(ops.items(), key=lambda pair: -pair[1])[:6]) if whole > 0 else ""
        lines.append(f"{name:38} {step['seconds'] * 1e3:10.2f} ms {step['samples_per_second']:10.1f} samples/s"
                     f" {step['gflops'] / 1e3:8.2f} TFLOP/s, host {each.get('host_seconds_per_step', 0) * 1e3:.2f} ms,"
                     f" first step after {each.get('first_step_seconds', 0):.1f} s")
        lines += [f"    {shares}"] * bool(shares)
    return ["whole steps"] * bool(lines) + lines


def curves(measured):
    return [f"{name}: " + ", ".join(f"{point['slots']}: {point['samples_per_second']:.1f}" for point in each["curve"]) +
            f" samples/s; {each['curve'][-1]['device_bytes'] / 2**30:.1f} GiB at the last"
            for name, each in measured.items() if each.get("curve")]


def barriers(measured):
    """Medians of the rounds by kind."""
    times = {}
    for name, each in measured.items():
        if name.startswith("barriers, "):
            setting, kind, _ = name.rsplit(", ", 2)
            times.setdefault(setting, {}).setdefault(kind, []).append(each["training_step"]["seconds"])
    return [f"{setting}: " +
            ", ".join(f"{kind} {median(values) * 1e3:.3f} ms ({len(values)})" for kind, values in kinds.items()) +
            (f"; ends / kernels {median(kinds['ends']) / median(kinds['kernels']):.3f}" if len(kinds) == 2 else "")
            for setting, kinds in times.items()]


def tuning(measured):
    lines = []
    for name, each in measured.items():
        if not name.startswith("tune, "):
            continue
        convs = each["convolutions"]
        better = [conv for conv in convs if conv["chosen"] != conv["default"]]
        lines.append(f"{name}: {len(better)} of {len(convs)} convolutions have another tile, {each['left']} left")
        lines += ["    {op} {kernel}x{kernel}/{stride} {in} -> {out} at {rows}x{cols}: {default} -> {chosen}".format(**conv) +
                  f", {conv['default_seconds'] * 1e3:.3f} -> {conv['seconds'] * 1e3:.3f} ms" for conv in better]
    return lines


def comparison(measured):
    each = measured.get("comparison")
    if not each:
        return []
    lines = [f"PyTorch: {measured.get('PyTorch')}"]
    for result in each["results"]:
        rate = result["samples_per_second"]
        lines.append(f"batch {result['batch']}  {result['side']:8} {result['setting']:20} " +
                     (f"{rate:10.1f} samples/s" if rate else f"unavailable: {result.get('unavailable')}"))
    lines += [f"batch {batch}: {name} {ratio['ratio']:.2f} (of {ratio['of']}; goal {ratio['goal']})"
              for batch, ratios in each["ratios"].items() for name, ratio in ratios.items()]
    return lines + [f"published grid: {hours['side']} {hours['setting']} {hours['hours']:.1f} h"
                    for hours in each.get("grid_hours", [])]
