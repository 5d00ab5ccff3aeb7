# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# A reload by parts: what did not change goes on as if nothing had been, and a change of the files is noticed.

# obeyed AGENT, refused AGENT: how many reloads it was told of.
obeyed() { grep -c ' notice reloaded' "$CASE/$1.log" || true; }
refused() { grep -c 'reload refused' "$CASE/$1.log" || true; }
has_obeyed() { [ "$(obeyed "$1")" -ge "$2" ]; }
has_refused() { [ "$(refused "$1")" -ge "$2" ]; }

# questions: how many questions dnsmasq got.
questions() { grep -c 'query\[PTR\]' "$CASE/questions" || true; }

# Senders whose names come from a dnsmasq. Five reloads change another exporter: nobody is asked again, and no packet goes without its name.
names_stay() {
    local sent before round
    wire
    : >"$CASE/questions"
    background right dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file= \
        --listen-address=127.0.0.1 --bind-interfaces --cache-size=0 --log-queries --log-facility="$CASE/questions" \
        --host-record=sender.example,10.77.0.1 --synth-domain=pool.example,10.100.0.0/24,host-
    disown
    wait_for "dnsmasq" 3 listens right 53
    config a "source: tc, window: 500ms"
    sed -i -e "s|^enrich: .*|enrich: [{ plugin: reverse_dns, servers: [127.0.0.1], include: [10.0.0.0/8], hosts_file: '', timeout: 500ms }]|" \
        -e 's|attributes: \[transport\]|attributes: [src.name]|' \
        -e "s|^export: .*|export: [prometheus, { plugin: json_lines, path: $CASE/lines-0 }]|" "$CASE/a.yaml"
    agent a right
    wire_up
    sink right 10.77.0.2
    sent=$(gen left raw w0 "$(station right w0)" 10.77.0.2 640 10 100 2000 0)
    # The names have come, and the windows that waited for them are over.
    sleep 2.5
    before=$(questions)
    expect_that "somebody was asked" [ "$before" -ge 64 ]
    for round in 1 2 3 4 5; do
        sed -i "s|lines-[0-9]|lines-$round|" "$CASE/a.yaml"
        reload a
        sent+=$'\n'$(gen left raw w0 "$(station right w0)" 10.77.0.2 640 10 100 2000 0)
    done
    expect "questions after the first" "$before" "$(questions)"
    expect "what did not change" 5 "$(grep -c ' notice reloaded .*unchanged=2' "$CASE/a.log")"
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <<<"$sent")" "$(of packets <<<"$sent")"
    expect "packets with names" "$(of packets <<<"$sent")" "$(metric a weir_test_packets_total '.pool.example"')"
    remark "$before questions, and none more;"
}

# Ten reloads under traffic, some with another metric and another key: somebody always answers scrapes, no counter steps back, and no byte is lost.
ten_reloads() {
    local round before after generator
    wire
    config a "source: tc, window: 500ms"
    sed -i 's/^http: off/http: { listen: 127.0.0.1:9347 }/' "$CASE/a.yaml"
    agent a right
    wire_up
    sink right 10.77.0.2
    background left "$GEN" raw w0 "$(station right w0)" 10.77.0.2 1000 0 18 5000 15 >"$CASE/sent"
    generator=$!
    for round in $(seq 10); do
        if [ $((round % 3)) = 0 ]; then
            sed -i 's/^metrics:/&\n  more.bytes: { measure: bytes, attributes: [src.address, dst.port] }/' "$CASE/a.yaml"
        else
            sed -i '/more.bytes/d; /^log:/d' "$CASE/a.yaml"
            echo "log: { level: $([ $((round % 2)) = 0 ] && echo info || echo notice) }" >>"$CASE/a.yaml"
        fi
        before=$(scraped right weir_test_packets_total) || fail "nobody answers before reload $round"
        reload a
        after=$(scraped right weir_test_packets_total) || fail "nobody answers after reload $round"
        expect_that "reload $round: $before packets, then $after" [ "$after" -ge "$before" ]
        sleep 0.2
    done
    wait $generator
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <"$CASE/sent")" "$(of packets <"$CASE/sent")"
    expect "reloads" 10 "$(metric a weir_config_reloads_total success)"
}

# A file that is written in place, replaced as editors do, becomes a link into a ConfigMap, is swapped there, is wrong, and right again: each is
# noticed, once, while frames keep coming.
watched() {
    local generator
    wire
    config a "source: tc, window: 500ms"
    echo 'reload: watch' >>"$CASE/a.yaml"
    agent a right
    wire_up
    sink right 10.77.0.2
    background left "$GEN" raw w0 "$(station right w0)" 10.77.0.2 1000 0 18 2000 45 >"$CASE/sent"
    generator=$!

    { cat "$CASE/a.yaml"; echo 'log: { level: notice }'; } >"$CASE/next"
    cat "$CASE/next" >"$CASE/a.yaml"
    wait_for "a reload: written in place" 15 has_obeyed a 1
    sed -i 's/level: notice/level: info/' "$CASE/a.yaml"
    wait_for "a reload: replaced" 15 has_obeyed a 2

    mkdir "$CASE/..1" "$CASE/..2"
    cp -p "$CASE/a.yaml" "$CASE/..1/a.yaml"
    sed 's/level: info/level: notice/' "$CASE/a.yaml" >"$CASE/..2/a.yaml"
    chmod 0600 "$CASE/..2/a.yaml"
    ln -s ..1 "$CASE/..data"
    ln -s ..data/a.yaml "$CASE/link"
    mv -T "$CASE/link" "$CASE/a.yaml"
    wait_for "a reload: a link" 15 has_obeyed a 3
    ln -s ..2 "$CASE/..data_tmp"
    mv -T "$CASE/..data_tmp" "$CASE/..data"
    wait_for "a reload: the ConfigMap's link" 15 has_obeyed a 4

    echo 'captur: {}' >>"$CASE/..2/a.yaml"
    wait_for "a refusal" 15 has_refused a 1
    expect_that "the mistake is in the log" grep -q 'captur' "$CASE/a.log"
    sleep 4
    expect "refused once" 1 "$(refused a)"
    sed -i '/captur:/d; s/level: notice/level: info/' "$CASE/..2/a.yaml"
    wait_for "a reload: right again" 15 has_obeyed a 5

    wait $generator
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <"$CASE/sent")" "$(of packets <"$CASE/sent")"
    expect "reloads, and refused ones" "5 1" "$(metric a weir_config_reloads_total success) $(metric a weir_config_reloads_total failure)"
    expect "the last one was right" 1 "$(metric a weir_config_last_reload_successful)"
}

# A folder as kubelet makes it of a ConfigMap, writable for all and mounted read-only: it is obeyed, and followed.
config_map() {
    wire
    mkdir -p "$CASE/map/..1" "$CASE/map/..2" "$CASE/mounted"
    config a "source: tc, window: 500ms"
    { cat "$CASE/a.yaml"; echo 'reload: watch'; } >"$CASE/map/..1/weir.yaml"
    sed 's/window: 500ms/window: 300ms/' "$CASE/map/..1/weir.yaml" >"$CASE/map/..2/weir.yaml"
    ln -s ..1 "$CASE/map/..data"
    ln -s ..data/weir.yaml "$CASE/map/weir.yaml"
    chmod 0777 "$CASE/map"
    ln -sf mounted/weir.yaml "$CASE/a.yaml"
    mount --bind "$CASE/map" "$CASE/mounted"
    # shellcheck disable=SC2064
    trap "umount -l '$CASE/mounted'; remove_everything" EXIT
    if in_host right timeout 10 "$WEIR" run --config "$CASE/a.yaml" >/dev/null 2>"$CASE/refused"; then fail "a folder that all may write was obeyed"; fi
    expect_that "it says why" grep -q 'writable by everyone' "$CASE/refused"
    mount -o remount,bind,ro "$CASE/mounted"
    agent a right
    ln -s ..2 "$CASE/map/..data_tmp"
    mv -T "$CASE/map/..data_tmp" "$CASE/map/..data"
    wait_for "a reload: the ConfigMap's link" 15 has_obeyed a 1
    stop_agent a
    expect_books a
}

run_case reload-names-stay names_stay
run_case reload-ten ten_reloads
run_case reload-watched watched
run_case reload-config-map config_map
