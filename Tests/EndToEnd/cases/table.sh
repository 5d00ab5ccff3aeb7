# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# The exactness table itself: what is off must show, or a table of zeros would mean nothing.

# rows LINE…: the table of these lines of CELLS, words for fields, in $CASE/table; leaves its status in STATUS.
rows() {
    STATUS=0
    printf '%s\n' "${@:2}" | tr ' ' '\t' >"$CASE/cells"
    (CELLS=$CASE/cells && exactness_table "$1") >"$CASE/table" || STATUS=$?
}

table_tells() {
    local cell="tcx IPv4 UDP off few none"
    rows text "planned $cell" "measured $cell generator 1000 10 0 0" "measured $cell classes 500 5 0 0"
    expect "status of nothing off" 0 "$STATUS"
    expect_that "both truths, all packets" grep -q ' 15  *0  *0  generator; classes$' "$CASE/table"
    expect_that "summary" grep -qx '1 cells, all 0' "$CASE/table"
    # More here and less there are two faults, not none.
    rows text "measured $cell generator 1000 10 3 -1" "measured $cell generator 1000 10 -3 1"
    expect "status of something off" 1 "$STATUS"
    expect_that "both differences" grep -q ' 20  *6  *2  generator$' "$CASE/table"
    expect_that "the cell by name" grep -q '6 bytes, 2 packets off of 20' "$CASE/table"
    rows summary "planned $cell"
    expect "status of a cell that was not measured" 1 "$STATUS"
    expect_that "the cell by name" grep -q 'few .* not measured' "$CASE/table"
    rows json "planned $cell" "measured $cell say\"so 1000 10 0 1"
    expect "status of something off, as JSON" 1 "$STATUS"
    expect_that "escaped" grep -qF '"packets":10,"bytesOff":0,"packetsOff":1,"truth":"say\"so"}' "$CASE/table"
    expect_that "faults" grep -qF '"faults":1}' "$CASE/table"
}

run_case table-tells table_tells
