"""Unsigned programs store and fetch objects in SeaweedFS through the proxy; without it they are refused."""

import os

import pytest

from clients import CLIENTS, Place, Refused, forward, forward_virtual, gateway, missing
from conftest import BUCKET

# Keys that break signing proxies. SeaweedFS itself collapses `//`, reads a backslash as a slash and takes no `.` or `..`:
# tests/e2e has those.
KEYS = [
    "plain.txt",
    "dir/with/levels.txt",
    "space in name.txt",
    "plus+sign.txt",
    "a+b (1) c.txt",
    "dt=2024-05-22/part=1.parquet",
    "a+b(c)'!*@$,;:&.bin",
    "percent%sign",
    "literal%2Fslash",
    "literal%20space",
    "literal%2Bplus",
    "literal%25percent",
    "question?mark=1&b",
    "hash#mark",
    "amp&ersand",
    "colon:and@at",
    "semi;colon,comma",
    "bang!'()*star",
    "dollar$sign",
    "tilde~dash-under_dot.",
    "brackets[0]{1}",
    "pipe|caret^tick`",
    'quote"double',
    "angle<less>greater",
    "umlaut-ä-é",
    "日本語/キー.txt",
    "crab-🦀.txt",
    "combining-e\u0301",
    "...three-dots",
    ".hidden",
    " leading-space",
    "UPPER/lower/MiXeD.TXT",
    "l" * 200,
    "looks/like/@store/x",
    "empty",
]
SIZES = [1, 700, 65_536, 200_003]
# Beyond what is kept in memory, and beyond what the AWS CLI sends in one part.
LARGE = 9 * 1024 * 1024 + 17

MODES = {"gateway": gateway, "forward": forward, "forward-virtual": forward_virtual}
# These build the host name themselves, from the base URL they were given.
PATH_STYLE_ONLY = {"aws-cli", "rclone", "s5cmd", "boto3"}
MATRIX = [
    (name, mode)
    for name in CLIENTS
    for mode in MODES
    if not (mode == "forward-virtual" and name in PATH_STYLE_ONLY) and not (name == "curl-h2c" and mode != "gateway")
]


@pytest.fixture(scope="module")
def contents(scratch):
    """One file for each key, and a large one."""
    folder = scratch / "contents"
    folder.mkdir()
    files = []
    for index, key in enumerate([*KEYS, "large.bin"]):
        size = {"empty": 0, "large.bin": LARGE}.get(key, SIZES[index % len(SIZES)])
        file = folder / str(index)
        file.write_bytes(os.urandom(size))
        files.append((key, file))
    return files


def client_named(name):
    why = missing(CLIENTS[name])
    if why:
        pytest.skip(why)
    return CLIENTS[name]


def stored(signed, prefix):
    pages = signed.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}


@pytest.mark.parametrize(("name", "mode"), MATRIX)
def test_stores_and_fetches_byte_for_byte(name, mode, proxy, contents, signed, tmp_path):
    client = client_named(name)
    prefix = f"{name}-{mode}"
    items = [(f"{prefix}/{key}", file) for key, file in contents]
    client(MODES[mode](proxy, BUCKET), items, tmp_path)

    for index, (key, file) in enumerate(items):
        assert (tmp_path / str(index)).read_bytes() == file.read_bytes(), f"{key} came back different"
    # The second opinion: a signing client asks the store itself.
    assert stored(signed, f"{prefix}/") == {key: file.stat().st_size for key, file in items}
    for key, file in items:
        assert signed.get_object(Bucket=BUCKET, Key=key)["Body"].read() == file.read_bytes(), key


# SeaweedFS does not speak HTTP/2 without TLS.
@pytest.mark.parametrize("name", [name for name in CLIENTS if name != "curl-h2c"])
def test_is_refused_without_the_proxy(name, store, contents, signed, tmp_path):
    client = client_named(name)
    prefix = f"{name}-direct"
    items = [(f"{prefix}/{key}", file) for key, file in contents[:1]]
    with pytest.raises(Refused) as rejection:
        client(Place(store.url, BUCKET), items, tmp_path)
    said = str(rejection.value)
    assert any(word in said for word in ("403", "Forbidden", "Access Denied", "AccessDenied")), said
    assert stored(signed, f"{prefix}/") == {}
