#!/bin/sh
# Names everything the machine lacks to make the environment, with the Debian package that brings it.
python=${1:-python3}
missing=""
lack() {
    echo "missing: $1 (Debian package: $2)" >&2
    missing="$missing $2"
}

command -v git >/dev/null 2>&1 || lack "git" git
command -v make >/dev/null 2>&1 || lack "make" make
command -v "${CXX:-c++}" >/dev/null 2>&1 || lack "a C++ compiler (${CXX:-c++})" g++
if ! command -v "$python" >/dev/null 2>&1; then
    lack "Python 3.11 ($python)" python3
    lack "Python's venv module" python3-venv
    lack "Python's headers" python3-dev
else
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    case "$version" in
    3.11 | 3.12 | 3.13) ;;
    *) lack "Python 3.11 to 3.13 ($python is $version; name another with make PYTHON=python3.11)" python3.11 ;;
    esac
    "$python" -c 'import venv, ensurepip' 2>/dev/null || lack "Python's venv module" python3-venv
    header=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h
    [ -f "$header" ] || lack "Python's headers ($header)" python3-dev
fi
if [ -n "$missing" ]; then
    echo "Install what is missing: apt-get install$missing" >&2
    exit 1
fi
