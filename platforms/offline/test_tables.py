#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of what is read from compilers, of occupancy, and of what counts as wrong: no compiler is needed."""
import json
import os
import unittest

import kernels
import report
import toolchains
from occupancy import occupancy

LIMITS = {target["name"]: target["limits"] for target in kernels.list_targets()}

AMD = """
Symbol table '.symtab' contains 3 entries:
   Num:    Value          Size Type    Bind   Vis       Ndx Name
     0: 0000000000000000     0 NOTYPE  LOCAL  DEFAULT   UND
     1: 0000000000000000  4164 FUNC    GLOBAL PROTECTED   2 tile
     2: 0000000000000000     0 NOTYPE  GLOBAL DEFAULT   UND sub_group_all
    AMDGPU Metadata:
        ---
amdhsa.kernels:
  - .args:
      - .address_space:  global
        .offset:         0
        .size:           8
        .value_kind:     global_buffer
    .group_segment_fixed_size: 8704
    .language_version:
      - 1
      - 2
    .name:           tile
    .private_segment_fixed_size: 160
    .reqd_workgroup_size:
      - 256
      - 1
      - 1
    .sgpr_count:     26
    .sgpr_spill_count: 0
    .uses_dynamic_stack: false
    .vgpr_count:     61
    .vgpr_spill_count: 3
    .wavefront_size: 32
  - .args:           []
    .group_segment_fixed_size: 0
    .name:           plain
    .private_segment_fixed_size: 0
    .sgpr_count:     8
    .sgpr_spill_count: 0
    .uses_dynamic_stack: false
    .vgpr_count:     2
    .vgpr_spill_count: 0
    .wavefront_size: 32
amdhsa.target:   amdgcn-amd-amdhsa--gfx1100
amdhsa.version:
  - 1
  - 2
...
"""

PTX = """
.extern .func  (.param .b32 func_retval0) missing
(
	.param .b32 missing_param_0
)
;
.visible .entry tile(
	.param .u64 tile_param_0
)
{
	.local .align 16 .b8 	__local_depot0[64];
	.shared .align 16 .b8 tile_$_a[4352];
	.shared .align 4 .f32 tile_$_b[8];
	bar.sync 	0;
	ret;
}
.visible .entry plain(
	.param .u64 plain_param_0
)
{
	ret;
}
"""

PTXAS = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'tile' for 'sm_90'
ptxas info    : Function properties for tile
    32 bytes stack frame, 12 bytes spill stores, 16 bytes spill loads
ptxas info    : Used 66 registers, used 1 barriers, 32 bytes cumulative stack size, 4384 bytes smem
ptxas info    : Compiling entry function 'plain' for 'sm_90'
ptxas info    : Function properties for plain
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 6 registers, used 0 barriers
"""

# As llvm-readelf shows it, with dots for newlines.
INTEL = """
Symbol table '.symtab' contains 2 entries:
   Num:    Value          Size Type    Bind   Vis       Ndx Name
     0: 0000000000000000     0 NOTYPE  LOCAL  DEFAULT   UND
     1: 0000000000000000     0 NOTYPE  GLOBAL DEFAULT   UND _Z13dot_4x8packedjj
There are no relocations in this file.
String dump of section '.ze_info':
[     0] """ + """---
version:         '1.20'
kernels:
  - name:            tile
    user_attributes:
      reqd_work_group_size: [ 256, 1, 1 ]
    execution_env:
      barrier_count:   1
      grf_count:       128
      private_size:    48
      required_work_group_size: [ 256, 1, 1 ]
      simd_size:       16
      slm_size:        8704
      spill_size:      64
    payload_arguments:
      - arg_type:        local_size
        offset:          12
        size:            12
  - name:            plain
    execution_env:
      grf_count:       128
      simd_size:       32
  - name:            older
    execution_env:
      grf_count:       128
      simd_size:       8
    per_thread_memory_buffers:
      - type:            scratch
        usage:           single_space
        size:            32768
      - type:            global
        usage:           private_space
        size:            256
        is_simt_thread:  true
  - name:            Intel_Symbol_Table_Void_Program
    execution_env:
      grf_count:       128
      simd_size:       8
kernels_misc_info:
  - name:            tile
...
""".replace("\n", ".")
INTEL_TOLD = "warning: kernel older  compiled SIMD8 allocated 128 regs and spilled around 750\nBuild succeeded.\n"


def row_of(kernel, target, **more):
    """As kernels.rows_of makes it of a program with this kernel."""
    program = kernels.Program("a.cl\t-cl-std=CL1.2 -DA=1\t" + more.get("launches", "*") + "\t")
    [row] = kernels.rows_of(program, target, [vars(kernel)])
    return row


def target_named(name):
    return next(target for target in kernels.list_targets() if target["name"] == name)


class Readers(unittest.TestCase):
    def test_amd(self):
        tile, plain = toolchains.read_amd(AMD)
        self.assertEqual((tile.name, tile.wave, tile.registers, tile.scalars), ("tile", 32, 61, 26))
        self.assertEqual((tile.local, tile.scratch, tile.spills, tile.group), (8704, 160, 3, [256, 1, 1]))
        self.assertEqual(tile.unresolved, ["sub_group_all"])
        self.assertEqual((plain.name, plain.registers, plain.scratch, plain.group), ("plain", 2, 0, None))

    def test_ptx_alone(self):
        tile, plain = toolchains.read_ptx(PTX)
        self.assertEqual((tile.name, tile.registers, tile.scratch, tile.local), ("tile", None, 64, 4360))
        self.assertEqual(tile.unresolved, ["missing"])
        self.assertEqual((plain.scratch, plain.local), (0, 0))

    def test_ptxas(self):
        tile, plain = toolchains.read_ptx(PTX)
        toolchains.add_ptxas([tile, plain], PTXAS)
        self.assertEqual((tile.registers, tile.local, tile.scratch, tile.spills), (66, 4384, 32, 12))
        self.assertEqual((plain.registers, plain.local, plain.scratch, plain.spills), (6, 0, 0, 0))

    def test_intel(self):
        tile, plain, older = toolchains.read_intel(INTEL, INTEL_TOLD)
        self.assertEqual((tile.name, tile.wave, tile.registers, tile.local), ("tile", 16, 128, 8704))
        self.assertEqual((tile.scratch, tile.spills, tile.group, tile.barriers), (48, 64, [256, 1, 1], True))
        self.assertEqual(tile.unresolved, ["_Z13dot_4x8packedjj"])
        self.assertEqual((plain.name, plain.wave, plain.scratch, plain.spills), ("plain", 32, 0, 0))
        self.assertEqual((plain.barriers, plain.group), (False, None))
        self.assertEqual((older.scratch, older.spills), (4096 + 256, 750))


class Occupancy(unittest.TestCase):
    """What LLVM 19 notes in its assembly and NVIDIA's cuda_occupancy.h gives too."""

    def check(self, name, wave, registers, scalars, local, group, waves, limit):
        found = occupancy(LIMITS[name], wave, registers, scalars, local, group, True)
        self.assertEqual((found.waves, found.limit), (waves, limit))

    def test_registers(self):
        self.check("gfx906", 64, 24, 16, 0, 64, 10, "")
        self.check("gfx906", 64, 25, 16, 0, 64, 9, "registers")
        self.check("gfx90a", 64, 65, 16, 0, 64, 7, "registers")
        self.check("gfx1030", 32, 65, 16, 0, 64, 12, "registers")
        self.check("gfx1100", 32, 97, 16, 0, 64, 12, "registers")
        self.check("sm_90", 32, 66, None, 8704, 256, 6, "registers")
        self.check("dg2", 16, 128, None, 0, 256, 8, "")
        self.check("dg2", 16, 256, None, 0, 256, 4, "registers")

    def test_scalar_registers(self):
        self.check("gfx906", 64, 24, 81, 0, 64, 8, "scalar registers")
        self.check("gfx1100", 32, 24, 106, 0, 64, 16, "")

    def test_local_memory(self):
        self.check("gfx906", 64, 24, 16, 16384, 64, 1, "local memory")
        self.check("gfx1100", 32, 24, 16, 33000, 256, 6, "local memory")
        self.check("sm_75", 32, 32, None, 32768, 256, 4, "local memory")
        self.check("sm_80", 32, 32, None, 16384, 64, 4.5, "local memory")
        self.check("tgllp", 16, 128, None, 8704, 64, 1, "local memory")  # 16 KiB are taken

    def test_groups(self):
        self.check("sm_75", 32, 16, None, 0, 32, 4, "groups")
        self.check("gfx906", 64, 24, 16, 0, 128, 8, "groups")  # 16 barriers
        self.check("gfx906", 64, 24, 16, 0, 1024, 8, "group size")  # 2 of 16 waves

    def test_what_cannot_run(self):
        self.check("sm_90", 32, 32, None, 49153, 64, 0, "local memory")
        self.check("tgllp", 16, 128, None, 0, 1024, 0, "group size")

    def test_lanes(self):
        found = occupancy(LIMITS["gfx906"], 64, 24, 16, 0, 1, True)
        self.assertEqual(found.lanes, 1 / 64)
        self.assertIsNone(occupancy(LIMITS["gfx906"], 64, 24, 16, 0, None, True).lanes)

    def test_every_limit_has_a_source(self):
        with open(os.path.join(kernels.HERE, "targets.json"), encoding="utf-8") as file:
            families = json.load(file)["families"]
        for family, limits in families.items():
            for name, limit in limits.items():
                self.assertGreater(len(limit["source"]), 10, f"{family}: {name}")


class Judging(unittest.TestCase):
    def sentences(self, kernel, target, launches="*"):
        return " ".join(kernels.what_is_wrong(row_of(kernel, target_named(target), launches=launches)))

    def test_nothing(self):
        for kernel, target in ((toolchains.read_amd(AMD)[1], "gfx1100"), (toolchains.read_intel(INTEL, "")[1], "dg2")):
            kernel.unresolved = []
            self.assertEqual(self.sentences(kernel, target, f"{kernel.name}:64x1x1"), "")

    def test_each(self):
        text = self.sentences(toolchains.read_amd(AMD)[0], "gfx1100", "tile:128x1x1")
        self.assertIn("sub_group_all", text)
        self.assertIn("spills 3 registers", text)
        self.assertIn("160 bytes of private memory", text)
        self.assertIn("groups of [128, 1, 1] and made for [256, 1, 1]", text)
        self.assertIn("48 bytes of private memory", self.sentences(toolchains.read_intel(INTEL, "")[0], "dg2"))
        self.assertIn("64 bytes of private memory", self.sentences(toolchains.read_ptx(PTX)[0], "sm_90"))
        large = toolchains.Kernel("large", 32, 32, local=49153, group=[64, 1, 1])
        self.assertIn("needs more than there is: local memory", self.sentences(large, "sm_90"))

    def test_kernels_that_are_missing_and_programs_that_fail(self):
        program = kernels.Program("a.cl\t-DA=1\tgone:64x1x1\t")
        target = target_named("gfx1100")
        self.assertEqual(kernels.judge(program, target, [vars(kernel) for kernel in toolchains.read_amd(AMD)]),
                         ([], [("gone", "is not in the compiled program")]))
        self.assertEqual(kernels.judge(program, target, "error: no"), ([], [("-", "does not compile: error: no")]))


class Report(unittest.TestCase):
    def test_worst(self):
        target = target_named("gfx1100")
        rows = [row_of(toolchains.Kernel("k", 32, registers, 16, local, group=[64, 1, 1]), target)
                for registers, local in ((40, 0), (200, 100), (90, 8704))]
        text = "\n".join(report.summary_table(rows, ["gfx1100"]))
        self.assertIn("| `k` | 8704 | 200; 7 of 16 (registers) |", text)
        self.assertNotIn("40", text)

    def test_spills_come_first(self):
        target = target_named("gfx1100")
        rows = [row_of(toolchains.Kernel("k", 32, 200, 16, 0, group=[64, 1, 1]), target),
                row_of(toolchains.Kernel("k", 32, 20, 16, 0, scratch=16, group=[64, 1, 1]), target)]
        self.assertIn("**scratch 16, spills 0**", "\n".join(report.summary_table(rows, ["gfx1100"])))

    def test_programs_that_say_the_same_are_one_line(self):
        target = target_named("gfx1100")
        rows = [row_of(toolchains.Kernel("k", 32, registers, 16), target) for registers in (20, 40, 20)]
        rows[2]["options"] = ["-DA=2"]
        lines = [dict(zip(report.FIELDS, line)) for line in report.csv_lines(rows)]
        self.assertEqual([(line["registers"], line["programs"], line["options"]) for line in lines],
                         [("20", 2, "A=1"), ("40", 1, "A=1")])

    def test_idle_lanes(self):
        row = row_of(toolchains.Kernel("k", 32, 20, 16), target_named("gfx1100"), launches="k:1x1x1")
        full = row_of(toolchains.Kernel("f", 32, 20, 16), target_named("gfx1100"), launches="f:32x1x1")
        self.assertEqual(report.idle_lanes([row, full]), ["`k` (1)"])


if __name__ == "__main__":
    unittest.main()
