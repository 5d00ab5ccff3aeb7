# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# The otlp exporter beside the prometheus exporter: what a receiver took, decoded by OpenTelemetry's own package for Python, is what a
# scrape after the end says, series by series; the truth of both is the generator's.

OTLP_PACKAGES=(opentelemetry-proto==1.29.0 protobuf==5.29.5)
# Kept beside what is built, so that only the first run asks PyPI.
OTLP_PYTHON=$(realpath "$here/../..")/.build/python/$(printf '%s\n' "${OTLP_PACKAGES[@]//==/-}" | paste -sd+)

# otlp_packages: installed once; without them there is no second opinion, and so no pass.
otlp_packages() {
    [ ! -d "$OTLP_PYTHON" ] || return 0
    mkdir -p "${OTLP_PYTHON%/*}"
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$OTLP_PYTHON.new" "${OTLP_PACKAGES[@]}" \
        >"$WORK/pip" 2>&1 || {
        echo "run: ${OTLP_PACKAGES[*]} could not be installed:" >&2
        tail -5 "$WORK/pip" >&2
        rm -rf "$OTLP_PYTHON.new"
        exit 2
    }
    mv "$OTLP_PYTHON.new" "$OTLP_PYTHON"
    # Root runs this, and others build and clean here.
    chown -R --reference="${OTLP_PYTHON%/python/*}" "${OTLP_PYTHON%/*}"
}
otlp_packages

# otlp_receiver HOST: what it takes is in $CASE/requests.
otlp_receiver() {
    mkdir -p "$CASE/requests"
    background "$1" "$(dirname "$WEIR")/weir-otlp-receiver" "$CASE/requests" >"$CASE/receiver.log" 2>&1
    disown
    wait_for "the receiver to listen" 5 grep -q listening "$CASE/receiver.log"
}

receiver_is() { echo "$1" >"$CASE/requests/mode"; }

# taken: the series that the receiver knows, with their values.
taken() {
    PYTHONPATH=$OTLP_PYTHON python3 "$here/otlp_decode.py" "$CASE"/requests/*.bin >"$CASE/requests.txt" 2>"$CASE/requests.faults" ||
        echo "could not be decoded: $(head -3 "$CASE/requests.faults")"
    awk -f "$here/otlp.awk" "$CASE/requests.txt" | sort
}

# last_scrape AGENT: the same from its last metrics, without those of the agent itself.
last_scrape() {
    sed -n 's/^\(weir_\(network\|test\)_[a-z_]*\){\([^}]*\)} /\1|\3 /p' "$CASE/$1.prom" | sed 's/"//g' |
        awk '{ split($1, part, "|"); count = split(part[2], label, ","); for (i = 2; i <= count; i++) for (j = i; j > 1 && label[j] < label[j - 1]; j--) { swap = label[j]; label[j] = label[j - 1]; label[j - 1] = swap }
            line = part[1]; for (i = 1; i <= count; i++) line = line (i == 1 ? "|" : ",") label[i]; print line, $2 }' | sort
}

# same_sums TEMPORALITY TROUBLE…: the receiver is in trouble while traffic goes on, one kind after the other, and well at the end.
same_sums() {
    local temporality=$1 sent=$CASE/sent trouble station
    shift
    wire
    config a "source: tc, window: 500ms"
    sed -i "s|^export: .*|export: [prometheus, { plugin: otlp, endpoint: 'http://127.0.0.1:4318', interval: 400ms, timeout: 1s, temporality: $temporality, max_batch_points: 3 }]|" "$CASE/a.yaml"
    sed -i 's/^  test.bytes: .*/  test.bytes: { measure: bytes, filter: "dst.port == 9999", attributes: [src.address, dst.port] }/' "$CASE/a.yaml"
    otlp_receiver right
    agent a right
    wire_up
    sink right 10.77.0.2
    station=$(station right w0)
    for trouble in "$@"; do
        receiver_is "$trouble"
        gen left raw w0 "$station" 10.77.0.2 20 100 200 2000 0 >>"$sent"
        sleep 1.5
    done
    receiver_is good
    # A request that failed waits a minute at the most; the receiver is well for long enough to be found so.
    gen left raw w0 "$station" 10.77.0.2 20 100 200 2000 0 >>"$sent"
    [ $# = 0 ] || wait_for "a request that is taken" 70 has_fresh_request
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <"$sent")" "$(of packets <"$sent")"
    taken >"$CASE/taken"
    last_scrape a >"$CASE/scraped"
    expect "series of the receiver and of the scrape" "" "$(diff "$CASE/taken" "$CASE/scraped")"
    expect "series" 1 "$(($(wc -l <"$CASE/taken") > 20))"
    expect "lost" 0 "$(metric a weir_otlp_lost_total)"
    # A window is one of 500 ms, whatever the receiver does.
    expect_that "windows went on" [ "$(metric a weir_windows_total)" -ge $((3 * ($# + 1))) ]
    remark "$(wc -l <"$CASE/taken") series in $(find "$CASE/requests" -name '*.bin' | wc -l) requests;"
}

has_fresh_request() {
    local now
    now=$(find "$CASE/requests" -name '*.bin' | wc -l)
    [ -n "${REQUESTS_BEFORE:-}" ] || REQUESTS_BEFORE=$now
    [ "$now" -gt "$REQUESTS_BEFORE" ]
}

# away: nobody listens. The agent leaves in time, and what it could not send is counted: all of it.
away() {
    local sent temporality=$1
    wire
    config a "source: tc, window: 500ms"
    sed -i "s|^export: .*|export: [prometheus, { plugin: otlp, endpoint: 'http://127.0.0.1:4318', interval: 300ms, temporality: $temporality }]|" "$CASE/a.yaml"
    agent a right
    wire_up
    sink right 10.77.0.2
    sent=$(gen left raw w0 "$(station right w0)" 10.77.0.2 100 30 200 0 0)
    sleep 1
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <<<"$sent")" 3000
    expect "lost bytes" "$(of l3_bytes <<<"$sent")" "$(metric a weir_otlp_lost_total 'metric="weir.test.bytes"')"
    expect "lost packets" 3000 "$(metric a weir_otlp_lost_total 'metric="weir.test.packets"')"
    expect_that "the log says so" grep -q 'the receiver did not take everything' "$CASE/a.log"
}

# over_a_reload TEMPORALITY: differences do not begin anew, nor does anything get lost, though the receiver is away before and after one of
# the reloads.
over_a_reload() {
    local sent=$CASE/sent station
    wire
    config a "source: tc, window: 500ms"
    sed -i "s|^export: .*|export: [prometheus, { plugin: otlp, endpoint: 'http://127.0.0.1:4318', interval: 300ms, temporality: $1 }]|" "$CASE/a.yaml"
    otlp_receiver right
    agent a right
    wire_up
    sink right 10.77.0.2
    station=$(station right w0)
    for _ in 1 2 3; do
        gen left raw w0 "$station" 10.77.0.2 20 100 200 2000 0 >>"$sent"
        sleep 0.7
        reload a
    done
    receiver_is 503
    gen left raw w0 "$station" 10.77.0.2 20 100 200 2000 0 >>"$sent"
    sleep 1.2
    reload a
    gen left raw w0 "$station" 10.77.0.2 20 100 200 2000 0 >>"$sent"
    sleep 1.2
    receiver_is good
    gen left raw w0 "$station" 10.77.0.2 20 100 200 2000 0 >>"$sent"
    wait_for "a request that is taken" 70 has_fresh_request
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <"$sent")" "$(of packets <"$sent")"
    expect "series of the receiver and of the scrape" "" "$(diff <(taken) <(last_scrape a))"
    expect "lost" 0 "$(metric a weir_otlp_lost_total)"
}

run_case otlp-cumulative same_sums cumulative
run_case otlp-delta same_sums delta
run_case otlp-trouble-cumulative same_sums cumulative 503 reset cut hang 429
run_case otlp-trouble-delta same_sums delta 503 reset cut hang 429
run_case otlp-away-cumulative away cumulative
run_case otlp-away-delta away delta
run_case otlp-reload-cumulative over_a_reload cumulative
run_case otlp-reload-delta over_a_reload delta
