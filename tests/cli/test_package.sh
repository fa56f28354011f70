#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The installed program has its manual pages and completion scripts. Against the installed library
# examples/minimal.c is built with pkg-config and with CMake; it writes the text the program writes.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"

project=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$(dirname "$ALISA_BINARY")/../.." && pwd)
prefix=$folder/prefix
work=$folder/work

# Steps that must succeed; what they print is shown when they do not.
step() {
    case_name="$*"
    "$@" >"$out" 2>"$err" || fail "$case_name"
}

step cmake --install "$build" --prefix "$folder/first"
mv "$folder/first" "$prefix" # an installed tree can be moved
libraries=$(dirname "$(find "$prefix" -name 'libalisa.so')")
export PKG_CONFIG_PATH=$libraries/pkgconfig LD_LIBRARY_PATH=$libraries

# Made by the build, unless it was told to leave them out.
if [ -d "$build/reference" ]; then
    for file in man/man1/alisa.1 man/man1/alisa-generate.1 bash-completion/completions/alisa \
        zsh/site-functions/_alisa fish/vendor_completions.d/alisa.fish; do
        [ -s "$prefix/share/$file" ] || fail "share/$file is not installed"
    done
fi

read -ra shared <<<"$(pkg-config --cflags --libs alisa)"
read -ra static <<<"$(pkg-config --cflags --libs alisa-static)"
step cc -std=c11 -Wall -Wextra -Werror "$project/examples/minimal.c" -o "$folder/with-shared" \
    "${shared[@]}"
step cc -std=c11 "$project/examples/minimal.c" -o "$folder/with-static" "${static[@]}"
step cmake -S "$project/examples" -B "$work" -DCMAKE_PREFIX_PATH="$prefix"
step cmake --build "$work"
programs=("$folder/with-shared" "$folder/with-static" "$work/minimal_shared" "$work/minimal_static")
for program in "${programs[@]}"; do
    needed=$(ldd "$program")
    case $program in
    *shared) [[ $needed == *"$libraries/libalisa.so"* ]] || fail "$program does not use libalisa.so" ;;
    *static) [[ $needed != *libalisa* ]] || fail "$program needs libalisa.so" ;;
    esac
done

# Each header compiles on its own, in C and in C++, and alisa.h does without the others.
headers=0
for header in "$prefix"/include/alisa/*.h; do
    name=alisa/$(basename "$header")
    for language in c:-std=c11 c++:-std=c++11; do
        printf '#include <%s>\n' "$name" >"$folder/alone.txt"
        step cc -x "${language%%:*}" "${language#*:}" -Wall -Wextra -pedantic -Werror -fsyntax-only \
            -I"$prefix/include" "$folder/alone.txt"
    done
    headers=$((headers + 1))
done
[ "$headers" = "$(find "$project/include/alisa" -name '*.h' | wc -l)" ] ||
    fail "$headers headers are installed"
grep -q '#include.*alisa/' "$prefix/include/alisa/alisa.h" && fail "alisa.h includes another header"

"$folder/with-shared" >"$out" 2>"$err" && fail "no usage error"
grep -q usage "$err" || fail "no usage sentence"
need_model
"$ALISA_BINARY" generate --temp 0 -n 100 2>"$err" | head -c 200 >"$folder/expected"
for program in "${programs[@]}"; do
    step "$program" "$model"
    head -c 200 "$out" | cmp - "$folder/expected" || fail "$program writes another text"
done
