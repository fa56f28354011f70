# SPDX-License-Identifier: Apache-2.0
# Manual pages and completion scripts, printed by the program that was just built from the table by
# which it reads its command line. Where a program for another machine cannot be run here,
# -DALISA_REFERENCE=OFF leaves them out; 'alisa reference' and 'alisa completion' print them there.
set(reference_runs ON)
if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
  set(reference_runs OFF)
endif()
option(ALISA_REFERENCE "Manual pages and completion scripts, printed by the program" ${reference_runs})

if(ALISA_REFERENCE)
  set(reference ${CMAKE_BINARY_DIR}/reference)
  add_custom_command(
    OUTPUT ${reference}/made
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${reference}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${reference}/man ${reference}/bash ${reference}/zsh
            ${reference}/fish
    COMMAND alisa reference -o man --folder ${reference}/man
    COMMAND alisa completion bash > ${reference}/bash/alisa
    COMMAND alisa completion zsh > ${reference}/zsh/_alisa
    COMMAND alisa completion fish > ${reference}/fish/alisa.fish
    COMMAND ${CMAKE_COMMAND} -E touch ${reference}/made
    DEPENDS alisa COMMENT "Printing manual pages and completion scripts" VERBATIM)
  add_custom_target(alisa_reference ALL DEPENDS ${reference}/made)
  install(DIRECTORY ${reference}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${reference}/bash/alisa
          DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  # zsh looks into share/zsh/site-functions of its own prefix, but Debian's keeps that of /usr for others
  # and has another folder for packages.
  install(FILES ${reference}/zsh/_alisa DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions
          COMPONENT unpackaged)
  install(FILES ${reference}/zsh/_alisa DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions
          COMPONENT program EXCLUDE_FROM_ALL)
  install(FILES ${reference}/fish/alisa.fish
          DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()
