#!/bin/sh
# SPDX-License-Identifier: MIT
# contrib/optuna/worker.py on a PostgreSQL server that is started here, in a folder of its own.
# workers_test.sh VKGRID SOURCE-FOLDER [PART...]
source=$(realpath "$2")
. "$source/tests/cli/expect.sh"
. "$source/tests/contrib/optuna_python.sh"
shift 2
parts=${*:-sixty quality stale files pruned}
skip() {
    echo "skipped: $1"
    exit 77
}
for initdb in $(command -v initdb) /usr/lib/postgresql/*/bin/initdb; do
    [ ! -x "$initdb" ] || programs=$(dirname "$initdb")
done
[ -n "${programs:-}" ] || skip 'no PostgreSQL server (Debian: postgresql)'
optuna_python optuna psycopg2 || skip 'no python3-optuna with python3-psycopg2'

# The server does not run as root.
if [ "$(id -u)" -eq 0 ]; then
    id postgres >>stdout 2>>stderr || skip 'root, and no user postgres'
    as='runuser -u postgres --'
    chmod 755 "$home"
    mkdir server
    chown postgres server
else
    as=
    mkdir server
fi
cat >database <<END
#!/bin/sh
# database start|restart|stop
cd / && exec $as "$programs/pg_ctl" -D "$home/server/db" -l "$home/server/log" \
    -o "-k $home/server -c listen_addresses='' -c fsync=off" -m fast -w "\$1"
END
chmod +x database
$as "$programs/initdb" -D "$home/server/db" -U postgres -A trust --no-sync >>stdout 2>>stderr || fail 'initdb'
trap './database stop >>stdout 2>>stderr; rm -rf "$home"' EXIT
./database start >>stdout 2>>stderr || { cat server/log; fail 'the server does not start'; exit 1; }

"$vkgrid" sample data --subjects 3 --size 32x32 --quiet >>stdout 2>>stderr || fail 'no sample'
cat >grid.json <<'END'
{"static": {"partition": [["sub01", "sub02"], ["sub03"]], "raters": [], "gamma": 0.9, "batch_size": 2,
  "inputs": "own", "prediction": "area", "features": {"inputs": {"own": ["curvature", "x"]}}, "image_size": [32, 32],
  "num_epochs": 1, "plan": [{}]},
 "hyper": {"lr": {"min": 0.0005, "max": 0.01, "log": true}, "bce_weight": {"min": 0, "max": 1}}}
END
cat >fake <<END
#!/bin/sh
exec env -u PYTHONHOME python3 "$source/tests/contrib/fake_worker.py" "\$@"
END
chmod +x fake
# The server is restarted here, with this machine's files, when the folder wanted-restart is made.
for what in $parts; do
    PYTHONWARNINGS=ignore ./python "$source/tests/contrib/workers_test.py" $what "$vkgrid" \
        "postgresql+psycopg2://postgres@/postgres?host=$home/server" >stdout 2>stderr &
    while kill -0 $! 2>>errors; do
        if [ -e wanted-restart ]; then
            rmdir wanted-restart
            ./database restart >>server.log 2>&1 || fail 'the server does not start again'
            echo restarted >>server.log
        fi
        sleep 0.2
    done
    wait $! || fail "$what"
    cat stdout
done
[ "${parts%% *}" != sixty ] || grep -q '^restarted' server.log || fail 'the server was not restarted'
exit $failed
