#!/usr/bin/env python3
"""A VPN without secrets: what enters tun0 in one network namespace comes out of tun0 in the other.

    vpn.py NAMESPACE NAMESPACE

Makes both interfaces, says "ready" and works until it is ended; they go with it. Needs root.
"""
import ctypes
import fcntl
import os
import select
import struct
import sys

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001

libc = ctypes.CDLL(None, use_errno=True)


def tun(namespace):
    with open('/run/netns/' + namespace) as entry:
        if libc.setns(entry.fileno(), CLONE_NEWNET) != 0:
            sys.exit('%s: %s' % (namespace, os.strerror(ctypes.get_errno())))
    device = os.open('/dev/net/tun', os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack('16sH22x', b'tun0', IFF_TUN_NO_PI))
    return device


near, far = (tun(namespace) for namespace in sys.argv[1:3])
print('ready', flush=True)
while True:
    for end in select.select([near, far], [], [])[0]:
        packet = os.read(end, 65536)
        try:
            os.write(far if end == near else near, packet)
        except OSError:
            pass  # an end that is down takes nothing
