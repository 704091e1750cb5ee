# SPDX-License-Identifier: MIT
"""Vulkan drivers in places where the loader does not look, as machines for CUDA and containers have them."""
import glob
import os

import libraries
from running import last_json, write_json

STANDARD = ["/etc/vulkan/icd.d", "/usr/local/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/usr/share/vulkan/icd.d"]
ELSEWHERE = ["/usr/local/*", "/opt/*", "/opt/*/*", "/run/*"]  # folders that may have a share/vulkan/icd.d, and libraries
LIBRARIES = ["lib64", "lib", f"lib/{os.uname().machine}-linux-gnu"]
# Either is a whole Vulkan driver. The manifest that NVIDIA installs names the latter, which wants X11's libraries and, some
# say, an X server; the manifest itself is what containers often lack.
NVIDIA = ["libEGL_nvidia.so.0", "libGLX_nvidia.so.0"]
VARIABLES = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"]  # the latter for loaders before 1.3.207


class Attempt:
    """A way to a driver: manifests that the loader is told of (none: as it finds them), and folders of libraries."""

    def __init__(self, name, manifests, folders, told=True):
        self.name, self.manifests, self.folders = name, manifests, folders
        self.variables = {variable: os.pathsep.join(manifests) for variable in VARIABLES} if told else {}

    def libraries(self):
        """Paths of the drivers, to see what they need."""
        result = []
        for manifest in self.manifests:
            path = library_of(manifest)
            if path and os.sep in path:
                result.append(os.path.join(os.path.dirname(manifest), path))
            elif path:
                result.append(find_library(path, self.folders))
        return [path for path in result if path and os.path.exists(path)]


def library_of(manifest):
    """What a manifest names; None where it does not."""
    try:
        with open(manifest, encoding="utf-8") as file:
            values = last_json(file.read())
    except (OSError, ValueError):
        return None
    driver = values.get("ICD") if isinstance(values, dict) else None
    path = driver.get("library_path") if isinstance(driver, dict) else None
    return path if isinstance(path, str) else None


def find_library(name, folders):
    paths = [os.path.join(folder, name) for folder in folders]
    return next(filter(os.path.exists, paths), libraries.installed().get(name))


def manifests_in(places):
    return sorted(path for place in places for path in glob.glob(os.path.join(place, "*.json")))


def attempts(scratch):
    """In the order in which they are tried."""
    told = next((os.environ[name] for name in VARIABLES if os.environ.get(name)), None)
    if told:
        return [Attempt("as the environment says", told.split(os.pathsep), [], told=False)]
    result = [Attempt("as the loader finds them", manifests_in(STANDARD), [], told=False)]
    roots = sorted(path for place in ELSEWHERE for path in glob.glob(place))
    folders = [path for root in roots for path in (os.path.join(root, name) for name in LIBRARIES)
               if glob.glob(os.path.join(path, "lib*.so*"))]
    elsewhere = manifests_in(os.path.join(root, "share", "vulkan", "icd.d") for root in roots)
    if elsewhere:
        result.append(Attempt(f"by {' '.join(elsewhere)}", elsewhere, folders))
    for name in NVIDIA:
        if find_library(name, folders):
            manifest = os.path.join(scratch, f"{name}.json")
            write_json(manifest, {"file_format_version": "1.0.0", "ICD": {"library_path": name, "api_version": "1.3.0"}})
            result.append(Attempt(f"by a manifest of {name}", [manifest], folders))
    return result
