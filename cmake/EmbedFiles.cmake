# SPDX-License-Identifier: Apache-2.0
# Writes OUTPUT: SYMBOLs, a table {name, text, size} of the FILES under FOLDER, as declared in
# HEADER. Run with cmake -P.
set(text "/* Made by cmake/EmbedFiles.cmake. */\n#include \"${HEADER}\"\n\n")
set(table "")
set(count 0)
foreach(name ${FILES})
  file(READ ${FOLDER}/${name} bytes HEX)
  string(LENGTH "${bytes}" size)
  math(EXPR size "${size} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND text "static const unsigned char file_${count}[] = {${bytes}0};\n")
  string(APPEND table "    {\"${name}\", (const char *)file_${count}, ${size}},\n")
  math(EXPR count "${count} + 1")
endforeach()
string(APPEND text "\nconst AlisaEmbeddedFile ${SYMBOL}s[] = {\n${table}    {0}};\n"
                   "const size_t ${SYMBOL}_count = ${count};\n")
file(WRITE ${OUTPUT} "${text}")
