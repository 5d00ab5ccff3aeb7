# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0

# Reads requests as `otlp_decode.py` prints them, in the order of their coming; prints one "SERIES VALUE" a line as the prometheus
# exporter would name the series. Delta: the sum of the points. Cumulative: the last value of each start, those of one series added up.

function scalar(    text) { text = $0; sub(/^[^:]*: /, "", text); gsub(/^"|"$/, "", text); return text }

/^ *[a-z_]+ \{$/ { path[++depth] = $1 }
/^ *\}$/ {
    if (path[depth] == "data_points") note()
    if (path[depth] == "attributes" && path[depth - 1] == "data_points") { gsub(/[^A-Za-z0-9]/, "_", key); labels[++count] = key "=" value }
    depth--
    next
}
path[depth] == "metrics" && $1 == "name:" { metric = scalar(); unit = "" }
path[depth] == "metrics" && $1 == "unit:" { unit = scalar() }
path[depth] == "sum" && $1 == "aggregation_temporality:" { temporality = $2 }
$0 ~ /data_points \{$/ { count = 0; start = amount = 0 }
path[depth] == "data_points" && $1 == "start_time_unix_nano:" { start = $2 }
path[depth] == "data_points" && $1 == "time_unix_nano:" && $2 < start { print "a point ends before it begins"; broken = 1 }
path[depth] == "data_points" && $1 == "as_int:" { amount = $2 }
path[depth] == "attributes" && $1 == "key:" { key = scalar() }
path[depth] == "value" && NF == 2 { value = scalar() }

function note(    series, i, j, swap) {
    for (i = 2; i <= count; i++) for (j = i; j > 1 && labels[j] < labels[j - 1]; j--) { swap = labels[j]; labels[j] = labels[j - 1]; labels[j - 1] = swap }
    series = metric
    gsub(/[^A-Za-z0-9]/, "_", series)
    if (unit == "By" && series !~ /_bytes$/) series = series "_bytes"
    series = series "_total"
    for (i = 1; i <= count; i++) series = series (i == 1 ? "|" : ",") labels[i]
    points++
    # The temporality stands behind the points of its metric, and is the same for all: both ways are kept.
    sums[series] += amount
    last[series, start] = amount
}

END {
    if (temporality == "AGGREGATION_TEMPORALITY_DELTA") {
        for (series in sums) printf "%s %.0f\n", series, sums[series]
    } else {
        for (both in last) { split(both, part, SUBSEP); totals[part[1]] += last[both] }
        for (series in totals) printf "%s %.0f\n", series, totals[series]
    }
    exit broken || !points
}
