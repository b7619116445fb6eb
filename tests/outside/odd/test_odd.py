"""Requests as sloppy clients send them: each is signed right and means what its sender meant, or is rejected for a reason
that is named, where AWS rejects it as well."""

import hashlib
import re
from email.header import decode_header, make_header

import pytest

from conftest import BUCKET
from odd import fields, framing, targets
from odd.expected import ALL, CHARACTERS, IN_KEYS, NEVER_IN_UTF_8, NOT_ON_HTTP_2, PLACES, REJECTED
from odd.programs import BODY, PROGRAMS, is_missing
from odd.wire import Wire, described
from odd.world import World, client_of
from raw import frames
from servers import Moto, Sandbox

ROWS = [*targets.rows(), *fields.rows(), *framing.rows()]
PROGRAM_PLACES = [place for place in PLACES if place.name != "S3 path"]
# How a rejected byte is named, and its code.
NAMED = {0x23: "'#'", 0x25: "'%'", 0x7F: "0x7f"}


@pytest.fixture(scope="module")
def moto(scratch):
    """One of its own, for from then on it checks signatures."""
    server = Moto(scratch / "odd-moto", "moto-odd")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def world(scratch, store, signed, moto):
    signed.put_object(Bucket=BUCKET, Key="there", Body=b"it is there")
    world = World(scratch / "odd", store, moto)
    yield world
    assert world.stop() == 0, "the proxy did not end well on SIGTERM"
    assert "panicked" not in world.proxy.log.read_text(errors="replace")


@pytest.fixture(scope="module")
def sandbox():
    server = Sandbox()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def wires(world):
    """A connection to each of the proxy's listeners, kept over the tests."""
    wires = {name: Wire(port) for name, port in world.ports.items()}
    yield wires
    for wire in wires.values():
        wire.close()


def test_there_are_as_many_requests_as_promised():
    names = [(row.kind, row.name, row.on) for row in ROWS]
    assert len(set(names)) == len(names)
    assert len(ROWS) >= 200
    assert len(ROWS) + len(PLACES) * len(ALL) >= 1000
    covered = {byte for character in CHARACTERS for byte in character.encode()}
    assert covered | NEVER_IN_UTF_8 == set(range(0x80, 0x100))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
@pytest.mark.parametrize("byte", ALL, ids=lambda byte: f"{byte:02x}")
def test_each_byte_is_signed_as_the_table_says(world, wires, place, byte):
    """botocore computes the same signature for what arrives."""
    world.recorded()
    wire = wires[place.on]
    response = wire.exchange("GET", place.raw(byte))
    expected = place.becomes(byte)
    requests, problems = world.recorded()
    assert not problems, problems
    if expected == REJECTED:
        check_rejection(response, place, byte)
        assert not requests and wire.is_closed()
        wire.close()
    else:
        assert response.status == 200, described(response)
        assert [message.start for _, message in requests] == [("GET", expected)]


def check_rejection(response, place, byte):
    assert response.status == 400, described(response)
    assert response.first("x-signing-proxy-error") in ("target-malformed", "head-malformed"), described(response)
    text = response.body.decode()
    assert NAMED[byte] in text and f"byte {place.offset()} of the target" in text, described(response)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_http_2_carries_the_same(world, place):
    """All characters on one connection, each signed as by HTTP/1, but for those that its library has no target with."""
    world.recorded()
    client = frames.Client(world.ports[place.on], timeout=10)
    texts = [f"a{character}z" for character in [*IN_KEYS, *CHARACTERS]]
    faults, targets = [], []
    for number, text in enumerate(texts):
        fields = [(":method", "GET"), (":scheme", "http"), (":authority", f"127.0.0.1:{world.ports[place.on]}")]
        client.send(frames.headers(2 * number + 1, [*fields, (":path", place.before + text + place.after)]))
        stream = client.stream(2 * number + 1)
        client.until(lambda: stream.is_over or client.is_gone)
        is_carried = not any(character in NOT_ON_HTTP_2[place.column] for character in text)
        targets += [place.wire(text)] if is_carried else []
        if client.is_gone or (stream.status != 200 if is_carried else stream.reset is None):
            faults.append(f"{text!r}: {stream} {client.goaway}")
    client.close()
    requests, problems = world.recorded()
    faults += problems
    assert not faults, shown(faults)
    assert sorted(message.start for _, message in requests) == sorted(("GET", target) for target in targets)


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.kind}: {row.name}" for row in ROWS])
def test_row(world, wires, signed, row):
    faults = []
    world.recorded()
    run(row, wires[row.on], faults)
    requests, problems = world.recorded()
    faults += problems
    got = [(*message.start, message.body) for _, message in requests]
    if got != row.sent:
        faults.append(f"the service got {got}, not {row.sent}")
    for name, value in row.present.items():
        if requests and requests[-1][1].all(name) != [value]:
            faults.append(f"the service got {name} as {requests[-1][1].all(name)}")
    faults += [f"the service got {name}" for name in row.absent if requests and name in requests[-1][1].names]
    if row.store is not None:
        run(row, wires["store"], faults, status=row.store)
        if row.key is not None:
            faults += read_back(signed, row)
    assert not faults, shown(faults)


def run(row, wire, faults, status=None):
    """Sends the row and looks at each response."""
    try:
        wire.send(row.octets(wire.port))
        if row.half_close:
            wire.end()
        for sent in row.sent or [(row.method, "", b"")]:
            response = wire.response(sent[0])
            check(row, response, status or row.status, faults)
        if row.closes and not wire.is_closed():
            faults.append("the connection stayed open")
    except (EOFError, OSError) as error:
        faults.append(f"no response: {error!r}")
        wire.close()
    if row.closes or row.half_close:
        wire.close()


def check(row, response, status, faults):
    if response.status != status:
        faults.append(f"not {status}: {described(response)}")
    if row.sent:
        return
    error = response.first("x-signing-proxy-error")
    if error is None or (row.error and error != row.error):
        faults.append(f"not {row.error}: {described(response)}")
    text = response.body.decode(errors="replace")
    faults += [f"{word!r} is not named: {described(response)}" for word in row.says if word not in text]


def read_back(signed, row):
    """By a client that signs by itself, of the store itself, under the key that was meant."""
    try:
        body = signed.get_object(Bucket=BUCKET, Key=row.key)["Body"].read()
    except signed.exceptions.ClientError as error:
        return [f"{row.key!r} is not there: {error}"]
    (put,) = [sent for sent in row.sent if sent[0] == "PUT"]
    return [] if body == put[2] else [f"{row.key!r} is {body!r}"]


@pytest.mark.parametrize("text", ["ü", "Zürich", "日本語 キー", "🦀 " * 30, "ä" * 200])
def test_metadata_beyond_ascii_is_read_back(wires, signed, text):
    """What AWS's own client gets are the encoded words that S3 gives it, too."""
    text = text.strip()
    response = wires["store"].exchange("PUT", b"/outside/o/metadata", b"", [b"x-amz-meta-a: " + text.encode()])
    assert response.status == 200, described(response)
    value = signed.head_object(Bucket=BUCKET, Key="o/metadata")["Metadata"]["a"]
    assert str(make_header(decode_header(value))) == text


def test_seaweedfs_has_each_object_under_the_key_that_was_meant(wires, signed):
    """Every byte that a text may have, bare in a path; boto3 then finds exactly these keys."""
    texts = [f"keys/{index:03}a{character}z" for index, character in enumerate([*IN_KEYS, *CHARACTERS])]
    # SeaweedFS takes a backslash for a slash.
    texts = [text for text in texts if "\\" not in text]
    faults = []
    for text in texts:
        response = wires["store"].exchange("PUT", f"/{BUCKET}/{text}".encode(), text.encode())
        if response.status != 200:
            faults.append(f"{text!r}: {described(response)}")
    assert not faults, shown(faults)
    assert sorted(stored(signed, "keys/")) == sorted(texts)
    for text in texts:
        assert signed.get_object(Bucket=BUCKET, Key=text)["Body"].read() == text.encode(), text


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(world, signed, name):
    """Each text stands in a key, in a query of S3, in a model's id and in a filter of EC2, as raw as the program sends it."""
    if why := is_missing(name):
        pytest.skip(why)
    program, texts = PROGRAMS[name]
    world.recorded()
    keys = [f"by-{name}/{index:03}a{text}z" for index, text in enumerate(texts) if text != "\\"]
    recorded = [(place, f"{index:03}a{text}z") for place in PROGRAM_PLACES for index, text in enumerate(texts)]
    orders = [("PUT", f"http://127.0.0.1:{world.ports['store']}/{BUCKET}/{key}") for key in keys]
    orders += [
        ("GET", f"http://127.0.0.1:{world.ports[place.on]}{place.before}{text}{place.after}") for place, text in recorded
    ]
    program(orders)

    objects = stored(signed, f"by-{name}/")
    assert sorted(objects) == sorted(keys)
    assert set(objects.values()) == {f'"{hashlib.md5(BODY).hexdigest()}"'}
    requests, problems = world.recorded()
    assert not problems, problems
    # curl escapes in lower case, and a path of Bedrock has its client's spelling.
    targets = [re.sub("%[0-9a-f]{2}", lambda escape: escape[0].upper(), message.start[1]) for _, message in requests]
    assert sorted(targets) == sorted(place.wire(text) for place, text in recorded)


def shown(faults):
    """Not all of them: they are of a kind."""
    return f"{len(faults)} faults:\n" + "\n".join(faults[:12])


def stored(signed, prefix):
    """Keys and hashes, by a client that signs by itself."""
    pages = signed.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return {entry["Key"]: entry["ETag"] for page in pages for entry in page.get("Contents", [])}


def test_moto_reads_each_character_as_it_was_meant(world, wires, moto):
    """It verifies over the bytes of the wire. What it read of a query is what boto3 then gets from it."""
    ec2 = client_of(moto, "ec2", *world.moto_keys)
    texts = {f"g{index:03}": f"a{character}z" for index, character in enumerate([*IN_KEYS, "/", "?", *CHARACTERS])}
    faults = []
    for name, text in texts.items():
        target = f"/?Action=CreateSecurityGroup&Version=2016-11-15&GroupName={name}&GroupDescription={text}"
        response = wires["moto_ec2"].exchange("GET", target.encode())
        if response.status != 200:
            faults.append(f"{text!r}: {described(response)}")
    assert not faults, shown(faults)
    pages = ec2.get_paginator("describe_security_groups").paginate()
    groups = {group["GroupName"]: group["Description"] for page in pages for group in page["SecurityGroups"]}
    # A plus sign means a blank in a query, an ampersand ends the pair.
    meant = {name: {"a+z": "a z", "a&z": "a"}.get(text, text) for name, text in texts.items()}
    assert {name: groups.get(name) for name in meant} == meant

    s3 = client_of(moto, "s3", *world.moto_keys)
    s3.create_bucket(Bucket="odd-moto")
    keys = [f"a{character}z" for character in (*IN_KEYS, *CHARACTERS)]
    for key in keys:
        response = wires["moto_s3"].exchange("PUT", f"/odd-moto/{key}".encode(), b"moto")
        if response.status != 200:
            faults.append(f"{key!r}: {described(response)}")
    assert not faults, shown(faults)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="odd-moto")
    assert sorted(entry["Key"] for page in pages for entry in page["Contents"]) == sorted(keys)


def test_seaweedfs_reads_each_byte_of_a_query(wires):
    """It responds with the header that the query asks for: the octet itself comes back."""
    place = next(place for place in PLACES if place.name == "S3 query")
    faults = []
    for byte in ALL:
        response = wires["store"].exchange("GET", place.raw(byte))
        if place.becomes(byte) == REJECTED:
            continue
        meant = {0x2B: "a z", 0x26: "a"}.get(byte, f"a{chr(byte)}z")
        if response.status != 200 or response.first("content-disposition") != meant:
            faults.append(f"{byte:#04x}: {response.first('content-disposition')!r} {described(response)}")
    assert not faults, shown(faults)


SANDBOX = [
    ("PUT", "/@reports/sandbox-bucket/bytes/a", "z", b"sandbox", ()),
    ("GET", "/@reports/sandbox-bucket?list-type=2&prefix=a", "z", None, ()),
    ("GET", "/@machines/?Action=DescribeRegions&Version=2016-11-15&Filter.1.Value.1=a", "z", None, ()),
    ("POST", "/@acme-models/model/a", "z-v1%3A0/invoke", b"{}", (b"Content-Type: application/json",)),
]


@pytest.mark.parametrize(
    ("method", "before", "after", "body", "fields"), SANDBOX, ids=["PutObject", "ListObjectsV2", "EC2", "InvokeModel"]
)
def test_the_sandbox_accepts_each_byte(sandbox, method, before, after, body, fields):
    """It verifies by AWS's library for Rust, S3 a second time by s3s. What it says no to is no text at all."""
    faults = []
    with Wire(sandbox.port) as wire:
        for character in [*(chr(byte) for byte in range(0x21, 0x7F) if byte not in b"#%/?"), *CHARACTERS]:
            response = wire.exchange(method, before.encode() + character.encode() + after.encode(), body, fields)
            if response.status != 200:
                faults.append(f"{character!r}: {described(response)}")
        # To the sandbox a query is text, so that it verifies another one where it is none. To botocore it is octets.
        for byte in range(0x80, 0x100) if "?" not in before else ():
            response = wire.exchange(method, before.encode() + bytes([byte]) + after.encode(), body, fields)
            is_ours = response.first("x-signing-proxy-error") is not None
            if is_ours or response.status not in (200, 400, 404) or b"Signature" in response.body:
                faults.append(f"{byte:#04x}: {described(response)}")
    assert not faults, shown(faults)
