#!/usr/bin/env python3
"""Takes the bodies out of tests/hostile/data, as seeds for the fuzz targets: seeds.py FOLDER makes FOLDER/TARGET/..."""

import hashlib
import json
import pathlib
import sys

DATA = pathlib.Path(__file__).parent.parent / "tests" / "hostile" / "data"
# By the class of an entry that is no answer over HTTP: whose seeds its octets are.
TARGETS = {
    "dns": ["dns_answer", "whoami_answer"],
    "nat-pmp": ["natpmp"],
    "pcp": ["pcp"],
    "stun": ["stun_answer"],
    "upnp": ["upnp"],
}
MOST = 4096  # what the fuzzer makes at most


def seeds():
    for path in sorted(DATA.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            if path.stem in TARGETS:
                octets = entry["octets"].encode("latin-1")
                for target in TARGETS[path.stem]:
                    yield target, octets
                continue
            first = entry["send"][0]
            if isinstance(first, dict) and "octets" in first:
                head, _, body = first["octets"].encode("latin-1").partition(b"\r\n\r\n")
                yield "echo_body", body
                for field in head.split(b"\r\n"):
                    if field.lower().startswith(b"x-client-ip:"):
                        yield "echo_body", field.partition(b":")[2].strip()


def main():
    folder = pathlib.Path(sys.argv[1])
    for target, octets in seeds():
        place = folder / target
        place.mkdir(parents=True, exist_ok=True)
        # Many entries have the same body.
        (place / hashlib.sha1(octets).hexdigest()).write_bytes(octets[:MOST])


main()
