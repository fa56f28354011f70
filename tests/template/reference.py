# SPDX-License-Identifier: Apache-2.0
"""What Python's jinja2 makes of a template, set up as Hugging Face's transformers does it."""
import datetime
import json

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = 1764525600  # 2025-11-30 18:00 UTC: what strftime_now tells


class Generation(jinja2.ext.Extension):
    """{% generation %} prints what is inside."""
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_show"), [], [], body).set_lineno(line)

    def _show(self, caller):
        return caller()


def _raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def _tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                      sort_keys=sort_keys)


def _environment():
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                                extensions=[Generation, jinja2.ext.loopcontrols])
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = lambda form: datetime.datetime.fromtimestamp(
        NOW, datetime.timezone.utc).strftime(form)
    return environment


ENVIRONMENT = _environment()


def use_the_time_of_day():
    """strftime_now tells what the clock says."""
    ENVIRONMENT.globals["strftime_now"] = lambda form: datetime.datetime.now().strftime(form)


def render(source, variables):
    """The text, or None where the template fails or refuses."""
    try:
        return ENVIRONMENT.from_string(source).render(**variables)
    except Exception:  # whatever a template brings about
        return None
