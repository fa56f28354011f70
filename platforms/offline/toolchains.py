# SPDX-License-Identifier: Apache-2.0
"""The compilers of three vendors: where they are, how they are called, how their statistics are read.

Each toolchain has `vendor`, `missing` (why it cannot be used, or None), `remark` (what it cannot do, or None),
`identity` (what, besides source and options, its results depend on) and `compile`, which returns a Kernel for every
kernel of a program or raises Failed with what the compiler said.
"""
import glob
import hashlib
import os
import re
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


class Failed(Exception):
    pass


class Kernel:
    """What a compiled kernel takes. Bytes are those of a group (local) and of a work-item (scratch, spills)."""

    def __init__(self, name, wave, registers=None, scalars=None, local=0, scratch=0, spills=0, group=None,
                 barriers=True, unresolved=()):
        self.name = name
        self.wave = wave            # work-items of a wave
        self.registers = registers  # None: not known without the vendor's assembler
        self.scalars = scalars      # AMD's scalar registers
        self.local = local
        self.scratch = scratch      # private memory that is not in registers
        self.spills = spills        # registers (AMD) or bytes that were spilled; part of scratch
        self.group = group          # [x, y, z] where the kernel itself says it
        self.barriers = barriers
        self.unresolved = list(unresolved)


class Tools:
    """Programs and data, installed or unpacked into a folder by platforms/offline/fetch."""

    def __init__(self, folder):
        self.folder = folder
        libraries = glob.glob(os.path.join(folder, "usr/lib/*-linux-gnu"))
        if "LD_LIBRARY_PATH" in os.environ:
            libraries.append(os.environ["LD_LIBRARY_PATH"])
        self.environment = dict(os.environ, LD_LIBRARY_PATH=":".join(libraries))

    def program(self, name, *places):
        """The unpacked program first: it is of the version that fetch chose."""
        for place in places:
            path = os.path.join(self.folder, place)
            if os.path.exists(path):
                return path
        return shutil.which(name)

    def data(self, *places):
        return next((path for place in places for path in (os.path.join(self.folder, place), "/" + place)
                     if os.path.exists(path)), None)

    def run(self, command, folder):
        """What it prints; Failed with the first lines about errors."""
        result = subprocess.run(command, cwd=folder, env=self.environment, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, errors="replace")
        if result.returncode != 0:
            lines = [line for line in result.stdout.splitlines() if line.strip()]
            told = [line for line in lines if re.search(r"error|fatal|undefined|unresolved", line, re.I)] or lines
            raise Failed(" / ".join(line.strip() for line in told[:3]) or f"exit code {result.returncode}")
        return result.stdout

    def version(self, command, folder=None):
        """What it prints, or why it does not run."""
        try:
            return self.run(command, folder).strip()
        except (Failed, OSError) as error:
            return str(error)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Llvm:
    """What AMD and NVIDIA have in common: clang, and the library of OpenCL functions for it."""
    library = ""

    def __init__(self, tools):
        self.tools = tools
        self.clang = tools.program("clang-19", "usr/lib/llvm-19/bin/clang")
        self.bitcode = tools.data(f"usr/lib/clc/{self.library}")
        self.missing = None
        self.remark = None
        if not self.clang:
            self.missing = "clang-19 is not there (platforms/offline/fetch unpacks it)"
        elif not self.bitcode:
            self.missing = f"{self.library} of libclc-19 is not there (platforms/offline/fetch unpacks it)"

    def version(self):
        return self.tools.version([self.clang, "--version"]).splitlines()[0]

    def identity(self):
        return [self.version(), digest(self.bitcode)]

    def clang_command(self, program, include, *flags):
        return [self.clang, "-x", "cl", *program.options, f"-I{include}", "-O3", *flags, "-Wno-linker-warnings",
                "-Xclang", "-mlink-builtin-bitcode", "-Xclang", self.bitcode, os.path.join(include, program.file)]


class Amd(Llvm):
    vendor = "amd"
    library = "amdgcn--amdhsa.bc"

    def __init__(self, tools):
        super().__init__(tools)
        self.readelf = tools.program("llvm-readelf-19", "usr/lib/llvm-19/bin/llvm-readelf")
        if not self.readelf and not self.missing:
            self.missing = "llvm-readelf-19 is not there (platforms/offline/fetch unpacks it)"

    def compile(self, program, target, include, folder):
        self.tools.run(self.clang_command(program, include, "-target", "amdgcn-amd-amdhsa", f"-mcpu={target}",
                                          "-nogpulib", "-c", "-o", "k.o"), folder)
        return read_amd(self.tools.run([self.readelf, "--notes", "--symbols", "k.o"], folder))


def read_amd(text):
    """From llvm-readelf --notes --symbols of an object."""
    unresolved = re.findall(r"\bUND +(\S+)$", text, re.M)
    kernels = []
    # The kernels are the items of the only list that is indented by two.
    for entry in re.split(r"\n  - ", text)[1:]:
        fields = dict(re.findall(r"(?:^|\n    )\.(\w+): +(\S+)", entry))
        if "vgpr_count" not in fields:  # the list of version numbers
            continue
        group = re.search(r"\.reqd_workgroup_size:\n +- (\d+)\n +- (\d+)\n +- (\d+)", entry)
        kernels.append(Kernel(fields["name"], int(fields["wavefront_size"]), int(fields["vgpr_count"]),
                              int(fields["sgpr_count"]), int(fields["group_segment_fixed_size"]),
                              int(fields["private_segment_fixed_size"]), int(fields["vgpr_spill_count"]),
                              [int(size) for size in group.groups()] if group else None, True, unresolved))
        if fields.get("uses_dynamic_stack") == "true":
            kernels[-1].unresolved.append("a stack of unknown size")
    return kernels


class Nvidia(Llvm):
    vendor = "nvidia"
    library = "nvptx64--nvidiacl.bc"

    def __init__(self, tools):
        super().__init__(tools)
        self.ptxas = shutil.which("ptxas") or shutil.which("ptxas", path="/usr/local/cuda/bin")
        if not self.missing and not self.ptxas:
            self.remark = "ptxas is not there: PTX is generated and looked through, registers are not known"

    def version(self):
        return super().version() + ("; " + self.tools.version([self.ptxas, "--version"]).splitlines()[-1]
                                    if self.ptxas else "; no ptxas")

    def identity(self):
        return super().identity() + [self.version()]

    def compile(self, program, target, include, folder):
        self.tools.run(self.clang_command(program, include, "-target", "nvptx64--nvidiacl", "-Xclang", "-target-cpu",
                                          "-Xclang", target, "-S", "-o", "k.ptx"), folder)
        with open(os.path.join(folder, "k.ptx"), encoding="utf-8") as file:
            kernels = read_ptx(file.read())
        if self.ptxas:
            add_ptxas(kernels, self.tools.run([self.ptxas, f"-arch={target}", "-v", "k.ptx", "-o", "k.cubin"], folder))
        return kernels


def read_ptx(text):
    """Names and what does not depend on the assembler. A stack in PTX stays one."""
    unresolved = re.findall(r"\.extern \.func[^;]*?([\w$]+)\s*(?:\(|;)", text)
    kernels = []
    for name, body in re.findall(r"\.entry ([\w$]+)\((.*?)\n\}", text, re.S):
        stack = sum(map(int, re.findall(r"\.local [^;]*\[(\d+)\];", body)))
        local = sum(map(int, re.findall(r"\.shared [^;]*\[(\d+)\];", body)))
        kernels.append(Kernel(name, 32, local=local, scratch=stack, unresolved=unresolved))
    return kernels


def add_ptxas(kernels, text):
    """From ptxas -v."""
    for name, entry in re.findall(r"Compiling entry function '([\w$]+)'(.*?)(?=Compiling entry|\Z)", text, re.S):
        kernel = next(kernel for kernel in kernels if kernel.name == name)

        def number(pattern):
            match = re.search(pattern, entry)
            return int(match.group(1)) if match else 0
        kernel.registers = number(r"Used (\d+) registers")
        kernel.local = number(r"(\d+) bytes smem")
        kernel.scratch = number(r"(\d+) bytes stack frame")
        kernel.spills = number(r"(\d+) bytes spill stores")


class Intel:
    vendor = "intel"

    def __init__(self, tools):
        self.tools = tools
        self.ocloc = tools.program("ocloc", "usr/bin/ocloc")
        self.readelf = tools.program("llvm-readelf-19", "usr/lib/llvm-19/bin/llvm-readelf")
        self.missing = None
        self.remark = None
        if not self.ocloc:
            self.missing = "ocloc of intel-opencl-icd is not there (platforms/offline/fetch unpacks it)"
        elif not self.readelf:
            self.missing = "llvm-readelf-19 is not there (platforms/offline/fetch unpacks it)"

    def version(self):
        with tempfile.TemporaryDirectory() as folder:
            self.tools.version([self.ocloc, "query", "OCL_DRIVER_VERSION"], folder)
            try:
                with open(os.path.join(folder, "OCL_DRIVER_VERSION"), encoding="utf-8") as file:
                    return "ocloc " + file.read().strip(" \n\0")
            except OSError:
                return "ocloc of unknown version"

    def identity(self):
        compilers = glob.glob(os.path.join(self.tools.folder, "usr/lib/*-linux-gnu/libigc.so.*"))
        return [self.version(), digest(os.path.realpath(self.ocloc))] + sorted(map(os.path.basename, compilers))

    def compile(self, program, target, include, folder):
        told = self.tools.run([self.ocloc, "compile", "-file", os.path.join(include, program.file), "-device", target,
                               "-options", " ".join(program.options) + f" -I {include}",
                               "-internal_options", "-cl-intel-allow-zebin", "-output", "k", "-out_dir", "."], folder)
        binaries = glob.glob(os.path.join(folder, "k_*.bin"))
        if len(binaries) != 1:
            raise Failed(f"ocloc wrote {len(binaries)} binaries")
        text = self.tools.run([self.readelf, "--symbols", "--relocs", "--string-dump=.ze_info", binaries[0]], folder)
        return read_intel(text, told)


def read_intel(text, told):
    """From llvm-readelf of a zebin, which shows newlines of .ze_info as dots, and what ocloc said."""
    unresolved = re.findall(r"\bUND +(\S+)$", text, re.M)
    info = text[text.index("String dump of section '.ze_info'"):]
    info = re.sub(r"\.(?=[ -])|\.(?=\w+:)", "\n", info)
    kernels = []
    body = info[info.index("\nkernels:"):].split("\nkernels_misc_info")[0]
    for entry in re.split(r"\n  - name: +", body)[1:]:
        name = entry.split("\n")[0].strip()
        if name == "Intel_Symbol_Table_Void_Program":
            continue

        def number(field):
            match = re.search(rf"\n +{field}: +(\d+)", entry)
            return int(match.group(1)) if match else 0
        # Only newer versions count the bytes in fields of their own.
        spilled = re.search(rf"kernel {name} .*spilled around (\d+)", told)
        group = re.search(r"required_work_group_size: +\[ *(\d+), *(\d+), *(\d+) *\]", entry)
        kernels.append(Kernel(name, number("simd_size"), number("grf_count"), None, number("slm_size"),
                              number("private_size") or intel_memory(entry, number("simd_size")),
                              number("spill_size") or (int(spilled.group(1)) if spilled else 0),
                              [int(size) for size in group.groups()] if group else None,
                              number("barrier_count") > 0, unresolved))
    return kernels


def intel_memory(entry, wave):
    """Bytes of memory of a work-item, from the buffers of its kernel: sizes are those of a thread but for `simt`."""
    buffers = entry.split("\n    per_thread_memory_buffers:")[1:]
    size = 0
    for buffer in re.split(r"\n      - type:", buffers[0].split("\n    binding")[0])[1:] if buffers else []:
        own = int(re.search(r"\n +size: +(\d+)", buffer).group(1))
        size += own if "is_simt_thread:  true" in buffer else -(-own // wave)
    return size


def all_toolchains(folder):
    tools = Tools(folder)
    return [Amd(tools), Intel(tools), Nvidia(tools)]
