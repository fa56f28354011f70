# SPDX-License-Identifier: Apache-2.0
"""Runs every template of a folder over all conversations, with `alisa template` and with Python's jinja2:
the texts must be equal to the byte, and what one refuses the other must refuse.
usage: compare.py ALISA FOLDER"""
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile

import conversations
import reference


def run(program, template, folder, name):
    """What `alisa template` prints for a conversation; None where it fails."""
    variables = conversations.variables(name)
    command = [program, "template", "--chat-template-file", template, "--messages", folder / "messages",
               "--bos", variables["bos_token"], "--eos", variables["eos_token"]]
    (folder / "messages").write_text(json.dumps(variables["messages"]))
    if variables["tools"] is not None:
        (folder / "tools").write_text(json.dumps(variables["tools"]))
        command += ["--tools", folder / "tools"]
    if not variables["add_generation_prompt"]:
        command += ["--no-generation-prompt"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode not in (0, 1, 2):
        sys.exit(f"{template}, {name}: exit code {done.returncode}")
    return done.stdout.decode() if done.returncode == 0 else None


def same_day(render):
    """Again, should midnight pass between the two."""
    before = datetime.date.today()
    results = render()
    return results if datetime.date.today() == before else render()


def main():
    program, templates = sys.argv[1], pathlib.Path(sys.argv[2])
    usual = {"messages", "tools", "add_generation_prompt", "bos_token", "eos_token"}
    names = [name for name in conversations.CONVERSATIONS if set(conversations.variables(name)) <= usual]
    count = refused = different = 0
    reference.use_the_time_of_day()
    with tempfile.TemporaryDirectory() as folder:
        for template in sorted(templates.glob("*.jinja")):
            source = template.read_bytes().decode()
            for name in names:
                variables = {**conversations.variables(name), "documents": None}
                ours, theirs = same_day(lambda: (run(program, template, pathlib.Path(folder), name),
                                                 reference.render(source, variables)))
                count += 1
                refused += theirs is None
                if ours != theirs:
                    different += 1
                    print(f"{template.name}, {name}:\n  jinja2 {theirs!r}\n  alisa  {ours!r}")
    print(f"{count} texts, {refused} of them refused by both, {different} different")
    sys.exit(different > 0 or count == 0)


main()
