# SPDX-License-Identifier: Apache-2.0
# alisa_embed(MODULE FOLDER SYMBOL PATTERN...): turns every file of FOLDER that has one of the
# patterns into a byte array of that module, so that the binary carries it. There may be none.
# MODULE/embedded.h declares the table SYMBOLs and SYMBOL_count.
function(alisa_embed module folder symbol)
  alisa_embed_into(alisa_${module} ${module}/embedded.h ${folder} ${symbol} ${ARGN})
endfunction()

# The same for any target, with the header that declares the table.
function(alisa_embed_into target header folder symbol)
  set(source ${CMAKE_CURRENT_SOURCE_DIR}/${folder})
  list(TRANSFORM ARGN PREPEND ${source}/ OUTPUT_VARIABLE patterns)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${source} ${patterns})
  set(paths "")
  foreach(file ${files})
    list(APPEND paths ${source}/${file})
  endforeach()
  set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded_${target}.c)
  set(script ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/EmbedFiles.cmake)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DFOLDER=${source} "-DFILES=${files}" -DHEADER=${header}
            -DSYMBOL=${symbol} -DOUTPUT=${output} -P ${script}
    DEPENDS ${paths} ${script}
    COMMENT "Embedding ${folder}" VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
