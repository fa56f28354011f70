# SPDX-License-Identifier: Apache-2.0
# alisa_module(NAME DEPENDS lower... [LIBRARIES external...])
# One static library per folder of src/. Its include path is a folder of links to itself and to the
# modules below it, so that `#include "base/status.h"` works for those and for nothing else.
set(ALISA_MODULES "" CACHE INTERNAL "")

add_library(alisa_flags INTERFACE)
target_compile_options(alisa_flags INTERFACE
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
  -Wno-missing-field-initializers
  $<$<BOOL:${ALISA_WERROR}>:-Werror> -fvisibility=hidden -fno-strict-aliasing)
target_compile_definitions(alisa_flags INTERFACE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE)
if(ALISA_SANITIZE)
  target_compile_options(alisa_flags INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(alisa_flags INTERFACE -fsanitize=address,undefined)
endif()
if(ALISA_FUZZ)
  target_compile_options(alisa_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(alisa_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(alisa_module name)
  cmake_parse_arguments(MODULE "" "" "DEPENDS;LIBRARIES" ${ARGN})
  set(source ${CMAKE_CURRENT_SOURCE_DIR}/src/${name})
  file(GLOB sources CONFIGURE_DEPENDS ${source}/*.c)
  add_library(alisa_${name} STATIC ${sources})
  set(links ${CMAKE_CURRENT_BINARY_DIR}/ranks/${name})
  file(MAKE_DIRECTORY ${links})
  file(CREATE_LINK ${source} ${links}/${name} SYMBOLIC)
  target_include_directories(alisa_${name} PUBLIC ${links} ${CMAKE_CURRENT_SOURCE_DIR}/include)
  target_link_libraries(alisa_${name} PRIVATE alisa_flags PUBLIC ${MODULE_LIBRARIES} m)
  foreach(dependency ${MODULE_DEPENDS})
    target_link_libraries(alisa_${name} PUBLIC alisa_${dependency})
  endforeach()
  set(ALISA_MODULES ${ALISA_MODULES} alisa_${name} CACHE INTERNAL "")
endfunction()
