#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# alisa tune: a search ends, is kept and used; what computes wrong results, crashes or hangs on one
# candidate is left out; two searches at once, and files from elsewhere.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"

# Kernels of its own in every case: their hash tells entries and journals apart.
export ALISA_CACHE=$folder/cache ALISA_KERNEL_DIR=$folder/cl
mkdir -p "$folder/cl/gemm"
original=$(dirname "$MODELS_DIR")/cl/gemm/matvec_item.clh
[ -f "$original" ] || skip "$original is not there"
"$ALISA_BINARY" devices >"$out" 2>"$err" || skip "no usable device"
alisa tune --export "$folder/before.json"
expect_code 0
grep -q '"type": "cpu"' "$folder/before.json" || skip "the planted faults are for a CPU"

# More time than a quick search of one family takes on a busy machine: it ends when nothing helps.
enough=600
quick=(--effort quick --time-budget "$enough")
# A crash is one also where a sanitizer would make an exit of it.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0

# One search, its table, and an entry that engines use.
alisa tune "${quick[@]}" --kernel matvec.f32
expect_code 0
expect_out "| matvec.f32   |"
grep -qE '^\| f32     \| (from|at|never).* \| (from|at|never|not in this build)' "$out" ||
    fail "nothing says from how many rows on products of f32 are matmul's"
[ "$(grep -c '^| f32 ' "$out")" = 1 ] || fail "products are compared more than once"
[ ! -s "$err" ] || fail "a search that goes well says something"
ls "$ALISA_CACHE"/tuning/*.json >/dev/null || fail "nothing was kept"
! ls "$ALISA_CACHE"/tuning/*.journal 2>/dev/null || fail "the journal is left behind"

# planted TEXT: the kernel with a fault where four weight rows are read side by side; nothing is
# known of other kernels, which a search would begin with.
planted() {
    rm -rf "$ALISA_CACHE/tuning"
    sed "s|^    const uint first = get_global_id(0) \* run;|&\n#if OUTPUTS == 4\n    $1\n#endif|" \
        "$original" >"$folder/cl/gemm/matvec_item.clh"
    grep -q 'OUTPUTS == 4' "$folder/cl/gemm/matvec_item.clh" || fail "the fault is not planted"
}

planted 'if (first == 0) { y[y_offset] = 1e9f; return; }'
alisa tune "${quick[@]}" --kernel matvec.f32
expect_code 0
expect_err "wrong results"
! grep -qE 'single=4|several=4' "$out" || fail "wrong results are used"

# Losing accuracy is no excuse for scales that are wrong.
sed 's|largest / 32512.0f|largest / 30720.0f|' "$(dirname "$original")/quantise.cl" \
    >"$folder/cl/gemm/quantise.cl"
grep -q 'largest / 30720.0f' "$folder/cl/gemm/quantise.cl" || fail "the fault is not planted"
alisa tune "${quick[@]}" --kernel matmul.q4_0 --time-budget 4 # the first trials are made at all events
expect_code 0
expect_err "wrong results"
! grep -q 'activations=int16' "$out" || fail "wrong activations are used"
rm "$folder/cl/gemm/quantise.cl"

planted '*(volatile __global uint *)(size_t)8 = 1;'
alisa tune "${quick[@]}" --kernel matvec.f32
expect_code 0
expect_err "the driver crashed on a candidate"
! grep -qE 'single=4|several=4' "$out" || fail "what crashes is used"
sed -n 's/.*crashed on a candidate.*goes on for \([0-9.]*\) s.*/\1/p' "$err" |
    awk -v before="$enough" '$1 >= before && $1 > 0.1 { exit 1 } { before = $1 } END { if (NR < 1) exit 1 }' ||
    fail "a search that is started again has not less time than before"

# Nobody watched: the next search knows all the same.
planted 'if (first == 0) *(volatile __global uint *)(size_t)8 = 1;'
alisa tune "${quick[@]}" --kernel matvec.f32 --no-watch --journal "$folder/unwatched"
[ "$code" -gt 128 ] || fail "the crash that is planted ends with $code"
alisa tune "${quick[@]}" --kernel matvec.f32 --journal "$folder/unwatched"
expect_code 0
! grep -qE 'single=4|several=4' "$out" || fail "what crashed the search before is used"

planted 'for (volatile uint i = 0; i < 2; i = 0) {}'
alisa tune "${quick[@]}" --kernel matvec.f32 --hang-after 10
expect_code 0
expect_err "the driver hung on a candidate"
! grep -qE 'single=4|several=4' "$out" || fail "what hangs is used"
rm "$folder/cl/gemm/matvec_item.clh"

# Keys and values: a row of a file, where the fault is planted after what line, and the fault.
while IFS='|' read -r family file line fault wrong; do
    rm -rf "$ALISA_CACHE/tuning"
    mkdir -p "$folder/cl/${file%/*}"
    awk -v line="$line" -v fault="$fault" '{ print } index($0, line) == 1 { getline; print
        print "    " fault }' "$(dirname "$MODELS_DIR")/cl/$file" >"$folder/cl/$file"
    grep -qF "$fault" "$folder/cl/$file" || fail "the fault of $family is not planted"
    # One that is slow at a gather would not be tried at a scatter: the others are slower.
    if [ "$file" = kv/scatter.cl ]; then
        awk 'index($0, "                        ulong slots_offset") == 1 { print; getline; print
            print "    if (LANES != 16) for (volatile int i = 0; i < 5000; i++) {}"; next } { print }' \
            "$(dirname "$MODELS_DIR")/cl/kv/gather.cl" >"$folder/cl/kv/gather.cl"
        grep -q 'LANES != 16' "$folder/cl/kv/gather.cl" || fail "the others are not slower"
    fi
    alisa tune "${quick[@]}" --kernel "$family"
    expect_code 0
    expect_err "$family: wrong results"
    ! grep -q 'beats' "$out" || fail "products are compared where none was searched"
    ! grep -qE "group=$wrong( |$)" "$out" || fail "wrong results of $family are used"
    rm -f "$folder/cl/$file" "$folder/cl/kv/gather.cl"
done <<'FAULTS'
store|attn/store.cl|                         __global KEY *keys|if (get_local_size(1) == 4) return;|64
seal|attn/seal.cl|__kernel void attn_seal(|if (get_local_size(0) == 8) return;|8
move|kv/gather.cl|                        ulong slots_offset|if (LANES == 16) return;|16
move|kv/scatter.cl|                         __global unit *values|if (LANES == 16) return;|16
FAULTS

# Interrupted, and gone on with: nothing is measured twice.
journal=$folder/journal
"$ALISA_BINARY" tune --effort normal --kernel matvec.f32 --journal "$journal" >"$out" 2>"$err" &
process=$!
for _ in $(seq 2000); do
    [ "$(grep -c '"end"' "$journal" 2>/dev/null || true)" -ge 3 ] 2>/dev/null && break
    sleep 0.05
done
refused 1 "another alisa tune" tune --journal "$journal"
refused 1 "another alisa tune" tune --no-watch --effort normal # whatever its journal
kill -INT "$process"
code=0
wait "$process" || code=$?
[ "$code" = 130 ] || fail "an interrupted search ends with $code"
expect_err "the same command goes on from there"
[ -s "$journal" ] || fail "the journal of an interrupted search is gone"
measured=$(grep -c '"set"' "$journal")
"$ALISA_BINARY" tune --no-watch --effort normal --kernel matvec.f32 --journal "$journal" \
    >"$out" 2>"$err" &
process=$!
for _ in $(seq 2000); do
    [ "$(grep -c '"set"' "$journal" 2>/dev/null || true)" -gt "$measured" ] 2>/dev/null && break
    sleep 0.05
done
repeated=$(grep '"set"' "$journal" 2>/dev/null | sort | uniq -d | wc -l)
kill -INT "$process"
wait "$process" || true
[ "$repeated" -le 1 ] || fail "$repeated of $measured trials were measured again"

# Files.
alisa tune --export "$folder/mine.json"
expect_code 0
[ ! -s "$out" ] || fail "an export prints something"
alisa tune --export /dev/null
expect_code 0
[ -c /dev/null ] || fail "an export replaces /dev/null"
export ALISA_CACHE=$folder/other
alisa tune --import "$folder/mine.json"
expect_code 0
expect_err "is kept as"
echo '{"format": "something else"}' >"$folder/foreign.json"
refused 1 "foreign.json" tune --import "$folder/foreign.json"
refused 1 "nowhere.json" tune --import "$folder/nowhere.json"
sed 's/"queries": [0-9]*/"queries": 99/' "$folder/mine.json" >"$folder/odd.json"
alisa tune --import "$folder/odd.json"
expect_code 0
need_model
alisa bench -p 1 -n 0 -r 1
expect_code 0
expect_err "prefill is not used"

refused 2 "'swift'" tune --effort swift
refused 2 "not all" tune --export a -dev all
refused 2 "two calls" tune --import a --export b
refused 2 "matvec" tune --no-watch --kernel conv
