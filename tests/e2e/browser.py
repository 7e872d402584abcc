"""Browser: Chromium without a window, driven through a pipe by its DevTools protocol."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")


class Browser:
    """One page of a browser, from ``with`` on till its end; folder is where it keeps what it keeps.

    Messages are JSON with a zero behind each, on the descriptors 3 and 4.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._session: str | None = None
        self._workers: dict[str, str] = {}  # the registrations of service workers, by their scope

    def __enter__(self) -> Browser:
        its_input, self._output = os.pipe()
        self._input, its_output = os.pipe()
        # The shell puts the pipes where the browser looks for them.
        start = f'exec "$0" "$@" 3<&{its_input} 4>&{its_output}'
        arguments = [
            "chromium",
            *_FLAGS,
            f"--user-data-dir={self._folder}",
            "--remote-debugging-pipe",
            "about:blank",
        ]
        self._process = subprocess.Popen(
            ["bash", "-c", start, *arguments],
            pass_fds=(its_input, its_output),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(its_input)
        os.close(its_output)
        self._reader = os.fdopen(self._input, "rb")
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._call("Page.enable")
        self._call("ServiceWorker.enable")
        return self

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._output)  # upon which it ends, and its own processes with it
        try:
            self._process.wait(20)
        finally:
            self._process.kill()
            self._reader.close()

    def open(self, url: str) -> None:
        """Go to a page and wait until it is there."""
        answer = self._call("Page.navigate", url=url)
        assert "errorText" not in answer, answer
        while self._read().get("method") != "Page.loadEventFired":
            pass

    def run(self, script: str) -> Any:
        """Run the body of an asynchronous function in the page, and give what it returns."""
        expression = f"(async () => {{ {script} }})()"
        answer = self._call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def push(self, origin: str, data: str) -> None:
        """Hand a message to the service worker of a whole origin, as the browser's push service would."""
        while origin + "/" not in self._workers:
            self._read()
        registration = self._workers[origin + "/"]
        self._call("ServiceWorker.deliverPushMessage", origin=origin, registrationId=registration, data=data)

    def _call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._output, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def _read(self) -> Any:
        message = bytearray()
        while (octet := self._reader.read(1)) != b"\0":
            assert octet, "the browser is gone"
            message += octet
        read = json.loads(message)
        if read.get("method") == "ServiceWorker.workerRegistrationUpdated":
            for one in read["params"]["registrations"]:
                self._workers[one["scopeURL"]] = one["registrationId"]
        return read
