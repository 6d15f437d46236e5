"""A headless Chromium, driven through its debugging socket: what prints the PDF and what the site's tests look through.

Only Debian's ``chromium`` (or Chrome) and websocket-client, which JupyterLab brings, are needed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

import websocket

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
         "--hide-scrollbars", "--allow-file-access-from-files=false", "--remote-debugging-port=0",
         "--remote-allow-origins=*")


def find() -> str | None:
    """Return the path of Chromium or Chrome (``CHROMIUM`` names another), or None."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome", "chrome")
    return next((path for name in names if name and (path := shutil.which(name))), None)


class Browser:
    """One Chromium with one page at a time; use it in a ``with`` block."""

    def __enter__(self) -> Browser:
        program = find()
        if program is None:
            raise FileNotFoundError("chromium: not found; install it (Debian: apt-get install chromium)")
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        self.process = subprocess.Popen([program, *FLAGS, f"--user-data-dir={self.profile}", "about:blank"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port = self._port()
        targets = json.load(urlopen(f"http://127.0.0.1:{port}/json", timeout=30))
        address = next(t["webSocketDebuggerUrl"] for t in targets if t["type"] == "page")
        self.socket = websocket.create_connection(address, timeout=120, max_size=None)
        self.count, self.events = 0, []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *error) -> None:
        self.socket.close()
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.profile, ignore_errors=True)

    def _port(self) -> int:
        for _ in range(300):  # Chromium writes the port that it chose
            path = Path(self.profile) / "DevToolsActivePort"
            if path.exists() and (text := path.read_text()):
                return int(text.split()[0])
            time.sleep(0.1)
        raise TimeoutError("chromium: did not start within 30 seconds")

    def call(self, method: str, **params) -> dict:
        """Send one command and return its result; events on the way are kept."""
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.count:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]
            self.events.append(message)

    def open(self, url: str, seconds: float = 60) -> None:
        """Load a page, follow it where it leads, and wait until its fonts and its formulas are ready."""
        self.events.clear()
        self.call("Page.navigate", url=url)
        end = time.monotonic() + seconds
        loaded = False
        while not (loaded and self._settled()):  # in this order: a promise of a page that is left may never be kept
            if time.monotonic() > end:
                raise TimeoutError(f"{url}: not loaded within {seconds} seconds")
            self.evaluate("1")
            loaded = any(e.get("method") == "Page.loadEventFired" for e in self.events)
            time.sleep(0.02)

    def _settled(self) -> bool:
        """Tell whether the page is complete and leads nowhere else."""
        try:
            return self.evaluate("""document.readyState === "complete"
                && !document.querySelector("meta[http-equiv=refresh i]")
                && document.fonts.ready.then(() => window.MathJax?.startup?.promise).then(() => true)""")
        except RuntimeError:  # it moved on meanwhile
            return False

    def evaluate(self, expression: str):
        """Return the value of a JavaScript expression; promises are awaited.

        Raises:
            RuntimeError: the expression raised.
        """
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"].get("exception", {}).get("description", "error"))
        return result["result"].get("value")

    def view(self, width: int = 1280, height: int = 900, scheme: str = "light", *, motion: bool = True) -> None:
        """Set the size of the window, the colour scheme and whether the reader accepts motion."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "no-preference" if motion else "reduce"}])

    def press(self, key: str) -> None:
        """Press one key: "Tab", "Enter", "Escape", "ArrowRight" or a space."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowLeft": 37, "ArrowRight": 39, "End": 35}
        text = {"Enter": "\r", " ": " "}.get(key)
        common = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": codes[key]}
        self.call("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def problems(self) -> list[str]:
        """Return what the page complained of since it was opened: errors, warnings, failed requests."""
        self.evaluate("1")  # collect what has come in
        found = []
        for event in self.events:
            method, params = event["method"], event["params"]
            if method == "Runtime.exceptionThrown":
                found.append(params["exceptionDetails"].get("exception", {}).get("description", "exception"))
            elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                found.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
            elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
            elif method == "Network.loadingFailed" and not params.get("canceled"):
                found.append(f"request failed: {params['errorText']}")
        return found

    def requests(self) -> list[str]:
        """Return the addresses that the page asked for since it was opened."""
        self.evaluate("1")
        return [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]
