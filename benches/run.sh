#!/usr/bin/env bash
# Measures the server beside its peers and prints one table: `benches/run.sh [ROW…]`, `--quick`,
# `--help`. Installs the peers from the system's packages where it may. Whatever it starts is ended by its number
# and whatever it writes is removed, also on Ctrl-C. See benches/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."

install_peers() {
  local missing=()
  command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing+=(nginx-light)
  [ -e /usr/lib/nginx/modules/ngx_nchan_module.so ] || missing+=(libnginx-mod-nchan)
  command -v wrk >/dev/null || missing+=(wrk)
  [ ${#missing[@]} -eq 0 ] && return
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
  if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
    echo "not installed, and cannot be installed here: ${missing[*]}; what needs them is left out" >&2
    return
  fi
  "${as_root[@]}" apt-get update -q >&2 || true
  # One by one: what one distribution does not have is not to keep the others away. No service is
  # to be started by an installation: the run level of this one says so.
  local package
  for package in "${missing[@]}"; do
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
      apt-get install -q -y --no-install-recommends "$package" >&2 ||
      echo "cannot be installed: $package; what needs it is left out" >&2
  done
}

scratch=$(mktemp -d)
mkdir "$scratch/pids"
driver=
end() {
  trap - EXIT INT TERM HUP
  if [ -n "$driver" ]; then kill -TERM "$driver" 2>/dev/null || true; wait "$driver" 2>/dev/null || true; fi
  # Each has the number of a process for its name; what has ended by itself has taken its own away.
  local pid
  for pid in "$scratch"/pids/*; do
    [ -e "$pid" ] && kill -TERM "${pid##*/}" 2>/dev/null
  done
  for pid in "$scratch"/pids/*; do
    for _ in $(seq 50); do
      [ -e "$pid" ] && kill -0 "${pid##*/}" 2>/dev/null || break
      sleep 0.1
    done
  done
  rm -rf "$scratch"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

case " $* ${BENCH_PEERS:+--list }" in *" --list "* | *" --help "*) ;; *) install_peers ;; esac
# 5,000 clients have a descriptor each here, and another in the server.
ulimit -n "$(ulimit -Hn)" || true
# The program as it is given out: built beside the benches it would have what only tests need in it.
built() { sed -n "s/.*\"name\":\"$1\".*\"executable\":\"\([^\"]*\)\".*/\1/p" | tail -n 1; }
if [ -z "${SPRINT_RUNNER_BIN:-}" ]; then
  SPRINT_RUNNER_BIN=$(cargo build --locked --quiet --release --bin sprint-runner --message-format=json |
    built sprint-runner)
  export SPRINT_RUNNER_BIN
fi
# Who measures need not be linked in one piece, and has a folder of its own.
figures=$(CARGO_PROFILE_BENCH_LTO=off CARGO_PROFILE_BENCH_CODEGEN_UNITS=16 \
  cargo build --locked --quiet --profile bench --bench figures --message-format=json \
  --target-dir "${CARGO_TARGET_DIR:-target}/figures" | built figures)
BENCH_SCRATCH=$scratch "$figures" "$@" &
driver=$!
code=0
wait "$driver" || code=$?
driver=
exit "$code"
