"""The shop's customers: a steady load of orders and look-ups, in several threads."""

from __future__ import annotations

import argparse
import json
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import requests

from tools.demo.children import end_with_parent
from tools.demo.shop.orders import PRICES

SHARE_OF_ORDERS = 0.7
TIMEOUT_SECONDS = 6.0


class Driver:
    """Sends requests at a mean rate (Poisson arrivals) and counts the answers by status."""

    def __init__(self, url: str, rate: float, threads: int) -> None:
        self.url = url
        self.mean_pause = threads / rate
        self.threads = threads
        self.stopping = threading.Event()
        self.counts: Counter[str] = Counter()
        self._known: list[int] = []
        self._lock = threading.Lock()

    def run(self, stats: Path) -> None:
        """Run until stopped; write the counts to ``stats`` every second."""
        workers = [threading.Thread(target=self._customer) for _ in range(self.threads)]
        for worker in workers:
            worker.start()
        while not self.stopping.wait(1.0):
            self._write(stats)
        for worker in workers:
            worker.join()
        self._write(stats)

    def _customer(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.headers["Connection"] = "close"
            while not self.stopping.wait(random.expovariate(1 / self.mean_pause)):
                outcome = self._request(session)
                with self._lock:
                    self.counts[outcome] += 1

    def _request(self, session: requests.Session) -> str:
        try:
            if self._known and random.random() > SHARE_OF_ORDERS:
                number = random.choice(self._known[-50:])
                answer = session.get(f"{self.url}/orders/{number}", timeout=TIMEOUT_SECONDS)
            else:
                body = {"item": random.choice(list(PRICES))}
                answer = session.post(f"{self.url}/orders", json=body, timeout=TIMEOUT_SECONDS)
                if answer.status_code == 201:
                    self._known.append(answer.json()["id"])
        except requests.RequestException as reason:
            return type(reason).__name__
        return str(answer.status_code)

    def _write(self, stats: Path) -> None:
        with self._lock:
            counts = dict(sorted(self.counts.items()))
        new = stats.with_suffix(".new")
        new.write_text(json.dumps({"time": time.time(), "answers": counts}), encoding="utf-8")
        new.replace(stats)


def main() -> None:
    """Drive the shop until told to stop."""
    parser = argparse.ArgumentParser(prog="driver")
    parser.add_argument("--orders", required=True, metavar="URL")
    parser.add_argument("--stats", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=14.0, help="requests a second")
    parser.add_argument("--threads", type=int, default=8)
    given = parser.parse_args()
    end_with_parent()
    driver = Driver(given.orders, given.rate, given.threads)
    signal.signal(signal.SIGTERM, lambda *_: driver.stopping.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    driver.run(given.stats)


if __name__ == "__main__":
    main()
