"""``python -m tools.demo``: break a real shop, find it, explain it, fix it, prove it.

Ends with 0 only if every check held. The processes, and all that they wrote, are in ``--home``.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tools.demo.children import REPOSITORY
from tools.demo.faults import FAULTS
from tools.demo.run import run
from tools.demo.world import Options


def main() -> int:
    """Parse the command line and run."""
    about = (
        "Break a real shop, find it, explain it, fix it, prove it. Ends with 0 if every check held."
    )
    parser = argparse.ArgumentParser(prog="demo", description=about)
    parser.add_argument("--fault", choices=[*FAULTS, "none"], default="orders", help="what breaks")
    parser.add_argument("--exit", action="store_true", help="stop everything at the end")
    parser.add_argument("--no-bedrock", action="store_true", help="configure no Bedrock account")
    parser.add_argument("--kill", action="store_true", help="kill -9 our processes in mid-run")
    parser.add_argument(
        "--home", type=Path, help="an empty or new folder; default: a temporary one"
    )
    parser.add_argument("--app", type=Path, help="the app's package; default: the newest in dist/")
    parser.add_argument("--python", default="", help="the Python that the app runs on")
    parser.add_argument("--rate", type=float, default=14.0, help="customers' requests a second")
    parser.add_argument(
        "--pace", type=int, choices=range(1, 21), default=1, metavar="N",
        help="the detection looks N times a minute, 1 to 20",
    )  # fmt: skip
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.check:
        return 0
    app = given.app or _newest_package()
    if not app or not app.is_file():
        parser.error("there is no package of the app: run ./build.sh package, or give --app.")
    home = given.home or Path(tempfile.mkdtemp(prefix="incident-demo-"))
    if home.exists() and any(home.iterdir()):
        parser.error(f"{home} is not empty.")
    options = Options(
        home=home.resolve(),
        app=app.resolve(),
        fault=given.fault,
        bedrock=not given.no_bedrock,
        kill=given.kill,
        exit=given.exit,
        python=given.python,
        rate=given.rate,
        pace=given.pace,
    )
    good = run(options)
    if good and not given.home:
        shutil.rmtree(home, ignore_errors=True)
    else:
        print(f"Logs and state: {home}")
    return 0 if good else 1


def _newest_package() -> Path | None:
    packages = sorted(
        (REPOSITORY / "dist").glob("incident_management-*.tar.gz"),
        key=lambda one: one.stat().st_mtime,
    )
    return packages[-1] if packages else None


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as problem:  # no folder, no port: nothing has been started
        sys.exit(f"demo: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
