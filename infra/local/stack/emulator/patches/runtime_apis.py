"""The servers from which functions take their invocations, which admit only the function itself.

Each execution environment has one, on a port of loopback, without any credentials: with ministack a
program that asks it first gets the next event, and can answer it. The rules are those of the crate
`local-gate`.

Leaves when ministack offers a function its invocations in a way that no other user can reach.
"""

import http.server
import os
import socket
import socketserver
import time


def apply():
    socketserver.BaseServer.verify_request = is_of_this_user
    parse = http.server.BaseHTTPRequestHandler.parse_request

    def parse_request(handler):
        if not parse(handler):
            return False
        host = handler.headers.get("Host", "").rsplit(":", 1)[0]
        site = handler.headers.get("Sec-Fetch-Site", "none")
        is_here = host in ("127.0.0.1", "localhost")
        if is_here and "Origin" not in handler.headers and site == "none":
            return True
        handler.send_error(403, "This server is for a function alone")
        return False

    http.server.BaseHTTPRequestHandler.parse_request = parse_request


def is_of_this_user(_server, connection, peer):
    """Whether the other end of a TCP connection is a socket of a process of this user."""

    def written(address):
        host, port = address
        return f"{socket.inet_aton(host)[::-1].hex().upper()}:{port:04X}"

    ends = [written(peer), written(connection.getsockname())]
    # A table that changes while it is read can lack a row.
    for _ in range(5):
        with open("/proc/net/tcp") as table:
            for row in table:
                columns = row.split()
                if columns[1:3] == ends:
                    # The user, and the inode that a socket without a process does not have.
                    return columns[7] == str(os.geteuid()) and columns[9] != "0"
        time.sleep(0.01)
    return False
