# alisa_embed_kernels(MODULE): turns every file under cl/ into a byte array of that module, so that
# the binary carries its kernels. ALISA_KERNEL_DIR in the environment overrides them at run time.
function(alisa_embed_kernels module)
  file(GLOB_RECURSE kernels CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/cl
       ${CMAKE_CURRENT_SOURCE_DIR}/cl/*.cl ${CMAKE_CURRENT_SOURCE_DIR}/cl/*.clh)
  set(paths ${kernels})
  list(TRANSFORM paths PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/cl/)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded_kernels.c)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DFOLDER=${CMAKE_CURRENT_SOURCE_DIR}/cl "-DFILES=${kernels}"
            -DOUTPUT=${output} -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/EmbedKernels.cmake
    DEPENDS ${paths} ${CMAKE_CURRENT_SOURCE_DIR}/cmake/EmbedKernels.cmake
    COMMENT "Embedding the kernels" VERBATIM)
  target_sources(alisa_${module} PRIVATE ${output})
endfunction()
