# SPDX-License-Identifier: MIT
"""What `vkgrid devices` lists."""

SLOW = ("CPU", "software driver")  # kinds that are no GPU


def find_device(listed, wanted):
    """The device that `--device` would take; None if there is none."""
    for device in listed["devices"]:
        if wanted == "auto":
            found = device["index"] == listed["chosen"]
        elif wanted == "cpu":
            found = device["kind"] == "CPU"
        else:
            found = str(device["index"]) == wanted or (not wanted.isdigit() and wanted.lower() in device["name"].lower())
        if found:
            return device
    return None
