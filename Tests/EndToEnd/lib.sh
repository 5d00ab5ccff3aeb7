# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# What the cases are made of: how one runs, and how it waits; the rest stands in what this sources.
# Sourced by every case with WEIR, GEN, ATTACHED, WORK and RESULTS set.

PREFIX=weir-e2e
# The folder of the case that runs: configurations, logs, metrics.
CASE=$WORK/case
declare -A AGENT_PID

# shellcheck source=expect.sh
. "$here/expect.sh"
# shellcheck source=hosts.sh
. "$here/hosts.sh"
# shellcheck source=agent.sh
. "$here/agent.sh"
# shellcheck source=traffic.sh
. "$here/traffic.sh"
# shellcheck source=queries.sh
. "$here/queries.sh"
# shellcheck source=cells.sh
. "$here/cells.sh"
# shellcheck source=matrix.sh
. "$here/matrix.sh"

# ---- Cases ----

# run_case NAME FUNCTION [ARGUMENT…]: runs the function by itself, cleans up after it, prints one line.
run_case() {
    local name=$1 start status seconds measurements cells tries=0
    shift
    [[ $name == ${ONLY:-*} ]] || return 0
    [ -n "$CELL" ] || [ -z "${EXACT:-}" ] || return 0
    case $CELL in
        '' | various) ;;
        *) planned "$CELL" ;;
    esac
    measurements=$(measurements)
    start=$(now_ms)
    while true; do
        cells=$(stat -c %s "${CELLS:-/dev/null}")
        one_try "$@"
        status=$?
        # What the machine dropped on the way was sent and never arrived: that try shows nothing. Three in a row show a fault.
        tries=$((tries + 1))
        [ -e "$CASE/torn" ] && [ $tries -lt 3 ] || break
        truncate -s "$cells" "${CELLS:-/dev/null}"
    done
    set -e
    [ $tries = 1 ] || remark "(try $tries)"
    # Other cases may have measured the same cell.
    if [ -n "$CELL" ] && [ "$status" = 0 ] && [ "$(measurements)" = "$measurements" ]; then fail "has the cell '$CELL', and measured nothing"; fi
    seconds=$(awk -v ms=$(($(now_ms) - start)) 'BEGIN { printf "%.1fs", ms / 1000 }')
    if [ "$status" = 0 ] && ! [ -s "$CASE/failures" ]; then
        echo ok >>"$RESULTS"
        printf 'ok   %-34s %s   %s\n' "$name" "$(paste -sd' ' "$CASE/remark")" "$seconds"
        return
    fi
    echo failed >>"$RESULTS"
    printf 'FAIL %-34s %s   %s\n' "$name" "$(sort -u "$CASE/failures" | paste -sd';')" "$seconds"
    tail -q -n 5 "$CASE"/*.log 2>/dev/null | cut -c 1-240 | sed 's/^/       /' || true
    if [ -n "${KEEP:-}" ]; then cp -r "$CASE" "$WORK/$name"; fi
}

# one_try FUNCTION [ARGUMENT…]: leaves what failed in $CASE/failures; its status is that of the function. Switches `set -e` off.
one_try() {
    set +e
    rm -rf "$CASE"
    mkdir "$CASE"
    : >"$CASE/failures"
    : >"$CASE/remark"
    (
        set -eE
        trap 'fail "line $LINENO of ${BASH_SOURCE[0]##*/}: $BASH_COMMAND"' ERR
        trap remove_everything EXIT
        "$@"
    )
}

# torn: the wire dropped packets in this try.
torn() { : >"$CASE/torn"; }

skip_case() { printf 'skip %-34s %s\n' "$1" "$2"; }

now_ms() { date +%s%3N; }

fail() { echo "$*" >>"$CASE/failures"; }

# What the line of a passed case says.
remark() { echo "$*" >>"$CASE/remark"; }

# background HOST COMMAND…: leaves its number in $!. What a killed run leaves behind must not hold the lock of runs.
background() {
    local name=$1
    shift
    (
        trap - ERR EXIT
        exec nsenter --net="/run/netns/$PREFIX-$name" "$@"
    ) 3>&- 9>&- &
}

# wait_for_end PID: leaves in STATUS how the child ended.
wait_for_end() {
    STATUS=0
    wait "$1" 2>/dev/null || STATUS=$?
}

# wait_for WHAT SECONDS COMMAND…
wait_for() {
    local what=$1 end=$(($(now_ms) + $2 * 1000))
    shift 2
    until "$@"; do
        [ "$(now_ms)" -lt $end ] || { fail "waited in vain for $what"; exit 1; }
        sleep 0.05
    done
}
