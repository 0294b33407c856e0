#!/usr/bin/env bash
# Runs every test there is: the crate's own, those against the release binary, the page's types and
# its model, and the browser tests in real Chromium. Installs what they need from system and language
# packages. Its last line says how many ran and which were left out; what is left out without
# being listed in tests/left-out.txt fails the run.
set -euo pipefail
cd "$(dirname "$0")/.."
# As many open files as the system allows: some tests hold thousands of connections.
ulimit -Sn "$(ulimit -Hn)" 2>/dev/null || true

# What hangs ends with a word, and so does all that it has started. Signals do what they usually do:
# whoever starts this may ignore some (a shell does for what runs in the background), and programs
# that a test's Ctrl-C is to end would keep to that.
within() {
  local minutes=$1 status=0
  shift
  timeout --kill-after=20 "${minutes}m" env --default-signal "$@" </dev/null &
  # A group of its own has no Ctrl-C from the terminal.
  trap "kill $! 2>/dev/null" INT TERM
  wait $! || status=$?
  if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
    echo "not finished after $minutes minutes: $*" >&2
  fi
  return "$status"
}

log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT

install_packages() {
  local missing=()
  command -v chromium >/dev/null || missing+=(chromium)
  command -v node >/dev/null || missing+=(nodejs)
  command -v npm >/dev/null || missing+=(npm)
  command -v curl >/dev/null || missing+=(curl)
  python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
  if [ -n "${SPRINT_RUNNER_HEAVY:-}" ]; then
    command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing+=(nginx)
    command -v strace >/dev/null || missing+=(strace)
    command -v faketime >/dev/null || missing+=(faketime)
    command -v ip >/dev/null || [ -x /usr/sbin/ip ] || missing+=(iproute2)
  fi
  [ ${#missing[@]} -eq 0 ] && return
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true 2>/dev/null; then
      echo "missing: ${missing[*]}; install them, or run this where apt-get may be used" >&2
      exit 1
    fi
    as_root=(sudo -n)
  fi
  if ! command -v apt-get >/dev/null; then
    echo "missing: ${missing[*]}, and there is no apt-get to install them with" >&2
    exit 1
  fi
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}"
}

install_packages

# One build serves the tests and the browser: the same profile throughout. It is the release build,
# but for the slow linking of each program in one piece, which changes size and nothing else.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
cargo build --locked --release
# Tests that need root, minutes or gigabytes say their own name to the switch. They run behind the
# others, few at a time: beside them they would starve what waits for an answer.
mapfile -t heavy < <(grep -rhoE '"(b[0-9]{2}|schemathesis|team)_[a-z0-9_]+"' tests --include='*.rs' | tr -d '"' | sort -u)
cargo test --locked --release --no-run
if [ -z "${SPRINT_RUNNER_HEAVY:-}" ]; then
  within 25 cargo test --locked --release -- --show-output 2>&1 | tee "$log/cargo"
else
  within 25 cargo test --locked --release -- --show-output "${heavy[@]/#/--skip=}" 2>&1 | tee "$log/cargo"
  # One of them chooses the number of the next process: nothing else may start one meanwhile.
  alone=b27_a_stranger_with_a_pid_of_ours_is_not_touched
  within 25 cargo test --locked --release --test all -- --show-output --test-threads=2 --skip="$alone" "${heavy[@]}" 2>&1 | tee -a "$log/cargo"
  within 25 cargo test --locked --release --test all -- --show-output "$alone" 2>&1 | tee -a "$log/cargo"
fi

(cd tests/browser && npm ci --no-audit --no-fund --loglevel=error && npm run --silent types)
# Clients of other people. Where they cannot be installed their tests are left out, and said so.
python3 -m venv "$log/python" && "$log/python/bin/pip" install -q --disable-pip-version-check \
  -r tests/clients/requirements.txt || rm -rf "$log/python"
CLIENTS_PYTHON="$log/python/bin/python" SPRINT_RUNNER_BIN="$PWD/target/release/sprint-runner" CHROMIUM="$(command -v chromium)" \
  within 30 node --test --test-concurrency=1 --test-reporter=tap tests/browser/*.test.mjs 2>&1 | tee "$log/browser"

# cargo: "test result: ok. 10 passed; 0 failed; 1 ignored; …", one line a program.
passed=$(awk '/^test result:/ { sum += $4 } END { print sum + 0 }' "$log/cargo")
# Ignored ones, and those that say themselves that they could not run: "left out: NAME: why".
names=$(
  { sed -n 's/^test \(.*\) \.\.\. ignored.*/\1/p' "$log/cargo"
    sed -n 's/^.*left out: \([^:]*\):.*/\1/p' "$log/cargo"
    sed -n 's/^ *ok [0-9]* - \(.*\) # SKIP.*/\1/p' "$log/browser"
  } | sort -u
)
browser=$(sed -n 's/^# pass \([0-9]*\)$/\1/p' "$log/browser")
expected=$(ls tests/browser/*.test.mjs | wc -l)
if [ -z "$browser" ] || [ "$browser" -lt "$expected" ]; then
  echo "the browser tests did not all run: ${browser:-0} passed, $expected files" >&2
  exit 1
fi

unlisted=0
count=0
list=""
while IFS= read -r name; do
  [ -z "$name" ] && continue
  count=$((count + 1))
  list="$list $name"
  if ! grep -q "^$name:" tests/left-out.txt; then
    echo "left out without a reason in tests/left-out.txt: $name" >&2
    unlisted=1
  fi
done <<<"$names"
echo "ran $((passed + browser)), left out $count:${list:- none}"
exit $unlisted
