# Sourced by the other scripts: finds a Python, creates an environment, installs, prints help. POSIX sh.
# Requires $root, the folder of this repository; for installing also $venv, the folder of the environment.
# shellcheck shell=sh disable=SC2154

say() {
    printf '%s\n' "$*" >&2
}

print_help() {
    sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0"
}

# show_help "$@": on -h or --help, prints the comment at the top of the script and exits.
show_help() {
    case ${1-} in
    -h | --help) print_help && exit 0 ;;
    esac
}

# no_option "$@": exits if the first argument is an option; --help is answered by show_help before.
no_option() {
    case ${1-} in
    -*)
        say "$(basename "$0"): unknown option $1; --help lists them"
        exit 1
        ;;
    esac
}

# Debian's PATH for ordinary users does not include daemons.
has_mosquitto() {
    command -v mosquitto >/dev/null 2>&1 || [ -x /usr/sbin/mosquitto ] || [ -x /usr/local/sbin/mosquitto ]
}

is_usable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

has_picamera2() {
    "$1" -c 'import importlib.util, sys; sys.exit(not importlib.util.find_spec("picamera2"))' >/dev/null 2>&1
}

# Prints the Python to use. On a Raspberry Pi the camera library exists for the system's Python only.
find_python() {
    if [ -n "${PYTHON-}" ]; then
        is_usable "$PYTHON" && printf '%s\n' "$PYTHON" && return
        say "PYTHON=$PYTHON is not Python 3.11 or later with venv"
        return 1
    fi
    if has_picamera2 /usr/bin/python3 && is_usable /usr/bin/python3; then
        printf '%s\n' /usr/bin/python3
        return
    fi
    for candidate in python3.13 python3.12 python3.11 python3; do
        is_usable "$candidate" && printf '%s\n' "$candidate" && return
    done
    say "Python 3.11 or later with venv is needed: apt-get install python3 python3-venv"
    return 1
}

make_environment() {
    python=$(find_python)
    say "creating $venv with $("$python" -V)"
    if has_picamera2 "$python"; then
        "$python" -m venv --clear --system-site-packages "$venv"
    else
        "$python" -m venv --clear "$venv"
    fi
}

# Prints what an environment depends on: when it changes, everything is installed again.
fingerprint() {
    printf '%s\n' "$root" "${PYTHON-}"
    cksum <"$root/setup.cfg"
    cksum <"$root/pyproject.toml"
}

# has_extras <installed> <wanted>: whether all extras of one list are in another.
has_extras() {
    for extra in $(printf '%s' "$2" | tr , ' '); do
        case ,$1, in
        *,"$extra",*) ;;
        *) return 1 ;;
        esac
    done
}

# is_installed [extras]: whether this package, with these extras at least, is in $venv.
is_installed() {
    "$venv/bin/python" -c '' 2>/dev/null || return 1
    for stamp in "$venv"/.installed-*; do
        [ -f "$stamp" ] && has_extras "${stamp##*/.installed-}" "${1-}" &&
            [ "$(fingerprint)" = "$(cat "$stamp")" ] && return
    done
    return 1
}

# Exits if this user cannot install: folders of another user, or a read-only disk.
require_writable() {
    for folder in "$root" "$venv"; do
        if [ -e "$folder" ] && [ ! -w "$folder" ]; then
            # Of a user without a name, as in a container, id prints the number and fails.
            say "$folder cannot be written by $(id -un 2>/dev/null || :): do this as \
$(stat -c %U "$folder" | sed "s/^UNKNOWN$/user $(stat -c %u "$folder")/"), or clone the repository into a folder of your own"
            exit 1
        fi
    done
}

# Whether an environment can be installed into. Its creation ends with bin/activate: without that it was interrupted, and
# may lack pip. An environment of another kind, such as conda's, has no pyvenv.cfg.
is_whole() {
    "$venv/bin/python" -c '' 2>/dev/null && { [ -f "$venv/bin/activate" ] || [ ! -f "$venv/pyvenv.cfg" ]; }
}

# install [extras]: installs them unless is_installed.
install() {
    is_installed "${1-}" && return
    require_writable
    if ! is_whole || [ -n "${PYTHON-}" ]; then
        make_environment
    fi
    say "installing; the first time takes a minute"
    if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e "$root${1:+[$1]}" \
        >"$venv/install.log" 2>&1; then
        cat "$venv/install.log" >&2
        say "the installation failed; the output of pip is above, and in $venv/install.log"
        return 1
    fi
    fingerprint >"$venv/.installed-${1:-plain}"
}
