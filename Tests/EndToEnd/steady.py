# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0

"""Connections that are there before the agent, and stay: TCP from port 2000 to 25000, UDP from 2001 to 25001.

By the ports alone the server would be taken for the client.

    steady.py serve ADDRESS     answers what it gets
    steady.py call FROM TO      sends some bytes over each every 20 ms; a line once both were answered
"""

import socket
import sys
import threading
import time

SERVER_PORTS, CLIENT_PORTS = (25000, 25001), (2000, 2001)


def made(address, kind, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    return made


def answer(connection):
    while data := connection.recv(1000):
        connection.sendall(data)


def serve(address):
    # Any address of the namespace, as most servers do.
    anywhere = "::" if ":" in address else "0.0.0.0"
    listener, datagrams = made(anywhere, socket.SOCK_STREAM, SERVER_PORTS[0]), made(anywhere, socket.SOCK_DGRAM, SERVER_PORTS[1])
    listener.listen()

    def answer_datagrams():
        while True:
            data, sender = datagrams.recvfrom(1000)
            datagrams.sendto(data, sender)

    threading.Thread(target=answer_datagrams, daemon=True).start()
    while True:
        threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()


def call(here, there):
    sockets = [made(here, kind, port) for kind, port in zip((socket.SOCK_STREAM, socket.SOCK_DGRAM), CLIENT_PORTS)]
    for one, port in zip(sockets, SERVER_PORTS):
        one.connect((there, port))
        one.settimeout(5)
    is_said = False
    while True:
        for one in sockets:
            one.send(b"0123456789")
            one.recv(1000)
        if not is_said:
            print("both answered", flush=True)
            is_said = True
        time.sleep(0.02)


if sys.argv[1] == "serve":
    serve(sys.argv[2])
else:
    call(sys.argv[2], sys.argv[3])
