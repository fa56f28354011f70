# SPDX-License-Identifier: Apache-2.0
"""From programs and targets to the rows of the table, and what is wrong with them."""
import concurrent.futures
import hashlib
import json
import os
import re
import tempfile

import toolchains
from occupancy import occupancy

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SOURCES = os.path.join(ROOT, "cl")


class Program:
    def __init__(self, line):
        self.file, options, kernels, self.needs = line.rstrip("\n").split("\t")
        self.options = options.split()
        self.groups = {}  # kernel: the sizes of the groups it is launched in; None: the driver chooses
        for launch in kernels.split(",") if kernels != "*" else []:
            name, size = launch.split(":")
            group = [int(part) for part in size.split("x")] if size != "0x0x0" else None
            self.groups.setdefault(name, []).append(group)


def list_targets():
    with open(os.path.join(HERE, "targets.json"), encoding="utf-8") as file:
        data = json.load(file)
    families = {name: {key: limit["value"] for key, limit in family.items()}
                for name, family in data["families"].items()}
    return [dict(target, limits=families[target["family"]]) for target in data["targets"]]


def source_text(file, seen):
    """The file and all it includes, from the root of cl/ or beside it, each once."""
    path = os.path.join(SOURCES, file)
    if path in seen or not os.path.exists(path):
        return ""
    seen.add(path)
    with open(path, encoding="utf-8") as opened:
        text = opened.read()
    for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', text, re.M):
        text += source_text(name, seen) + source_text(os.path.join(os.path.dirname(file), name), seen)
    return text


class Work:
    """Compiles, or finds what an earlier run has found."""

    def __init__(self, cache, chains):
        self.cache = cache
        self.sources = {}
        readers = toolchains.digest(os.path.join(HERE, "toolchains.py"))
        self.identities = {chain.vendor: chain.identity() + [readers] for chain in chains}
        os.makedirs(cache, exist_ok=True)

    def key(self, chain, program, target):
        if program.file not in self.sources:
            self.sources[program.file] = source_text(program.file, set())
        parts = self.identities[chain.vendor] + [target["name"], *program.options, self.sources[program.file]]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def run(self, chain, program, target):
        """The kernels as dictionaries, or the sentence in which the compiler says why not."""
        path = os.path.join(self.cache, self.key(chain, program, target) + ".json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                return json.load(file)
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = [vars(kernel) for kernel in chain.compile(program, target["name"], SOURCES, folder)]
            except toolchains.Failed as error:
                return str(error)
        new = f"{path}.{os.getpid()}"
        with open(new, "w", encoding="utf-8") as file:
            json.dump(found, file)
        os.replace(new, path)
        return found


def rows_of(program, target, kernels):
    """A row of the table for every kernel that is used and every size of its groups."""
    for kernel in kernels:
        if program.groups and kernel["name"] not in program.groups:
            continue
        for group in program.groups.get(kernel["name"], [kernel["group"]]):
            items = group and group[0] * group[1] * group[2]
            row = dict(kernel, file=program.file, options=program.options, target=target["name"],
                       vendor=target["vendor"], launched=group, occupancy=None)
            if kernel["registers"] is not None:
                row["occupancy"] = occupancy(target["limits"], kernel["wave"], kernel["registers"], kernel["scalars"],
                                             kernel["local"], items, kernel["barriers"])
            yield row


def what_is_wrong(row):
    """The sentences about a row."""
    if row["unresolved"]:
        yield "calls what is not there: " + ", ".join(row["unresolved"])
    if row["spills"]:
        yield f"spills {row['spills']} " + ("bytes" if row["vendor"] == "nvidia" else "registers")
    if row["scratch"]:
        yield f"keeps {row['scratch']} bytes of private memory outside of registers"
    if row["group"] and row["launched"] and row["group"] != row["launched"]:
        yield f"is launched in groups of {row['launched']} and made for {row['group']}"
    if row["occupancy"] and row["occupancy"].waves == 0:
        yield f"needs more than there is: {row['occupancy'].limit}"


def judge(program, target, found):
    """The rows of a program on a target, and (kernel, sentence) for all that is wrong."""
    if isinstance(found, str):
        return [], [("-", "does not compile: " + found)]
    names = [kernel["name"] for kernel in found]
    rows = list(rows_of(program, target, found))
    wrong = [(name, "is not in the compiled program") for name in program.groups if name not in names]
    return rows, wrong + [(row["name"], sentence) for row in rows for sentence in what_is_wrong(row)]


def compile_all(work, programs, chains, targets, jobs):
    """(rows, failures): failures are (file, kernel, target, options, sentence)."""
    tasks = [(chain, program, target) for program in programs for chain in chains for target in targets
             if target["vendor"] == chain.vendor and program.needs in ["", *target.get("capabilities", [])]]
    rows, failures = [], []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for (_, program, target), found in zip(tasks, pool.map(lambda task: work.run(*task), tasks)):
            good, wrong = judge(program, target, found)
            rows += good
            failures += [(program.file, kernel, target["name"], program.options, told) for kernel, told in wrong]
    return rows, failures
