# SPDX-License-Identifier: Apache-2.0
# The static and the shared library made of all modules, and their installation. Only the symbols
# marked ALISA_API in the headers of include/alisa are exported.
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
    PkgConfig::utf8proc PkgConfig::xxhash Threads::Threads
    $<$<BOOL:${OpenMP_C_FOUND}>:OpenMP::OpenMP_C>
    $<$<BOOL:${ALISA_CLBLAST_FOUND}>:PkgConfig::clblast> m)
endforeach()
# Before 1.0 a new minor version may change the interface, so it is part of the shared library's name.
set_target_properties(alisa_shared PROPERTIES VERSION ${PROJECT_VERSION}
                      SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})

# Installation: both libraries, the headers, and the files by which pkg-config and CMake find them.
set_target_properties(alisa_static PROPERTIES EXPORT_NAME static)
set_target_properties(alisa_shared PROPERTIES EXPORT_NAME shared)
install(TARGETS alisa_static alisa_shared EXPORT alisa-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library
        NAMELINK_COMPONENT development)
install(DIRECTORY include/alisa DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)

set(ALISA_CMAKE_FOLDER ${CMAKE_INSTALL_LIBDIR}/cmake/alisa)
install(EXPORT alisa-targets NAMESPACE alisa:: DESTINATION ${ALISA_CMAKE_FOLDER}
        COMPONENT development)
include(CMakePackageConfigHelpers)
configure_package_config_file(cmake/alisa-config.cmake.in alisa-config.cmake
                              INSTALL_DESTINATION ${ALISA_CMAKE_FOLDER})
write_basic_package_version_file(alisa-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/alisa-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/alisa-config-version.cmake
        DESTINATION ${ALISA_CMAKE_FOLDER} COMPONENT development)

# alisa.pc is for the shared library, and with --static for fully static programs; alisa-static.pc is
# for programs that take this library alone as an archive. Both find the prefix from their own place,
# so the installed tree can be moved.
file(RELATIVE_PATH ALISA_PREFIX_FROM_PC /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" ALISA_PREFIX_FROM_PC ${ALISA_PREFIX_FROM_PC})
set(ALISA_OPENMP_LINK "") # of the static library's users
if(OpenMP_C_FOUND)
  set(ALISA_OPENMP_LINK " ${OpenMP_C_FLAGS}")
endif()
set(ALISA_CLBLAST_MODULE "")
if(ALISA_CLBLAST_FOUND)
  set(ALISA_CLBLAST_MODULE " clblast")
endif()
foreach(name alisa alisa-static)
  configure_file(cmake/${name}.pc.in ${name}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
endforeach()
