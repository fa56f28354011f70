#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The page that compares suites: no device is needed, and none is asked for.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"

mkdir "$folder/no-drivers"
export OCL_ICD_VENDORS=$folder/no-drivers/

suite=$folder/one.json
cp "$(dirname "$0")/data/suite.json" "$suite"
cd "$folder" || exit 1

# variant FILE SED...: the suite with changes.
variant() {
    local file=$1
    shift
    sed "$@" "$suite" >"$file"
    if cmp -s "$suite" "$file"; then fail "no change: $*"; fi
}

# page FILE...: makes page.html of them.
page() {
    rm -f page.html
    alisa bench --report "$@" -o page.html
    expect_code 0
    if [ -s "$out" ] || [ -s "$err" ]; then fail "$case_name: it says something"; fi
    grep -q '</html>' page.html || fail "$case_name: half a page"
}

has() {
    grep -qF -- "$1" page.html || fail "$case_name: the page lacks '$1'"
}

hasnt() {
    if grep -qF -- "$1" page.html; then fail "$case_name: the page has '$1'"; fi
}

# warns KINDS: what the box on top of the page says, no more and no less.
warns() {
    local kinds
    kinds=$(sed -n '1,/id="summary"/p' page.html | { grep -o 'data-kind="[a-z-]*"' || true; } |
        cut -d '"' -f 2 | tr '\n' ' ')
    [ "$kinds" = "${1:+$1 }" ] || fail "$case_name: it warns of '$kinds', not of '$1'"
}

# ---- One, two, three files -----------------------------------------------------------------------

variant two.json -e 's/Device One/Device Two/' -e 's/"seconds": \[4e-5/"seconds": [3.8e-5/'
variant tuned.json -e 's/"id": "11aa"/"id": "22bb"/' -e 's/"changed": ""/"changed": "tuned"/'

page one.json
warns ""
has '<h1>Device One</h1>'
hasnt 'compared</h1>'
hasnt 'emulated link</span>'
for section in summary devices rooflines matrix-vector matrix-matrix attention transfer prefill \
    decode policy; do
    has "id=\"$section\""
done
# Both bounds, by hand: 2e7 bytes in 1.01e-4 s of 400 GB/s, 2e10 flop in 4 ms of 1e13 flop/s.
has '198 GB/s'
has '50 % of its bandwidth'
has '5000 GFLOP/s'
has '50 % of its peak'
has '2048 t/s'
has 'alisa is 10.00'
has 'no limit known'

page one.json two.json
warns ""
has '<h1>2 devices compared</h1>'
has 'These runs can be compared'
has '<b>1.00×</b> A, 1 test'

page one.json tuned.json two.json
warns ""
has '<h1>3 runs on 2 devices compared</h1>'
has 'Device One (one.json)'
has 'Device One (tuned)'
has '<tr class="differs"><th scope="row">tuning id</th>'
hasnt '<tr class="differs"><th scope="row">driver</th>'

# The page is the same each time, and can be piped.
alisa bench --report one.json tuned.json two.json
expect_code 0
cmp -s page.html "$out" || fail "the page on standard output is another one"

# ---- Warnings: exactly where they should be ------------------------------------------------------

# other KINDS SED...: another device with changes beside the first.
other() {
    local kinds=$1
    shift
    variant other.json -e 's/Device One/Device Two/' "$@"
    page one.json other.json
    warns "$kinds"
}

other build -e 's/0123abc/4567def/'
has 'A: 0.1.0 at commit 0123abc; B: 0.1.0 at commit 4567def'
other build -e 's/"version": "0.1.0"/"version": "0.2.0"/'
other model -e 's/"feed"/"beef"/'
has '<h3>prompt of 512</h3>'
other model -e 's/llama 1B Q8_0/llama 1B Q4_0/'
other model -e 's/"model": {.*}/"model": null/'
has 'B: none'
other few-samples -e 's/\[0.5, 0.5, 0.5, 0.5, 0.5\]/[0.5, 0.5, 0.5]/'
has '<span class="badge">3 samples</span>'
other spread -e 's/\[0.5, 0.5, 0.5, 0.5, 0.5\]/[0.5, 0.5, 0.5, 0.5, 0.7]/'
has '<span class="badge">spread 40 %</span>'
other "" -e 's/"driver": "1.0"/"driver": "2.0"/' -e 's/11aa/22bb/'
other work -e 's/"items": 128/"items": 129/'
has '<span class="badge">not the same work</span>'
other effort -e 's/"normal"/"quick"/'

other link -e 's/"emulated_link": null/"emulated_link": 2e10/'
# Beside every name of that run: on top, in two tables and two pictures, in seven legends and tables.
badges=$(grep -o 'Device Two <span class="badge">emulated link</span>' page.html | wc -l)
names=$(grep -o '</span>B Device Two\|B</span> Device Two' page.html | wc -l)
[ "$badges" = "$names" ] || fail "$badges of $names names have the badge"
[ "$badges" -gt 10 ] || fail "only $badges names have the badge"
hasnt 'Device One <span class="badge">'
sections=$(grep -c 'data-kind="link"' page.html)
[ "$sections" = 3 ] || fail "the link is warned of $sections times: not on top, at copies, policies"
if sed -n '/id="decode"/,/id="policy"/p' page.html | grep -q 'data-kind'; then
    fail "decode does not depend on the link"
fi

# The same device twice: one thing may differ.
variant several.json -e 's/"driver": "1.0"/"driver": "2.0"/' -e 's/11aa/22bb/'
page one.json several.json
warns several
has 'differ in 2 things: driver and tuning'
variant driver.json -e 's/"driver": "1.0"/"driver": "2.0"/'
page one.json driver.json
warns ""
page one.json tuned.json driver.json
warns ""

# ---- What comes from a file is text --------------------------------------------------------------

evil='<script>alert(1)</script><img src=x onerror=alert(1)>'"'"'\\" onload=\\"alert(1)'
# Every text of the file; the names of groups, units and parameters have their meaning.
sed -E -e "s#(\"(commit|version|date|effort|command|name|platform|vendor|driver|type|opencl_version|opencl_c_version|board|architecture|match|id|hash|changed|note|kind|policy)\": )\"([^\"]*)\"#\\1\"\\3$evil\"#g" \
    -e "s#\"subgroups\"#\"$evil\"#" "$suite" >'<b>evil.json'
page '<b>evil.json' one.json
[ "$(grep -o '<script' page.html | wc -l)" = 1 ] || fail "a file's script is in the page"
[ "$(grep -o '&lt;script&gt;alert(1)' page.html | wc -l)" -gt 60 ] || fail "texts are missing"
hasnt '<img'
hasnt '<b>evil'
has '&lt;b&gt;evil.json'
hasnt 'onload="'

# ---- The page loads nothing ----------------------------------------------------------------------

for what in 'http:' 'https:' 'src=' 'url(' '@import' '<link' '<iframe'; do
    page one.json two.json
    hasnt "$what"
done
has "default-src 'none'"
if command -v python3 >/dev/null; then
    python3 - page.html <<'PYTHON' || fail "the page is not well-formed"
import sys
from html.parser import HTMLParser
class Check(HTMLParser):
    void = {"meta", "br"}
    stack = []
    def handle_starttag(self, tag, attributes):
        if tag not in self.void: self.stack.append(tag)
    def handle_startendtag(self, tag, attributes): pass
    def handle_endtag(self, tag):
        assert self.stack and self.stack[-1] == tag, (tag, self.stack, self.getpos())
        self.stack.pop()
check = Check()
check.feed(open(sys.argv[1], encoding="utf-8").read())
assert not check.stack, check.stack
PYTHON
fi

# ---- Refusals ------------------------------------------------------------------------------------

refused 2 "no files were given" bench --report
refused 2 "no files were given" bench --report -o page.html
refused 2 "one.json was given twice" bench --report one.json two.json one.json -o page.html
refused 2 "more than 8 files" bench --report 1 2 3 4 5 6 7 8 9 -o page.html
refused 2 "use -o FILE.html" bench --report one.json -o csv
refused 2 "takes files with --report only" bench one.json
refused 2 "only --suite and --report write a file" bench -m model.gguf -o page.html
refused 1 "none.json: cannot read the file" bench --report one.json none.json -o page.html
refused 1 "suite.html: cannot write the file" bench --report one.json -o none/suite.html
variant bad.json -e 's/"version": 1,/"version": 2,/'
refused 1 "bad.json: version 2 of alisa-suite is newer than 1" bench --report one.json bad.json
variant bad.json -e 's/"compute_units": 64/"compute_units": "64"/'
refused 1 "bad.json: manifest.device.compute_units: expected a whole number" bench --report bad.json
variant bad.json -e 's/0.99e-4/-1/'
refused 1 "bad.json: tests[0].seconds[3]: expected a number" bench --report bad.json
alisa bench --report one.json -o /dev/full
expect_code 1
expect_err "cannot write the file"

# A page is written whole or not at all, and nothing is left beside it.
mkdir pages
echo old >pages/page.html
refused 1 "bad.json" bench --report one.json bad.json -o pages/page.html
[ "$(cat pages/page.html)" = old ] || fail "a failure touched the page"
alisa bench --report one.json -o pages/page.html
expect_code 0
grep -q '</html>' pages/page.html || fail "the page was not replaced"
[ "$(ls pages)" = page.html ] || fail "something is left beside the page"
(umask 027 && "$ALISA_BINARY" bench --report one.json -o pages/mode.html)
[ "$(stat -c %a pages/mode.html)" = 640 ] || fail "the page has not the mode of new files"
