#!/usr/bin/env python3
"""A dyndns2 server on 127.0.0.1 that says when each request came: one JSON line an answered request, times in monotonic ns.

    server.py [--delay MS] [--tls CERTIFICATE KEY]

The first line on standard output is the port. Every thread is one connection; a line is written after its answer was sent, so
that reporting delays nobody. It ends when standard input does.
"""

import argparse
import base64
import json
import os
import socket
import ssl
import sys
import threading
import time
from urllib.parse import parse_qs, urlsplit

CREDENTIALS = "Basic " + base64.b64encode(b"u:secret-of-the-bench").decode()
HEAD_LIMIT = 1 << 20

held = {}
lock = threading.Lock()


def answer(target, authorization):
    """The status line, the body, and the names and the address that were asked for."""
    url = urlsplit(target)
    if url.path != "/nic/update":
        return "404 Not Found", "911\n", [], ""
    query = parse_qs(url.query)
    names = [name for value in query.get("hostname", []) for name in value.split(",")]
    address = query.get("myip", [""])[0]
    if authorization != CREDENTIALS:
        return "401 Unauthorized", "badauth\n", names, address
    words = []
    with lock:
        for name in names:
            words.append(f"{'nochg' if held.get(name) == address else 'good'} {address}\n")
            held[name] = address
    return "200 OK", "".join(words), names, address


def serve(plain, number, accepted, delay, tls):
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with tls.wrap_socket(plain, server_side=True) if tls else plain as connection:
            buffered = b""
            while True:
                while b"\r\n\r\n" not in buffered and len(buffered) < HEAD_LIMIT:
                    part = connection.recv(65536)
                    if not part:
                        return
                    buffered += part
                arrived = time.monotonic_ns()
                head, _, buffered = buffered.partition(b"\r\n\r\n")
                request, *lines = head.decode("latin-1").split("\r\n")
                fields = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
                _, target, version = request.split(" ")
                time.sleep(delay)
                status, body, names, address = answer(target, fields.get("authorization"))
                wants = fields.get("connection", "close" if version == "HTTP/1.0" else "keep-alive").lower()
                connection.sendall(
                    f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: {wants}\r\n\r\n{body}".encode()
                )
                answered = time.monotonic_ns()
                line = {"connection": number, "accepted": accepted, "arrived": arrived, "answered": answered}
                line |= {"status": int(status[:3]), "names": names, "address": address}
                os.write(1, json.dumps(line).encode() + b"\n")
                if "close" in wants:
                    if tls:
                        connection.unwrap()
                    return
    except (OSError, ValueError) as error:
        print(f"connection {number}: {error}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0, help="milliseconds that each request takes")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    options = parser.parse_args()
    tls = None
    if options.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*options.tls)
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    os.write(1, f"{listener.getsockname()[1]}\n".encode())
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    number = 0
    while True:
        connection, _ = listener.accept()
        number += 1
        arguments = (connection, number, time.monotonic_ns(), options.delay / 1000, tls)
        threading.Thread(target=serve, args=arguments, daemon=True).start()


if __name__ == "__main__":
    main()
