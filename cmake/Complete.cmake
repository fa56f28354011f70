# SPDX-License-Identifier: Apache-2.0
# The first step of every installation: an installation of what was built in part would end in the
# middle, so it does not begin.
set(made $<$<TARGET_EXISTS:alisa_reference>:${CMAKE_BINARY_DIR}/reference/made>)
install(CODE "
  foreach(file IN ITEMS \"$<TARGET_FILE:alisa>\" \"$<TARGET_FILE:alisa_shared>\"
          \"$<TARGET_FILE:alisa_static>\" \"${made}\")
    if(file AND NOT EXISTS \"\${file}\")
      message(FATAL_ERROR \"\${file} was not built: run `cmake --build ${CMAKE_BINARY_DIR}` first\")
    endif()
  endforeach()")
