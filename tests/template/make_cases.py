# SPDX-License-Identifier: Apache-2.0
"""Writes cases.json: templates, and what Python's jinja2 makes of them. Run with jinja2 3.1:
python3 make_cases.py"""
import json
import pathlib

import conversations
import reference

FOLDER = pathlib.Path(__file__).parent
NAMED = FOLDER / "../../src/template/named"

# A template a line.
LINES = r'''
{{ 1 + 2 * 3 ** 2 }} {{ -2 ** 2 }} {{ 7 // -2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 1.5e3 }} {{ 1e16 }} {{ 0.1+0.2 }} {{ 100.0 }} {{ 1e-5 }} {{ 2**-1 }}
{{ [1, 'a', "it's", none, true, 2.0, (1,), (), {'a': [1]}] }}
{{ 'abc'[1] }}{{ 'abc'[-1] }}{{ 'abc'[::-1] }}{{ 'héé'[1:] }}{{ [1,2,3][-2:] }}{{ [1,2,3][5] }}{{ 'a'.b }}
{% for i in range(3) %}{{ loop.index }}{{ loop.first }}{{ loop.last }}{{ loop.revindex }}{{ loop.previtem }}{{ loop.nextitem }}, {% else %}none{% endfor %}
{% for i in [] %}x{% else %}none{% endfor %}
{% set ns = namespace(a=1, b='x') %}{% for i in range(5) %}{% set ns.a = ns.a + i %}{% if i == 3 %}{% break %}{% endif %}{% endfor %}{{ ns.a }}{{ ns }}
{% macro f(a, b=2, c=a) %}[{{ a }}{{ b }}{{ c }}{{ varargs }}{{ kwargs }}]{% endmacro %}{{ f(1) }}{{ f(1, 3, 4, 5, x=6) }}{{ f() }}{{ f(b=9, a=0) }}
{% macro g() %}<{{ caller() }}>{% endmacro %}{% call g() %}hello{% endcall %}
{% macro g() %}<{{ caller('x') }}>{% endmacro %}{% call(u) g() %}hello{{ u }}{% endcall %}
{{ undefinedvar }}|{{ undefinedvar is defined }}|{{ undefinedvar|default('d') }}|{{ undefinedvar|length }}
{{ undefinedvar.x }}
{{ 'a' + undefinedvar }}
{{ 'a' ~ undefinedvar ~ 1 ~ none }}
{{ 'a' + 1 }}
{{ {'a':1, 'b': {'c': [1,2,{}]}, 'é': 'ü"\n'}|tojson }} {{ {'a':1, 'b': [], 'c': [1,2]}|tojson(indent=2) }} {{ [1.0, true, none]|tojson(separators=(',', ':')) }}
{{ "%s is %d and %5.2f|%-5s|%05d%%"|format('x', 3, 2.5, 'ab', 42) }} {{ "%s" % 'x' }} {{ '{} {a} {0!r} {:>5}'.format(1, 2, 3, a='q') if false else '{} {a} {:>5}'.format(1, 2, a='q') }}
{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a b c'.split(' ', 1) }} {{ 'a b c'.rsplit(' ', 1) }} {{ ' a b  c '.split(none, 1) }} {{ ' a b  c '.rsplit(none,1) }} {{ 'x\ny\n\nz'.splitlines() }} {{ 'a-b-c'.partition('-') }} {{ 'a-b-c'.rpartition('-') }}
{{ ' x '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'xxa'.lstrip('x') }}|{{ 'straße'.upper() }}|{{ 'ÀB'.lower() }}|{{ 'hello wORLD'.title() }}|{{ 'hELLO'.capitalize() }}
{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x','c')) }}{{ 'abcabc'.find('c') }}{{ 'abc'.replace('b', 'X') }}{{ 'aaa'.replace('a','b',2) }}{{ 'abc'.replace('', '-') }}{{ 'abab'.count('ab') }}
{{ [3,1,2]|sort }}{{ ['b','A','c']|sort }}{{ ['b','A']|sort(case_sensitive=true) }}{{ [1,2,3]|sum }}{{ [1,2]|join('-') }}{{ 'abc'|join('.') }}{{ [3,1]|max }}{{ [3,1]|min }}{{ [1,1,2]|unique|list }}{{ [1,2,3]|reverse|list }}{{ 'abc'|reverse }}{{ [1,2,3,4,5]|batch(2)|list }}
{{ [{'a':1},{'a':2},{}]|selectattr('a')|list }}{{ [{'a':1},{'a':2}]|selectattr('a','equalto',2)|list }}{{ [{'a':1},{'a':2}]|map(attribute='a')|list }}{{ ['a','b']|map('upper')|join }}{{ [1,0,2]|select|list }}{{ [1,2,3]|reject('odd')|list }}{{ [{'a':1},{}]|map(attribute='a', default=0)|list }}{{ [{'a':1},{}]|rejectattr('a','defined')|list }}
{{ {'b':1,'a':2,'C':0}|dictsort }}{{ {'b':1,'a':2}|items|list }}{{ {'b':1}.items() }}{{ {'b':1}.keys() }}{{ {'b':1}.values()|list }}{{ {'a':1}|list }}{{ {'a':1}|length }}
{{ 'x' if false }}|{{ ('x' if false) is defined }}
{{ 1 < 2 < 3 }}{{ 1 in [1,2] }}{{ 'b' not in 'abc' }}{{ 'k' in {'k':1} }}{{ not 1 == 1 }}{{ 1 == 1.0 == true }}{{ [1] == (1,) }}
{{ none is none }}{{ 1 is number }}{{ true is number }}{{ 1 is integer }}{{ true is integer }}{{ 1.0 is float }}{{ 'a' is string }}{{ [] is sequence }}{{ {} is mapping }}{{ 'a' is iterable }}{{ 1 is iterable }}{{ 3 is odd }}{{ 4 is divisibleby 2 }}{{ 1 is in [1] }}{{ 'A' is upper }}{{ 1 is eq 1 }}{{ x is sequence }}{{ true is true }}{{ 1 is true }}{{ [] is not none }}{{ 2 is sameas 2 }}
{% raw %}{{ x }}{% endraw %}
{%- raw -%} {{ x }} {%- endraw -%} y
{{ "a\n\t\x41\u00e9\\\'\"\q" }}
{% set x %}block {{ 1 }}{% endset %}[{{ x }}]{% set x | upper | trim %} block {% endset %}[{{ x }}]
{% filter upper %}abc{{ 'd' }}{% endfilter %}
{% with a=1, b=2 %}{{ a }}{{ b }}{% set c = 3 %}{% endwith %}{{ c }}{{ a }}
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% for k, v in {'x': 1}.items() %}{{ k }}{{ v }}{% endfor %}{% for (k, v) in [(1,2)] %}{{ k }}{{ v }}{% endfor %}
{% for x in [1,2,3] if x > 1 %}{{ x }}{{ loop.length }}{% endfor %}
{% for x in [1,2,3] %}{% if x == 2 %}{% continue %}{% endif %}{{ x }}{% endfor %}
{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{{ x }}{% endfor %}{{ x }}{% if true %}{% set x = 5 %}{% endif %}{{ x }}
{{ loop }}{{ range(3) }}{{ range(1,10,3)|list }}{{ range(5,0,-2)|list }}{{ dict(a=1) }}{{ dict([('a',1)]) }}
{{ 3.7|int }}{{ '42'|int }}{{ 'x'|int }}{{ 'x'|int(7) }}{{ '3.9'|int }}{{ '0x1f'|int(base=16) }}{{ '1.5'|float }}{{ 'q'|float }}{{ 2.5|round }}{{ 2.345|round(2) }}{{ 2.1|round(0,'ceil') }}{{ -3|abs }}
{{ 'a\nb\n\nc'|indent(2) }}|{{ 'a\nb'|indent(2, true) }}|{{ 'a\n\nb'|indent(2, blank=true) }}
{{ '<a href="x">&\'</a>'|e }}{{ 'hello world foo'|wordcount }}{{ 'hello-world (foo) bar'|title }}{{ 'x'|center(5) }}|
{{ [1,2]|first }}{{ [1,2]|last }}{{ []|first }}{{ 'abc'|first }}{{ 'abc'|last }}
{{ messages[0].content|upper }}
{{ raise_exception('no!') }}
{{ strftime_now('%d %b %Y') }}
{{ x.y.z }}
{{ foo(1) }}
{{ 'a' 'b' }}
{{ 1 if 2 else 3 if 4 else 5 }}
{% if x is undefined %}u{% elif y %}y{% else %}z{% endif %}
{% if 1 %}a{% elif %}
{% for %}
{{ 1 +
{{ 'abc }}
{% unknown %}
{{ x|nofilter }}
{% if false %}{{ x|nofilter }}{% endif %}ok
{{ x|nofilter if false else 'fine' }}
{{ x is notest }}
{% endif %}
{{ a b }}
{{ [1,2,3].append(4) }}
{{ {'a':1}.pop('a') }}
{{ 'abc' * 2 }}{{ [1] * 2 }}{{ 'a' * -1 }}
{{ 1/0 }}
{{ true + 1 }}{{ -true }}{{ +3 }}{{ not none }}{{ none or 'x' }}{{ 0 and 1 }}
{{ namespace(a=1).b }}
{% set x.y = 1 %}
{% set messages.y = 1 %}
{{ messages|map(attribute='role')|unique|list }}{{ messages|groupby('role') }}
{{ loop.cycle(1,2) }}{% for i in range(4) %}{{ loop.cycle('a','b') }}{{ loop.changed(i//2) }}{% endfor %}
{{ 'x'.join(['a','b']) }}{{ ','.join([1]) }}
{{ "\u2028a\x1f\x7f\xa0é😀" }}{{ ["\u2028a\x1f\x7f\xa0é😀\u200b"] }}{{ "\u2028a\x1f\x7f\xa0é😀"|tojson }}{{ "é😀"|tojson(ensure_ascii=true) }}
{{ {1: 2, none: 3, true: 4, 1.5: 0}|tojson }}{{ {'b':1,'a':2}|tojson(sort_keys=true) }}
{{ range(3)|tojson }}
{{ (1,2)|tojson }}
{{ undefinedvar|tojson }}
{{ messages[0]['nope'] is defined }}{{ messages[0].get('nope') }}{{ messages[0].get('nope', 'd') }}{{ messages[9] is defined }}{{ (messages|last).role }}
{%- for m in messages -%}{{ m.role }}{{- '\n' -}}{%- endfor -%}
{{- 'x' }} {{ 'y' -}}   z
{% set f = messages[0].items %}{{ f()|list|length }}
{{ '%s' | format(none) }}{{ 'a%sb%s' | format(1) }}
{{ "abc"|replace("b", 1) }}{{ 5|string + 'x' }}{{ 'TRUE'|lower }}{{ none|upper }}
{{ messages|tojson(indent=4) }}
{% print 'x' %}
{% do 1 %}
{{ 'a' in none }}
{{ 1 in 'a' }}
{{ 'a' < 1 }}
{% for x in 5 %}{% endfor %}
{% for a, b in [1] %}{% endfor %}
{{ 'a'.zfill(3) }}{{ '-1'.zfill(4) }}{{ 'a'.ljust(3,'.') }}{{ 'a'.rjust(3) }}|{{ 'ab'.center(5,'*') }}{{ 'ab'.isalpha() }}{{ '1'.isdigit() }}{{ ''.isdigit() }}{{ ' '.isspace() }}{{ 'Ab'.isupper() }}{{ 'prefix'.removeprefix('pre') }}
{{ (1, 2)[0] }}{{ 'a.b'.split('.')[-1] }}{{ messages.0.role }}{{ [[1,2],[3]][0][1] }}
{{ 10 is gt 5 }}{{ 5 is le 5 }}{{ 'a' is lt 'b' }}
{{ [1,2,3]|length == 3 and 'y' or 'n' }}
{{ 1,2 }}
{{ () }}{{ (1) }}{{ [1,] }}{{ {'a':1,} }}
{{ "a"|default }}{{ ''|default('e', true) }}{{ none|default('n') }}
{{ x.y|default('z') }}
{{ (x.y if x else 'n') }}
{{ messages[0:1] }}{{ messages[::2]|length }}{{ 'abcdef'[1:5:2] }}{{ 'abcdef'[-2:] }}{{ 'abc'[10:] }}{{ [1,2,3][:-1] }}{{ [1,2,3][::-1] }}
{% macro outer(x) %}{% macro inner(y) %}{{ x }}{{ y }}{% endmacro %}{{ inner(2) }}{% endmacro %}{{ outer(1) }}
{% macro m() %}{{ later }}{% endmacro %}{% set later = 3 %}{{ m() }}
{% macro r(n) %}{{ n }}{% if n > 0 %}{{ r(n - 1) }}{% endif %}{% endmacro %}{{ r(5) }}
{% generation %}gen{% endgeneration %}
{{ f"x" }}
{{ 0x1f }} {{ 0b11 }} {{ 1_000 }}
{{ '' is string and '' == "" }}{{ "x" is string == true }}
{{ messages is iterable and messages is not string }}
{{ -1 | abs }}{{ (-1) | abs }}{{ 1 ~ 2 + 3 }}
{{ '{{' }}{{ '%}' }}{{ "}}" }}
{{ ['a','b'] | join(', ') | upper ~ '!' }}
{{ 1 is defined and 2 is defined }}
{{ not x is defined }}
{{ "a" is in "abc" }}
{{ "tools" if tools else "no tools" }}
{{ "abc" | list }}{{ none | list }}
{{ (undefinedvar is defined)[1:] }}
{{ messages[0][1:] }}
{{ 5|indent }}
{{ 'a' % [1] }}{{ 'a' % undefinedvar }}
{{ 'a' % 1 }}
{{ messages[0] == messages[0] }}{{ messages[0] in messages }}{{ {} == {} }}
'''

# Where lines end matters in these.
BLOCKS = [
    "  {% if true %}\n a\n  {% endif %}\n b\n  {%- if true -%}  c  {%- endif +%}\nd {# note #} e\n  {# note #}\nf\n",
    "a{% if true %}\nb{% endif %}\n\nc\n   {%+ if true %}x{% endif %}",
    "a\r\nb\r{% if true %}\r\nc{% endif %}\n\n",
    "{% if true %}x{% endif %}\n\n\n{% for i in range(2) %}\n  {{ i }}\n{% endfor %}\nend\n",
    "{% set x %}\n  lines\n{% endset %}\n[{{ x }}]",
    "  {%- raw %}\n {{ a }} {% endraw -%}\n  b\n  {# c #}  d",
    "{{ 'a' }}\n  {{ 'b' }}\n{%- macro m() %}\n x\n{% endmacro %}\n{{ m() }}|",
    "{#- a -#}\n\n {{- 'b' -}} \n {%- set x = 1 -%} \n c\n",
]

PLAIN = {
    "messages": [{"role": "user", "content": "hi <|im_end|>"}, {"role": "assistant", "content": "yo"}],
    "tools": None,
    "bos_token": "<s>",
}


def case(text, **what):
    return {**what, "text": text} if text is not None else {**what, "fails": True}


def main():
    cases = []
    for source in [line for line in LINES.splitlines() if line] + BLOCKS:
        cases.append(case(reference.render(source, PLAIN), template=source))
    sources = {path.stem: path for path in sorted(NAMED.glob("*.jinja"))}
    sources["agent"] = FOLDER / "agent.jinja"
    for name, path in sources.items():
        for conversation in conversations.CONVERSATIONS:
            text = reference.render(path.read_text(), conversations.variables(conversation))
            cases.append(case(text, file=name, conversation=conversation))
    written = {
        "now": reference.NOW,
        "plain": PLAIN,
        "conversations": {name: conversations.variables(name) for name in conversations.CONVERSATIONS},
        "cases": cases,
    }
    path = FOLDER / "cases.json"
    path.write_text(json.dumps(written, ensure_ascii=False, indent=0) + "\n")


main()
