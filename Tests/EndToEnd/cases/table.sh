# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# The exactness table itself: what is off must show, or a table of zeros would mean nothing.

# rows FORMAT LINE…: the table of these lines of CELLS, words for fields, in $CASE/table; leaves its status in STATUS. FAILED=1 is a case.
rows() {
    STATUS=0
    printf '%s\n' "${@:2}" | tr ' ' '\t' >"$CASE/cells"
    (CELLS=$CASE/cells && exactness_table "$1" "${FAILED:-0}") >"$CASE/table" || STATUS=$?
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
    rows json "planned $cell" "measured $cell say\"s\\o 1000 10 0 1"
    expect "status of something off, as JSON" 1 "$STATUS"
    expect_that "escaped" grep -qF '"packets":10,"bytesOff":0,"packetsOff":1,"truth":"say\"s\\o"}' "$CASE/table"
    expect_that "faults" grep -qF '"faults":1,"failedCases":0}' "$CASE/table"
}

# Cells may be 0 where a case failed for another reason.
table_tells_of_failures() {
    local cell="tcx IPv4 UDP off few none" format
    for format in text summary json; do
        FAILED=2 rows $format "measured $cell generator 1000 10 0 0"
        expect "status with failed cases, as $format" 1 "$STATUS"
        expect "all well, as $format" 0 "$(grep -c 'all 0' "$CASE/table" || true)"
    done
    expect_that "how many" grep -qF '"faults":0,"failedCases":2}' "$CASE/table"
}

# case_of CELL COMMAND…: a case of its own, with results and cells of its own; prints what run_case does, and leaves its status in STATUS.
case_of() {
    STATUS=0
    mkdir -p "$CASE/inner"
    : >"$CASE/inner/cells"
    (RESULTS=$CASE/inner/results CELLS=$CASE/inner/cells CASE=$CASE/inner/case CELL=$1 ONLY= && trap - ERR EXIT && run_case inner "${@:2}") \
        >"$CASE/inner/out" 2>&1 || STATUS=$?
}

measures_once() { measured "tcx IPv4 UDP off few none" generator 1000 10 1000 10; }

# A case that has a cell and measures nothing, or whose cell is none, is a mistake of the case.
cells_are_measured() {
    case_of "tcx IPv4 UDP off few none" measures_once
    expect_that "it passes when it measures" grep -q '^ok ' "$CASE/inner/out"
    for cell in "tcx IPv4 UDP off few none" various; do
        case_of "$cell" true
        expect_that "$cell: it fails when it does not" grep -q "^FAIL inner .*measured nothing" "$CASE/inner/out"
    done
    case_of "" true
    expect_that "no cell, nothing to measure" grep -q '^ok ' "$CASE/inner/out"
    for cell in "tcx IPv4 UDP off few" "tcx IPv4 UDP off few none more"; do
        case_of "$cell" measures_once
        expect "$cell: status" 2 "$STATUS"
        expect_that "$cell: says what is missing" grep -qF "'$cell' is no cell" "$CASE/inner/out"
    done
}

run_case table-tells table_tells
run_case table-tells-of-failures table_tells_of_failures
run_case table-cells-are-measured cells_are_measured
