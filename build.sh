#!/usr/bin/env bash
# Builds, tests, shows and checks Incident Management for Splunk. Each command does its own set-up
# and can be run twice. `./build.sh help` lists them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly APP=incident_management
readonly WORK=.build
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PYTHONDONTWRITEBYTECODE=1

usage() {
  cat <<'TEXT'
./build.sh package            build dist/incident_management-<version>.tar.gz
./build.sh test [ARGS]        every check and test; with ARGS for pytest those alone, on one Python,
                              as ./build.sh test tests/unit/test_durations.py
./build.sh demo [--exit] [--fault orders|payments|none] [--kill]
                              break a real shop, find it, explain it, fix it, prove it
./build.sh inspect            splunk-appinspect on the package
./build.sh serve [ARGS]       a stand-in for Splunk with the app installed, in .build/serve; serve --help
                              lists ARGS
./build.sh bench NAME         one benchmark of benchmarks/
./build.sh clean              delete all that was built
TEXT
}

# help_of COMMAND: its lines of the usage, and all that it takes where the tool itself can say so.
help_of() {
  usage | awk -v start="./build.sh $1" 'index($0, "./build.sh") == 1 { on = index($0, start) == 1 } on'
  local module python="$WORK/venv/dev/bin/python"
  case "$1" in demo) module=(tools.demo) ;; serve) module=(tools.splunkd_lite serve) ;; *) return 0 ;; esac
  if [ -x "$python" ]; then "$python" -m "${module[@]}" --help; fi
}

say() { printf '%s\n' "$*" >&2; }
fail() { say "build.sh: $*"; exit 1; }

# The newest Python on this machine that the tools run on. Splunk's own libraries (UCC, solnlib) install
# on no Python from 3.14 on.
find_python() {
  local candidate without_venv=""
  for candidate in python3.13 python3.12 python3.11 python3; do
    "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || continue
    if "$candidate" -c 'import venv, ensurepip' 2>/dev/null; then
      echo "$candidate"
      return
    fi
    without_venv=${without_venv:-$candidate}
  done
  [ -z "$without_venv" ] || fail "$without_venv has no venv: on Debian, apt-get install $without_venv-venv."
  fail "Python 3.11, 3.12 or 3.13 is needed, and there is $(python3 --version 2>/dev/null || echo no Python at all)." \
    "One of another version may stay beside it."
}

# environment NAME [PYTHON [LOCK]]: makes the virtual environment .build/venv/NAME from LOCK, which is
# requirements/NAME.txt unless given, hashes checked; and again only when that file has changed, or
# the Python is gone that it was made with.
environment() {
  local name=$1 python=${2:-} folder="$WORK/venv/$1" lock=${3:-requirements/$1.txt}
  local stamp="$folder/.made-from"
  if ! cmp -s "$lock" "$stamp" 2>/dev/null || ! "$folder/bin/python" -c '' 2>/dev/null; then
    say "Setting up $folder …"
    [ -n "$python" ] || python=$(find_python) || exit 1
    rm -rf "$folder"
    "$python" -m venv "$folder"
    # Compiling all that is installed takes longer than it saves where little of it runs, and seldom.
    local compile=--compile
    case "$name" in ucc | inspect | unit-*) compile=--no-compile ;; esac
    "$folder/bin/python" -m pip install --quiet "$compile" --require-hashes -r "$lock" ||
      fail "What $lock lists can't be installed, see above. A machine that reaches no package index takes it" \
        "from a folder that holds it: set PIP_NO_INDEX=1 and PIP_FIND_LINKS=<folder>."
    cp "$lock" "$stamp"
  fi
}

# system_package COMMAND-THAT-PROVES-IT DEBIAN-NAME: installs it where this user may, or says how.
system_package() {
  local proof=$1 package=$2
  if bash -c "$proof" >/dev/null 2>&1; then return; fi
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "Installing $package …"
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$package"; } >"$WORK/apt.log" 2>&1 ||
      { tail -n 5 "$WORK/apt.log" >&2; return 1; }
  else
    say "$package is missing: install it (on Debian: sudo apt-get install $package)."
    return 1
  fi
}

version() { sed -n 's/^ *"version": *"\([^"]*\)".*/\1/p' globalConfig.json | head -n 1; }

build_package() {
  environment ucc
  environment dev
  "$WORK/venv/dev/bin/python" -m tools.packaging --ucc "$WORK/venv/ucc/bin" --work "$WORK/package" --dist dist "$@"
}

# none COMMAND [WORD ...]: refuses words for a command that takes none.
none() { [ $# -eq 1 ] || fail "$1 takes no arguments, and there is '$2'."; }

cmd_package() {
  none package "$@"
  build_package
}

# Builds the package unless the one in dist/ was made from the sources as they are.
package_if_changed() { build_package --if-changed; }

# The pages of the stand-in: bundled by Node, which comes from PyPI where the machine has none that
# is new enough. Without it everything but the dashboards works, and they say what is missing.
pages() {
  local python="$WORK/venv/dev/bin/python"
  if ! "$python" -c 'from tools.splunkd_lite.web.node import find_node; find_node()' 2>/dev/null; then
    say "Fetching Node for the dashboards …"
    "$python" -m pip install --quiet --require-hashes -r requirements/node.txt || true
  fi
  "$python" -m tools.splunkd_lite.web.studio || say "The dashboards will say what is missing."
}

cmd_test() {
  local python="$PWD/$WORK/venv/dev/bin/python" appinspect="" ended=0 chosen=("$@")
  unit_tests=()
  if unit_tests_alone "$@"; then environment dev; else prepare_all_tests "$#"; fi
  "$python" -m ruff check .
  "$python" -m ruff format --check .
  "$python" -m mypy package/bin/incident_management tools benchmarks tests
  # What both of Splunk's Pythons test, the newest need not test again.
  [ $# -gt 0 ] || [ "${#unit_tests[@]}" -lt 2 ] || chosen=($(not_on_splunks_pythons))
  APPINSPECT="$appinspect" "$python" -m pytest \
    --durations 40 -n "${TEST_PROCESSES:-$(test_processes)}" --dist loadfile --no-loadscope-reorder ${chosen[@]+"${chosen[@]}"} | tee "$WORK/tests.log" || ended=1
  end_unit_tests_on_splunks_pythons || ended=1
  say "Tests on $("$python" --version): $(tail -n 1 "$WORK/tests.log")"
  return "$ended"
}

# Whether pytest's arguments name unit tests and no others: these need neither package nor browser.
unit_tests_alone() {
  local argument found=1
  for argument in "$@"; do
    case "$argument" in
      tests/unit*) found=0 ;;
      tests | tests/*) return 1 ;;
    esac
  done
  return "$found"
}

# prepare_all_tests NUMBER-OF-ARGUMENTS: what the other tests need. Sets appinspect. Without arguments
# the app's unit tests begin as soon as they can: setting up and checking leave a processor idle.
prepare_all_tests() {
  [ "$1" -gt 0 ] || environments_for_tests
  package_if_changed
  [ "$1" -gt 0 ] || start_unit_tests_on_splunks_pythons
  pages
  if inspection_tools; then
    appinspect="$PWD/$WORK/venv/inspect/bin/splunk-appinspect"
  else
    say "Splunk's own vetting of the package will be skipped."
  fi
  # Without a window's own bars a page takes a quarter of the processor; not every system has this one.
  system_package "command -v chromium-headless-shell" chromium-headless-shell ||
    system_package "command -v chromium" chromium || say "The browser tests will be skipped."
}

# All but the unit tests, and of these those that are skipped where a library of the tools is missing,
# as on Splunk's Pythons; what the package ships is there.
not_on_splunks_pythons() {
  printf '%s\n' tests/integration tests/browser tests/appinspect tests/contract tests/unit/benchmarks
  grep -rE --include='test_*.py' 'importorskip|skipif|pytest\.skip' tests/unit |
    grep -vE 'importorskip\("(boto|requests)' | cut -d: -f1 | sort -u
}

# One more than the machine has processors: most of the long tests wait for processes of their own.
test_processes() {
  local processors
  processors=$(getconf _NPROCESSORS_ONLN 2>/dev/null) || processors=2
  echo $((processors < 5 ? processors + 1 : 6))
}

# Sets up side by side what is needed later; what fails here is tried, and told of, in its turn.
environments_for_tests() {
  local version python
  for version in 3.9 3.13; do
    python=$(splunks_python "$version")
    [ -z "$python" ] || (environment "unit-$version" "$python" requirements/unit.txt) &
  done
  (environment ucc) &
  (environment inspect) &
  environment dev
  wait
}

# The app's own code runs on Splunk's Pythons: its unit tests run on each that is on this machine,
# against the libraries that the package ships. They take the time that the other tests only wait.
# Where both are there, the older leaves out what is marked to be enough on one.
start_unit_tests_on_splunks_pythons() {
  local version python chosen=()
  [ -z "$(splunks_python 3.9)" ] || [ -z "$(splunks_python 3.13)" ] || chosen=(-m "not one_python")
  trap 'stop_unit_tests' EXIT
  for version in 3.9 3.13; do
    python=$(splunks_python "$version")
    if [ -z "$python" ]; then
      say "Python $version is not on this machine: the app's code is not tested on it."
      continue
    fi
    environment "unit-$version" "$python" requirements/unit.txt
    PYTHONPATH="$PWD/$WORK/package/$APP/lib" nice -n 19 "$WORK/venv/unit-$version/bin/python" -m pytest \
      -o cache_dir="$WORK/pytest-$version" --durations 40 ${chosen[@]+"${chosen[@]}"} tests/unit >"$WORK/unit-$version.log" 2>&1 &
    unit_tests+=("$!:$version")
    chosen=()
  done
}

end_unit_tests_on_splunks_pythons() {
  local test version failed=0
  for test in ${unit_tests[@]+"${unit_tests[@]}"}; do
    version=${test#*:}
    if wait "${test%%:*}"; then
      say "Unit tests on Python $version: $(tail -n 1 "$WORK/unit-$version.log")"
    else
      say "Unit tests on Python $version failed:"
      grep -v '^\.*  *\[ *[0-9]*%\]$' "$WORK/unit-$version.log" >&2 || true
      failed=1
    fi
  done
  unit_tests=()
  return "$failed"
}

stop_unit_tests() {
  local test
  for test in ${unit_tests[@]+"${unit_tests[@]}"}; do kill "${test%%:*}" 2>/dev/null || true; done
}

# splunks_python VERSION: the path of that Python, or nothing.
splunks_python() {
  local candidate
  for candidate in "python$1" "$HOME"/.pyenv/versions/"$1".*/bin/python"$1"; do
    if "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
}

# The Python that plays Splunk's own for the app: the oldest that Splunk has, where it is there.
app_python() {
  local found
  for version in 3.9 3.13; do
    found=$(splunks_python "$version")
    [ -n "$found" ] && { echo "$found"; return; }
  done
  command -v "$WORK/venv/dev/bin/python"
}

# understood MODULE [WORD ...]: ends here when the tool does not know a word; the set-up takes minutes.
understood() {
  environment dev
  "$WORK/venv/dev/bin/python" -m "$@" --check || exit
}

cmd_demo() {
  understood tools.demo "$@"
  package_if_changed
  pages
  exec "$WORK/venv/dev/bin/python" -m tools.demo --app "dist/$APP-$(version).tar.gz" --python "$(app_python)" "$@"
}

cmd_serve() {
  understood tools.splunkd_lite serve --home "$WORK/serve" "$@"
  package_if_changed
  pages
  exec "$WORK/venv/dev/bin/python" -m tools.splunkd_lite serve --app "dist/$APP-$(version).tar.gz" \
    --home "$WORK/serve" --python "$(app_python)" "$@"
}

inspection_tools() {
  system_package "'$WORK/venv/dev/bin/python' -c 'import ctypes.util, sys; sys.exit(not ctypes.util.find_library(\"magic\"))'" \
    libmagic1 || return 1
  environment inspect
}

cmd_inspect() {
  none inspect "$@"
  package_if_changed
  inspection_tools || exit 1
  "$WORK/venv/dev/bin/python" -m tools.inspection --appinspect "$WORK/venv/inspect/bin/splunk-appinspect" \
    "dist/$APP-$(version).tar.gz"
}

# The modules of benchmarks/ that can be run; the others are parts of these.
benchmarks() { grep -l '^if __name__ == "__main__"' benchmarks/*.py | sed 's/^benchmarks.//; s/\.py$//' | tr '\n' ' '; }

cmd_bench() {
  local name=${1:-}
  case " $(benchmarks)" in
    *" ${name:- } "*) shift ;;
    *) fail "bench needs a name, one of: $(benchmarks)" ;;
  esac
  package_if_changed
  environment bench
  exec "$WORK/venv/bench/bin/python" -m "benchmarks.$name" "$@"
}

cmd_clean() {
  none clean "$@"
  rm -rf "$WORK" dist output
}

main() {
  local command=${1:-help}
  [ $# -gt 0 ] && shift
  trap 'say "build.sh: interrupted."; exit 130' INT
  case "$command" in
    package | test | demo | inspect | serve | bench | clean)
      case "${1:-}" in -h | --help | help) help_of "$command"; return ;; esac
      mkdir -p "$WORK"
      "cmd_$command" "$@"
      ;;
    help | -h | --help) usage ;;
    *) usage >&2; fail "there is no command '$command'." ;;
  esac
}

main "$@"
