# SPDX-License-Identifier: Apache-2.0
# Libraries from the distribution; each missing one is named with the Debian package that has it.
find_package(PkgConfig REQUIRED)

function(alisa_find name module package)
  pkg_check_modules(${name} IMPORTED_TARGET ${module})
  if(NOT ${name}_FOUND)
    message(FATAL_ERROR "${module} was not found: install the package ${package} "
                        "(./run demo does it on Debian and Ubuntu)")
  endif()
endfunction()

find_package(OpenCL)
if(NOT OpenCL_FOUND)
  message(FATAL_ERROR "The OpenCL ICD loader was not found: install the package "
                      "ocl-icd-opencl-dev (./run demo does it on Debian and Ubuntu)")
endif()
find_package(OpenMP COMPONENTS C)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
alisa_find(jansson jansson libjansson-dev)
alisa_find(pcre2 libpcre2-8 libpcre2-dev)
alisa_find(utf8proc libutf8proc libutf8proc-dev)
alisa_find(xxhash libxxhash libxxhash-dev)

# The tests need cmocka; without it the program and the library are built all the same.
pkg_check_modules(cmocka QUIET IMPORTED_TARGET cmocka)

# CLBlast is a candidate for products, and may be missing.
set(ALISA_CLBLAST_FOUND OFF)
if(ALISA_CLBLAST)
  pkg_check_modules(clblast QUIET IMPORTED_TARGET clblast>=1.5)
  set(ALISA_CLBLAST_FOUND ${clblast_FOUND})
  if(NOT clblast_FOUND)
    message(STATUS "CLBlast (the package libclblast-dev) was not found: built without")
  endif()
endif()
