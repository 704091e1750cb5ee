#!/bin/sh
# SPDX-License-Identifier: MIT
# Machines without a loader, without a driver, with devices that will not do, and with one that is too small.
# device_test.sh VKGRID FAKE_DRIVER
fake=$(realpath "$2")
. "$(dirname "$0")/expect.sh"

cat >grid.json <<'EOF'
{"static": {"partition": [["a", "b"], ["c"]], "raters": [], "features": {"inputs": {"one": ["in"]}, "prediction": {"one": ["out"]}},
            "inputs": "one", "prediction": "one", "num_epochs": 1, "image_size": [64, 64]},
 "hyper": {"lr": [0.001], "gamma": [1], "bce_weight": [0.5], "batch_size": [2]}}
EOF
search='search grid.json -d data -o study'
"$vkgrid" sample data --subjects 1 --size 32x32 -q >stdout 2>stderr || fail 'no sample'
mkdir data/in data/out
for sample in a b c; do
    cp data/curvature/sub01.npy "data/in/$sample.npy"
    cp data/V1/sub01.* "data/out/$sample.$(ls data/V1 | sed 's/.*\.//')"
done

cpu=
"$vkgrid" devices | grep -q oneDNN && cpu=1

# auto WHY: what it does where no GPU can be used, and why not where there is no CPU engine either.
auto() {
    if [ "$cpu" ]; then
        expect 0 'no usable GPU: auto takes the CPU' devices
    else
        expect 1 "$1" $search
    fi
}

# A loader that is none.
mkdir broken
: >broken/libvulkan.so.1
: >broken/libvulkan.so
(
    export LD_LIBRARY_PATH=$PWD/broken
    auto 'no Vulkan loader (libvulkan.so.1)'
    expect 1 'no Vulkan engine: no Vulkan loader (libvulkan.so.1)' $search --device radeon
    expect 0 'no Vulkan engine: no Vulkan loader (libvulkan.so.1)' devices
    expect 0 '"why": "no Vulkan loader (libvulkan.so.1)"' devices --json
    exit $failed
) || failed=1

# A loader without a driver.
export VK_DRIVER_FILES=/nowhere.json VK_ICD_FILENAMES=/nowhere.json
auto 'no Vulkan device'
expect 1 'no such device' $search --device 9
[ "$cpu" ] || expect 1 'no CPU engine: built with' $search --device cpu

# Devices that lack something.
printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "%s", "api_version": "1.3.0"}}' "$fake" >driver.json
export VK_DRIVER_FILES=$PWD/driver.json VK_ICD_FILENAMES=$PWD/driver.json
export VKGRID_FAKE=old
auto 'Fake 9000 cannot be used: needs Vulkan 1.3'
expect 1 'Fake 9000): cannot be used: needs Vulkan 1.3' $search --device 0
expect 0 'not usable: needs Vulkan 1.3' devices
export VKGRID_FAKE=pointers
expect 1 'needs the feature bufferDeviceAddress' $search --device fake
export VKGRID_FAKE=queue
expect 1 'needs a compute queue' $search --device fake
unset VK_DRIVER_FILES VK_ICD_FILENAMES VKGRID_FAKE

# A device with too little memory for one slot says how much is needed and how much is there.
sed 's/\[64, 64\]/[4096, 4096]/' grid.json >large.json
[ ! "$cpu" ] || expect 1 'GiB are there' search large.json -d data -o study --device cpu
if "$vkgrid" devices 2>/dev/null | grep -q 'software driver'; then
    expect 1 'GiB are there' search large.json -d data -o study --device 0
else
    echo 'skipped: no software driver to run out of memory on'
fi
exit $failed
