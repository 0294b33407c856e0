#!/usr/bin/env bash
# Builds the Debian package: the release, its manual pages, its completions. Needs cargo-deb
# (cargo install --locked cargo-deb); prints where the package lies.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --locked --release
made=target/packaging
rm -rf "$made"
mkdir -p "$made/man"
runner=target/release/sprint-runner
"$runner" man --out "$made/man"
"$runner" completions bash >"$made/sprint-runner.bash"
"$runner" completions zsh >"$made/_sprint-runner"
"$runner" completions fish >"$made/sprint-runner.fish"
cargo deb --locked --no-build
