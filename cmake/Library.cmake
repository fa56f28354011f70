# The static and the shared library made of all modules, and their installation. Only the symbols
# marked ALISA_API in include/alisa/alisa.h are exported.
set(objects "")
foreach(module ${ALISA_MODULES})
  list(APPEND objects $<TARGET_OBJECTS:${module}>)
endforeach()
foreach(kind STATIC SHARED)
  string(TOLOWER ${kind} suffix)
  add_library(alisa_${suffix} ${kind} ${objects})
  add_library(alisa::${suffix} ALIAS alisa_${suffix})
  # The archive and the shared object have the same base name; both live in one folder.
  set_target_properties(alisa_${suffix} PROPERTIES OUTPUT_NAME alisa LINKER_LANGUAGE C)
  target_include_directories(alisa_${suffix} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(alisa_${suffix} PRIVATE
    $<BUILD_INTERFACE:alisa_flags> OpenCL::OpenCL PkgConfig::jansson PkgConfig::pcre2
    PkgConfig::utf8proc PkgConfig::xxhash m)
endforeach()
set_target_properties(alisa_shared PROPERTIES VERSION ${PROJECT_VERSION}
                      SOVERSION ${PROJECT_VERSION_MAJOR})
