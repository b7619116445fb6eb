"""Programs that people have, sending targets as raw as each of them can: a program takes lines of method, URL and file."""

import http.client
import pathlib
import shutil
import tempfile
from urllib.parse import urlsplit

import urllib3

from clients import HERE, Refused, java, missing, perl, run
from odd.expected import CHARACTERS, IN_KEYS
from odd.wire import Wire
from servers import WORK

NODE = pathlib.Path(__file__).parent / "client.mjs"
# Punctuation, and of the characters beyond ASCII some of each length.
PUNCTUATION = [character for character in IN_KEYS if not character.isalnum()]
TEXTS = [*PUNCTUATION, *CHARACTERS[0x22::4]]
BODY = b"by a program"


def with_orders(work):
    """A program that reads its orders from a file."""

    def program(orders):
        with tempfile.TemporaryDirectory(dir=WORK) as folder:
            body = pathlib.Path(folder, "body")
            body.write_bytes(BODY)
            work(orders, body, pathlib.Path(folder))

    return program


def write_orders(orders, body, folder):
    file = folder / "orders.tsv"
    lines = (
        f"{method}\t{url}\t{body if method == 'PUT' else folder / str(index)}\n" for index, (method, url) in enumerate(orders)
    )
    file.write_text("".join(lines))
    return file


def script(*command):
    return with_orders(lambda orders, body, folder: run([*command, write_orders(orders, body, folder)]))


def curl_with(is_raw):
    """By a file of options. `--request-target` sends what it is given; without it curl escapes octets of the path."""

    def quoted(text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def work(orders, body, folder):
        parts = []
        for method, url in orders:
            base, target = split(url)
            lines = [
                f"url = {quoted(base if is_raw else url)}",
                "globoff",
                "path-as-is",
                "fail",
                f"output = {folder}/out",
            ]
            if is_raw:
                lines.append(f"request-target = {quoted(target)}")
            if method == "PUT":
                lines.append(f"upload-file = {body}")
            parts.append("\n".join(lines))
        file = folder / "options"
        file.write_text("\nnext\n".join(parts) + "\n")
        # `fail-early` is for all transfers: the first that fails ends the program.
        run(["curl", "--silent", "--show-error", "--fail-early", "--config", file])

    return with_orders(work)


def split(url):
    parts = urlsplit(url)
    base = f"http://{parts.netloc}"
    return base + "/", url[len(base) :]


def wget(orders, body, folder):
    for wanted, options in (("PUT", ("--method=PUT", f"--body-file={body}")), ("GET", ())):
        file = folder / wanted
        file.write_text("".join(f"{url}\n" for method, url in orders if method == wanted))
        run(["wget", "--quiet", "--tries=1", "--no-iri", f"--output-document={folder}/out", *options, f"--input-file={file}"])


def http_client(orders):
    """Python's own, which takes no octets beyond ASCII."""
    connections = {}
    for method, url in orders:
        base, target = split(url)
        connection = connections.setdefault(base, http.client.HTTPConnection(urlsplit(base).netloc, timeout=20))
        connection.request(method, target, BODY if method == "PUT" else None)
        response = connection.getresponse()
        response.read()
        accept(response.status, url)
    for connection in connections.values():
        connection.close()


def by_urllib3(orders):
    with urllib3.PoolManager(retries=False) as pool:
        for method, url in orders:
            accept(pool.request(method, url, body=BODY if method == "PUT" else None).status, url)


def dotnet(orders):
    """As .NET Framework sends it: the address of the proxy in the target, and the body only after a 100."""
    wires = {}
    for method, url in orders:
        base, _ = split(url)
        wire = wires.setdefault(base, Wire(urlsplit(base).port))
        lines = [f"{method} {url} HTTP/1.1"]
        if method == "PUT":
            lines += ["Content-Type: application/octet-stream"]
        lines += [f"Host: 127.0.0.1:{wire.port}"]
        if method == "PUT":
            lines += [f"Content-Length: {len(BODY)}", "Expect: 100-continue"]
        if wire.connection is None:
            lines += ["Connection: Keep-Alive"]
        wire.send("\r\n".join([*lines, "", ""]).encode())
        if method == "PUT":
            if (line := wire.reader.line()) != b"HTTP/1.1 100 Continue" or wire.reader.line():
                raise Refused(f"{line} to {url}")
            wire.send(BODY)
        accept(wire.response(method).status, url)
    for wire in wires.values():
        wire.close()


def accept(status, url):
    if status != 200:
        raise Refused(f"{status} to {url}")


PROGRAMS = {
    "curl": (curl_with(is_raw=False), TEXTS),
    "curl-request-target": (curl_with(is_raw=True), TEXTS),
    "wget": (with_orders(wget), TEXTS),
    "java": (script("java", "-XX:TieredStopAtLevel=1", HERE / "Client.java"), TEXTS),
    "perl": (script("perl", HERE / "client.pl"), TEXTS),
    "node-http": (script("node", NODE, "http"), TEXTS),
    # To URLs of browsers a backslash is a slash.
    "node-fetch": (script("node", NODE, "fetch"), [text for text in TEXTS if text != "\\"]),
    "http.client": (http_client, PUNCTUATION),
    "urllib3": (by_urllib3, TEXTS),
    "dotnet": (dotnet, TEXTS),
}
NEEDS = {"java": java, "perl": perl}


def is_missing(name):
    """Why the program cannot be run here."""
    if name in NEEDS:
        return missing(NEEDS[name])
    needed = name.split("-")[0]
    return None if needed not in ("wget", "node") or shutil.which(needed) else f"{needed} is not installed here"
