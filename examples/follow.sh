#!/bin/sh
# Prints every event of a sprint as one line of JSON and loses none, whatever breaks in between: the
# id of the last one printed is kept in a file, and the server is asked for what came after it.
#
#   examples/follow.sh [http://127.0.0.1:8080] [FILE]
#
# With a token: SPRINT_RUNNER_TOKEN=… examples/follow.sh
set -eu
base=${1:-http://127.0.0.1:8080}
place=${2:-./sprint-runner.last-id}

while :; do
  last=$(cat "$place" 2>/dev/null || true)
  # Without a last id the stream begins with `init`: where the sprint stands now.
  set -- --silent --no-buffer --header "Accept: text/event-stream"
  [ -z "$last" ] || set -- "$@" --header "Last-Event-ID: $last"
  [ -z "${SPRINT_RUNNER_TOKEN:-}" ] || set -- "$@" --header "Authorization: Bearer $SPRINT_RUNNER_TOKEN"
  curl "$@" "$base/sse" | while IFS= read -r line; do
    case $line in
      # The id stands before its data: it counts once the data is printed.
      "id: "*) id=${line#id: } ;;
      "data: "*)
        printf '%s\n' "${line#data: }"
        [ -z "${id:-}" ] || printf '%s\n' "$id" >"$place"
        ;;
    esac
  done || true
  # The server has ended, or is not there yet.
  sleep 2
done
