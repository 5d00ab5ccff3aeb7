# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# The exactness table. A cell is SOURCE FAMILY PROTOCOL OFFLOAD LOAD EVENT; what was measured for it is written down as it
# is measured, and table.awk makes the rows. Sourced by lib.sh; CELLS is the file, one line of tab-separated fields each:
#
#   planned     cell
#   measured    cell  truth  expected bytes  expected packets  bytes off  packets off
#   unpromised  cell  where the documentation says so  the sentence
#   opinion     family  protocol  offload  conversations  bytes and packets by the wire, tshark, replay, live agent

# The cell of the case that runs, as a prefix to run_case: CELL="tcx IPv4 UDP off many none" run_case …. Without one a case is
# no part of the table; `various` says that the case names its cells itself.
CELL=

row() { (IFS=$'\t' && echo "$*") >>"$CELLS"; }

# measurements: how many there are so far.
measurements() { awk '$1 == "measured" { count++ } END { print count + 0 }' "${CELLS:-/dev/null}"; }

# planned CELL: will be measured. One that then was not is a fault of the run.
# shellcheck disable=SC2086
planned() {
    [ "$(wc -w <<<"$1")" = 6 ] || { echo "run: '$1' is no cell: SOURCE FAMILY PROTOCOL OFFLOAD LOAD EVENT" >&2; exit 2; }
    row planned $1
}

# measured CELL TRUTH EXPECTED_BYTES EXPECTED_PACKETS BYTES PACKETS: fails the case unless they are the same.
measured() {
    # shellcheck disable=SC2086
    [ -z "$1" ] || [ "$1" = various ] || row measured $1 "$2" "$3" "$4" $(($5 - $3)) $(($6 - $4))
    [ "$5" = "$3" ] && [ "$6" = "$4" ] || fail "${1:-$2}: expected $3 bytes $4 packets got $5 bytes $6 packets"
    [ "$4" -gt 0 ] || fail "${1:-$2}: no traffic, so nothing was shown"
}

# not_promised CELL FILE#ANCHOR SENTENCE: a cell that has no expected value, because the documentation says so, there and in these words.
not_promised() {
    section "$here/../../${2%#*}" "${2#*#}" | tr -s '\n ' ' ' | grep -F -- "$3" >/dev/null || { echo "run: $2 does not say: $3" >&2; exit 2; }
    # shellcheck disable=SC2086
    row unpromised $1 "$2" "$3"
}

# section FILE ANCHOR: what stands under the heading of that anchor, with the smaller headings below it.
section() {
    awk -v anchor="$2" '
        /^```/ { code = !code }
        /^#+ / && !code {
            depth = index($0, " ") - 1
            name = tolower(substr($0, depth + 2))
            gsub(/[^a-z0-9 _-]/, "", name)
            gsub(/ /, "-", name)
            if (inside && depth <= top) inside = 0
            if (name == anchor) { inside = 1; top = depth }
        }
        inside' "$1"
}

# opinion CELL CONVERSATIONS WIRE TSHARK REPLAY LIVE: the sums of one row of the second opinion, each "BYTES PACKETS".
# shellcheck disable=SC2086
opinion() { row opinion $1 $2 $3 $4 $5 $6; }

# exactness_table text|json|summary FAILED: prints it; fails when a cell is not 0, or was not measured, or when cases FAILED, so many and
# for whatever reason.
exactness_table() {
    sort -s -t $'\t' -k 2,7 "$CELLS" | awk -v format="$1" -v failed="$2" -f "$here/table.awk"
}
