# Sourced by the other scripts: one virtual environment in .venv, made from a lock file.

say() { printf '%s\n' "$*" >&2; }

# The distribution's own interpreter first: it is built with the optimisations that others often lack.
find_python() {
  local candidate wanted
  for wanted in 'ensurepip, venv' sys; do
    for candidate in "${PYTHON:-}" /usr/bin/python3 python3 python3.13 python3.12 python3.11; do
      [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
      if "$candidate" -c "import sys, $wanted; sys.exit(sys.version_info < (3, 11))" 2>/dev/null; then
        printf '%s' "$candidate"
        return
      fi
    done
  done
  say "Vigil needs Python 3.11 or newer; install it or name it: PYTHON=/path/to/python3 $0"
  return 1
}

may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

# need_packages PACKAGE... : installs Debian packages where it may, otherwise names the missing ones and fails.
need_packages() {
  local package missing=()
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return
  if ! may_install; then
    say "missing Debian packages: ${missing[*]}"
    say "install them with: sudo apt-get install --no-install-recommends ${missing[*]}"
    return 1
  fi
  say "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

# prepare_venv LOCK : .venv holds exactly what LOCK pins; made again only when the lock changed.
prepare_venv() {
  local lock=requirements/$1.lock python stamp
  python=$(find_python)
  stamp=$("$python" -c 'import sys; print(sys.version)' | cat - "$lock" pyproject.toml | cksum)
  if [ "$(cat ".venv/stamp-$1" 2>/dev/null)" = "$stamp" ]; then
    return
  fi
  if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    need_packages python3-venv
  fi
  say "preparing .venv from $lock"
  [ -x .venv/bin/python ] || "$python" -m venv .venv
  .venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r "$lock"
  # The project itself: editable, so that what runs is what lies here.
  .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --editable .
  printf '%s' "$stamp" > ".venv/stamp-$1"
}
