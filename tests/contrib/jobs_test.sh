#!/bin/sh
# SPDX-License-Identifier: MIT
# Job files of contrib, and the tuner that drives `vkgrid worker` without Optuna, on a formula.
# jobs_test.sh VKGRID SOURCE-FOLDER
source=$(realpath "$2")
. "$source/tests/cli/expect.sh"
for job in "$source"/contrib/slurm/*.sbatch; do
    sh -n "$job" 2>stderr || fail "$job"
    SLURM_ARRAY_TASK_ID='' sh "$job" >stdout 2>stderr
    [ $? -eq 2 ] && grep -q '^usage: sbatch ' stderr || fail "$job: no usage"
done
if /usr/bin/python3 -c 'import yaml' 2>stderr; then
    /usr/bin/python3 - "$source"/contrib/kubernetes/*.yaml 2>stderr <<'END' || fail 'contrib/kubernetes'
import subprocess, sys, yaml
for path in sys.argv[1:]:
    for part in yaml.safe_load_all(open(path)):
        job = part["spec"].get("jobTemplate", part)["spec"]
        if "template" in job:
            container, = job["template"]["spec"]["containers"]
            assert container["command"] == ["/bin/sh", "-c"] and container["args"][0].startswith("exec "), path
            subprocess.run(["sh", "-n", "-c", container["args"][0]], check=True)
            for rule in job.get("podFailurePolicy", {}).get("rules", []):
                assert rule.get("onExitCodes", {}).get("containerName", container["name"]) == container["name"], path
END
else
    echo 'skipped: no python3-yaml to read contrib/kubernetes'
fi

# Trial n is always the same, so a second run has the same best.
mkdir bin
printf '#!/bin/sh\nexec python3 "%s/tests/contrib/fake_worker.py" "$@"\n' "$source" >bin/vkgrid
chmod +x bin/vkgrid
tuner() {
    PATH="$home/bin:$PATH" python3 -B "$source/contrib/worker/random_search.py" "$@" grid.json -o study
}
tuner 5 4 >first 2>stderr || fail 'random_search.py'
tuner 5 4 >second 2>stderr && cmp -s first second || fail 'random_search.py: not the same again'
[ "$(grep -c ' done ' first)" -eq 20 ] && grep -q '^best: trial ' first || fail 'random_search.py: not 20 trials'
tail -n 1 first
exit $failed
