"""Client programs, each storing and fetching objects without a signature.

A client is a function `client(place, items, out)`: it stores every `(key, file)` of `items`, fetches each again into
`out/INDEX`, and raises `Refused` with what the program said where the server does not let it.
"""

import dataclasses
import http.client
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlsplit

import boto3
import botocore.exceptions
from botocore import UNSIGNED
from botocore.config import Config

from servers import WORK, clean_environment

HERE = pathlib.Path(__file__).parent
# Any name does in forward mode: the client hands it to the proxy and never looks it up.
AWS_HOST = "s3.us-east-1.amazonaws.com"
SECONDS = 120


class Refused(Exception):
    """The server said no, or what the program said about it."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where objects go: a base URL, by way of an HTTP proxy or not."""

    base: str
    bucket: str
    proxy: str | None = None
    bucket_in_host: bool = False

    @property
    def proxy_port(self):
        return urlsplit(self.proxy).port

    def url(self, spelled_key):
        if self.bucket_in_host:
            return f"http://{self.bucket}.{AWS_HOST}/{spelled_key}"
        return f"{self.base}/{self.bucket}/{spelled_key}"


def gateway(proxy, bucket):
    return Place(proxy.url, bucket)


def forward(proxy, bucket):
    return Place(f"http://{AWS_HOST}", bucket, proxy.url)


def forward_virtual(proxy, bucket):
    return Place(f"http://{AWS_HOST}", bucket, proxy.url, bucket_in_host=True)


def strict(key):
    """As S3 canonicalises it."""
    return quote(key, safe="/-._~")


def loose(key):
    """As people type it: what a URL's path may hold stays as it is."""
    return quote(key, safe="/-._~!$&'()*+,;=:@")


def odd(key):
    """Correct and unusual: lower-case hex, and letters escaped that need no escape."""
    return "".join(
        chr(byte) if chr(byte).isalnum() and chr(byte) not in "aeiou" and byte < 128 or byte == 47 else f"%{byte:02x}"
        for byte in key.encode()
    )


def run(command, place=None, **environment):
    if place and place.proxy:
        environment |= {"HTTP_PROXY": place.proxy, "http_proxy": place.proxy}
    with tempfile.TemporaryDirectory(dir=WORK) as home:
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=clean_environment(home, **environment),
            timeout=SECONDS,
            check=False,
        )
    if done.returncode != 0:
        raise Refused(f"{command[0]} ended with {done.returncode}: {(done.stdout + done.stderr).decode(errors='replace')}")
    return done.stdout


def each(work, items):
    """Runs `work(index, key, file)` for every item, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda numbered: work(numbered[0], *numbered[1]), enumerate(items)))


def curl_with(*options, spell=loose, upload="--upload-file"):
    def curl(place, items, out):
        via = ("--proxy", place.proxy) if place.proxy else ()
        common = ("curl", "--silent", "--show-error", "--fail-with-body", "--path-as-is", "--globoff", *via, *options)

        def one(index, key, file):
            url = place.url(spell(key))
            if upload == "-":
                with file.open("rb") as body:
                    done = subprocess.run(
                        [*common, "--upload-file", "-", url],
                        stdin=body, capture_output=True, env=clean_environment(WORK), timeout=SECONDS, check=False,
                    )
                if done.returncode != 0:
                    raise Refused(done.stdout + done.stderr)
            else:
                run([*common, upload, file, url])
            run([*common, "--output", out / str(index), url])

        each(one, items)

    return curl


def wget(place, items, out):
    common = ("wget", "--quiet", "--tries=1", "--server-response", "--output-document")

    def one(index, key, file):
        url = place.url(strict(key))
        run([*common, "-", "--method=PUT", f"--body-file={file}", url], place)
        run([*common, out / str(index), url], place)

    each(one, items)


def http_1_0(place, items, out):
    """Raw HTTP/1.0 without a Host header in forward mode, and oddly spelled targets."""
    host, port = urlsplit(place.proxy or place.base).hostname, urlsplit(place.proxy or place.base).port

    def ask(method, key, body=None):
        url = place.url(odd(key))
        target = url if place.proxy else url[len(place.base) :]
        head = f"{method} {target} HTTP/1.0\r\n"
        if not place.proxy:
            head += f"Host: {host}:{port}\r\n"
        if body is not None:
            head += f"Content-Length: {len(body)}\r\n"
        with socket.create_connection((host, port), 20) as connection:
            connection.sendall(head.encode() + b"\r\n" + (body or b""))
            response = http.client.HTTPResponse(connection, method=method)
            response.begin()
            got = response.read()
            assert response.getheader("connection", "close").lower() != "keep-alive"
            assert response.getheader("transfer-encoding") is None, "HTTP/1.0 has no chunks"
        if response.status != 200:
            raise Refused(f"{response.status}: {got[:500]}")
        return got

    for index, (key, file) in enumerate(items):
        ask("PUT", key, file.read_bytes())
        (out / str(index)).write_bytes(ask("GET", key))


def boto3_unsigned(place, items, out):
    client = boto3.client(
        "s3",
        endpoint_url=place.base,
        region_name="us-east-1",
        config=Config(
            signature_version=UNSIGNED,
            s3={"addressing_style": "virtual" if place.bucket_in_host else "path"},
            proxies={"http": place.proxy} if place.proxy else {},
            retries={"max_attempts": 1},
        ),
    )
    try:
        for index, (key, file) in enumerate(items):
            client.put_object(Bucket=place.bucket, Key=key, Body=file.read_bytes())
            (out / str(index)).write_bytes(client.get_object(Bucket=place.bucket, Key=key)["Body"].read())
        if items:
            prefix = items[0][0].split("/")[0] + "/"
            listed = client.list_objects_v2(Bucket=place.bucket, Prefix=prefix)
            assert {entry["Key"] for entry in listed["Contents"]} == {key for key, _ in items}
    except botocore.exceptions.ClientError as error:
        raise Refused(str(error)) from error


def tree(store_all, fetch_all):
    """A client that copies folders: lays the items out as files, copies them up and down again."""

    def client(place, items, out):
        with tempfile.TemporaryDirectory(dir=WORK) as folder:
            up, down = pathlib.Path(folder, "up"), pathlib.Path(folder, "down")
            prefix = items[0][0].split("/")[0]
            for key, file in items:
                target = up / key.removeprefix(f"{prefix}/")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
            down.mkdir()
            store_all(place, up, prefix)
            fetch_all(place, prefix, down)
            for index, (key, _) in enumerate(items):
                shutil.move(down / key.removeprefix(f"{prefix}/"), out / str(index))

    return client


def aws(place, *arguments):
    run(
        [
            *(WORK / "venv/bin/aws", "--no-sign-request", "--region", "us-east-1", "--endpoint-url", place.base),
            *("--cli-read-timeout", "20", "s3", "cp", "--recursive", "--no-progress", "--only-show-errors", *arguments),
        ],
        place,
        # A retry would hide a response that was lost.
        AWS_MAX_ATTEMPTS="1",
    )


aws_cli = tree(
    lambda place, up, prefix: aws(place, f"{up}/", f"s3://{place.bucket}/{prefix}/"),
    lambda place, prefix, down: aws(place, f"s3://{place.bucket}/{prefix}/", f"{down}/"),
)


def rclone_copy(place, source, target):
    run(["rclone", "--config", "/dev/null", "--retries", "1", "--low-level-retries", "1", "copy", source, target], place)


def rclone_remote(place, prefix):
    options = f"provider=Other,endpoint='{place.base}',env_auth=false,force_path_style=true,no_check_bucket=true"
    return f":s3,{options}:{place.bucket}/{prefix}"


rclone = tree(
    lambda place, up, prefix: rclone_copy(place, up, rclone_remote(place, prefix)),
    lambda place, prefix, down: rclone_copy(place, rclone_remote(place, prefix), down),
)


def s5cmd_copy(place, source, target):
    program = (WORK / "venv/bin/s5cmd", "--no-sign-request", "--retry-count", "0", "--endpoint-url", place.base)
    run([*program, "cp", source, target], place)


s5cmd = tree(
    lambda place, up, prefix: s5cmd_copy(place, f"{up}/", f"s3://{place.bucket}/{prefix}/"),
    lambda place, prefix, down: s5cmd_copy(place, f"s3://{place.bucket}/{prefix}/*", f"{down}/"),
)


def script(*command):
    """A client in another language: takes lines of `method TAB url TAB file` in a file, ends with 1 on the first error."""

    def client(place, items, out):
        with tempfile.NamedTemporaryFile("w", dir=WORK, suffix=".tsv") as orders:
            for index, (key, file) in enumerate(items):
                url = place.url(strict(key))
                orders.write(f"PUT\t{url}\t{file}\nGET\t{url}\t{out / str(index)}\n")
            orders.flush()
            run([part.format(port=place.proxy_port) if place.proxy else part for part in command] + [orders.name], place)

    return client


JAVA_PROXY = ("-Dhttp.proxyHost=127.0.0.1", "-Dhttp.proxyPort={port}", "-Dhttp.nonProxyHosts=")


def java_with(source):
    def java(place, items, out):
        options = ("-XX:TieredStopAtLevel=1", *(JAVA_PROXY if place.proxy else ()))
        script("java", *options, str(HERE / source))(place, items, out)

    return java


java = java_with("Client.java")
new_java = java_with("NewClient.java")


perl = script("perl", str(HERE / "client.pl"))


def program_of(client):
    """The program a client needs on the machine, where it is not installed beside the tests."""
    return {wget: "wget", rclone: "rclone", java: "java", new_java: "java", perl: "perl"}.get(client)


def missing(client):
    program = program_of(client)
    if program and not shutil.which(program):
        return f"{program} is not installed here"
    if client is perl and subprocess.run(["perl", "-MHTTP::Tiny", "-e1"], capture_output=True, check=False).returncode:
        return "Perl's HTTP::Tiny is not installed here"
    if client in (java, new_java) and b"jdk.compiler" not in subprocess.run(["java", "--list-modules"], capture_output=True, check=False).stdout:
        return "Java cannot run source files here: no JDK"
    return None


CLIENTS = {
    "curl": curl_with(),
    "curl-chunked": curl_with(upload="-"),
    "curl-http1.0": curl_with("--http1.0", spell=strict),
    "curl-expect": curl_with("--header", "Expect: 100-continue"),
    "curl-h2c": curl_with("--http2-prior-knowledge"),
    "curl-h2c-upgrade": curl_with("--http2"),
    "wget": wget,
    "http-1.0": http_1_0,
    "aws-cli": aws_cli,
    "boto3": boto3_unsigned,
    "rclone": rclone,
    "s5cmd": s5cmd,
    "java": java,
    "java-http-client": new_java,
    "perl": perl,
}
