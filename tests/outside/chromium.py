"""A real browser, driven over W3C WebDriver by chromedriver: a few HTTP calls, so no library for them."""

import json
import shutil
import urllib.error
import urllib.request

from servers import Server, clean_environment, free_ports

# The browser's own protection of loopback has to be off, or nothing reaches the proxy and nothing is shown.
# Upgrades to https would only put a failed handshake before each request.
FEATURES_OFF = [
    *("LocalNetworkAccessChecks", "BlockInsecurePrivateNetworkRequests"),
    *("HttpsUpgrades", "HttpsFirstBalancedMode", "HttpsFirstBalancedModeAutoEnable"),
]
FLAGS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    f"--disable-features={','.join(FEATURES_OFF)}",
]
SECONDS = 30


def missing():
    """Why there is no browser to test with."""
    programs = [program for program in ("chromium", "chromedriver") if not shutil.which(program)]
    return f"{' and '.join(programs)} not installed here" if programs else None


class Chromium(Server):
    """One browser with a fresh profile, and one window."""

    def __init__(self, folder, *flags):
        profile = folder / "profile"
        profile.mkdir(parents=True)
        (port,) = free_ports(1)
        super().__init__("chromedriver", ["chromedriver", f"--port={port}"], clean_environment(folder), port)
        options = {"binary": shutil.which("chromium"), "args": [*FLAGS, f"--user-data-dir={profile}", *flags]}
        wanted = {
            "browserName": "chrome",
            "pageLoadStrategy": "normal",
            "timeouts": {"pageLoad": SECONDS * 1000, "script": SECONDS * 1000},
            "goog:chromeOptions": options,
        }
        try:
            session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        except BaseException:
            self.stop()
            raise
        self.session = f"/session/{session['sessionId']}"

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}{path}", data=data, method=method, headers={"content-type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=2 * SECONDS) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise RuntimeError(f"{value['error']}: {value['message']}") from None

    def open(self, url):
        """Goes to the URL as if it were typed; what cannot be shown is no error here."""
        self._call("POST", f"{self.session}/url", {"url": url})

    def title(self):
        """The title of what is shown, scripts or not."""
        return self._call("GET", f"{self.session}/title")

    def run(self, script, *arguments):
        """What the function body, with these arguments, hands to its last one, a function."""
        return self._call("POST", f"{self.session}/execute/async", {"script": script, "args": arguments})

    def stop(self, grace=15):
        try:
            if hasattr(self, "session"):
                self._call("DELETE", self.session)
        finally:
            return super().stop(grace)  # noqa: B012 - the driver ends whatever became of the browser
